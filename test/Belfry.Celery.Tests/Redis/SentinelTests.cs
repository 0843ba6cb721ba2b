using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Belfry.Celery.Control;
using Belfry.Celery.Events;
using Belfry.Celery.Redis;
using Belfry.Celery.Tests.Events;
using Belfry.Testing;

namespace Belfry.Celery.Tests.Redis;

/// <summary>A Redis whose master changes: behind Sentinels, or in a list of brokers.</summary>
public sealed class SentinelTests
{
    const string Channel = "/3.celeryev/task.multi", Options = $"?master_name={RedisSentinels.Master}&sentinel_password={RedisSentinels.SentinelPassword}";
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Events_of_the_new_master_are_heard_after_a_failover_and_what_was_missed_is_a_gap()
    {
        await using RedisSentinels redis = await RedisSentinels.StartAsync();
        await using Listener listener = await Listener.StartAsync(redis.Url(3) + Options);
        Publish(redis.First, "before");
        await listener.EventAsync("before");
        long killed = Stopwatch.GetTimestamp();
        await redis.KillMasterAsync();
        await Eventually.HoldsAsync("the loss is noticed", () => listener.Status is { Listening: false, Problem: not null });
        await Eventually.HoldsAsync("the new master is heard", () => listener.Status is { Listening: true, Problem: null }, TimeSpan.FromMinutes(1));
        TestContext.Current.TestOutputHelper?.WriteLine($"heard again after {Stopwatch.GetElapsedTime(killed).TotalSeconds:0.0} s");
        Assert.Equal(redis.Second.Port, await redis.MasterPortAsync());
        Publish(redis.Second, "after");
        await listener.EventAsync("after");
        Assert.Single(listener.Batches, batch => batch.Gap is not null);
    }

    [Fact]
    public async Task A_worker_of_Celery_behind_Sentinels_is_asked_and_heard_before_and_after_a_failover()
    {
        await using RedisSentinels redis = await RedisSentinels.StartAsync();
        await using Testing.CeleryCluster lab = Testing.CeleryCluster.StartOn(redis.Url(3), more: new Dictionary<string, string?>
        {
            ["LAB_MASTER"] = RedisSentinels.Master, ["LAB_SENTINEL_PASSWORD"] = RedisSentinels.SentinelPassword, ["LAB_PREFIX"] = "{site}:",
        });
        await lab.StartWorkerAsync();
        BrokerUrl url = BrokerUrl.Parse(lab.Url).WithSentinel(RedisSentinels.Master, null, RedisSentinels.SentinelPassword);
        var control = new RemoteControl(new CeleryCluster { Source = "lab", Broker = url, KeyPrefix = "{site}:" }, TimeProvider.System);
        await using Listener listener = await Listener.StartAsync(redis.Url(3) + Options, "{site}:");
        string before = await lab.SendAsync("lab.add", [1, 2]);
        await Eventually.HoldsAsync("the run before", () => listener.Events.Any(item => item.Id == before && item.Kind == EventKind.Succeeded));
        Assert.Equal(["w1@lab"], (await PingAsync()).Replies.Keys);
        await redis.KillMasterAsync();
        await Eventually.HoldsAsync("the worker answers behind the new master", async () =>
        {
            try
            {
                return (await PingAsync()).Replies.ContainsKey("w1@lab");
            }
            catch (IOException)
            {
                return false; // there is no master yet
            }
        }, TimeSpan.FromMinutes(2));
        string after = await lab.SendAsync("lab.add", [3, 4]);
        await Eventually.HoldsAsync("the run after", () => listener.Events.Any(item => item.Id == after && item.Kind == EventKind.Succeeded), TimeSpan.FromMinutes(1));

        Task<ControlAnswer> PingAsync() => control.AskAsync("ping", new JsonObject(), [], TimeSpan.FromSeconds(2), ["w1@lab"], TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task What_is_wrong_with_the_Sentinels_is_told()
    {
        await using RedisSentinels redis = await RedisSentinels.StartAsync();
        Assert.Contains("knows no master 'other'", Problem<IOException>(redis.Url() + $"?master_name=other&sentinel_password={RedisSentinels.SentinelPassword}"), StringComparison.Ordinal);
        Assert.Contains("NOAUTH", Problem<IOException>(redis.Url() + $"?master_name={RedisSentinels.Master}"), StringComparison.Ordinal);
        string wrong = redis.Url().Replace($":{RedisSentinels.Password}@", ":wrongword@", StringComparison.Ordinal) + Options;
        Assert.Contains("WRONGPASS", Problem<IOException>(wrong), StringComparison.Ordinal);
        await redis.DisposeAsync();
        Assert.Contains("cannot be reached", Problem<IOException>(wrong), StringComparison.Ordinal);

        static string Problem<T>(string url)
            where T : Exception
        {
            string told = Assert.Throws<T>(() => Open(url)).Message;
            Assert.DoesNotContain("wrongword", told, StringComparison.Ordinal);
            Assert.DoesNotContain(RedisSentinels.SentinelPassword, told, StringComparison.Ordinal);
            return told;
        }
    }

    [Fact]
    public async Task Of_a_list_the_first_that_is_there_and_no_replica_is_taken()
    {
        await using RedisServer first = await RedisServer.StartAsync();
        await using RedisServer second = await RedisServer.StartAsync();
        string list = $"redis://127.0.0.1:{Machine.FreePort()}/3;{Place(first)};{Place(second)}";
        Assert.Equal(Place(first), Taken());
        await first.AskAsync("REPLICAOF", "127.0.0.1", $"{second.Port}");
        Assert.Equal(Place(second), Taken());
        await second.StopAsync();
        Assert.Contains($"{Place(first)} is a replica", Assert.Throws<IOException>(() => Open(list)).Message, StringComparison.Ordinal);
        await first.AskAsync("REPLICAOF", "NO", "ONE");
        Assert.Equal(Place(first), Taken());

        string Place(RedisServer server) => $"redis://127.0.0.1:{server.Port}/3";

        string Taken()
        {
            using RedisConnection connection = Open(list);
            return connection.Place.ToString();
        }
    }

    static RedisConnection Open(string url) => RedisConnection.Open(BrokerUrl.Parse(url), Patience, TimeProvider.System, CancellationToken.None);

    static void Publish(RedisServer server, string id)
    {
        using RedisConnection connection = Open($"redis://:{RedisSentinels.Password}@127.0.0.1:{server.Port}/0");
        byte[] message = Samples.Envelope(Encoding.UTF8.GetBytes($$"""{"type": "task-started", "uuid": "{{id}}", "hostname": "w1@lab", "timestamp": 1}"""));
        connection.Command("PUBLISH", Channel, Encoding.UTF8.GetString(message));
    }
}
