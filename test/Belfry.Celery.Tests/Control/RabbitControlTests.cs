using System.Diagnostics;
using System.Text.Json.Nodes;
using Belfry.Celery.Control;
using Belfry.Celery.Queues;
using Belfry.Testing;
using Cluster = Belfry.Testing.CeleryCluster;

namespace Belfry.Celery.Tests.Control;

/// <summary>Remote control of Debian's Celery over RabbitMQ.</summary>
public sealed class RabbitControlTests(SharedRabbit shared)
{
    static readonly TimeSpan Second = TimeSpan.FromSeconds(1), Long = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Names_that_AMQP_cannot_say_keep_nobody_from_being_looked_for()
    {
        var cluster = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse((await shared.ServerAsync()).NewUrl()) };
        string odd = new('ä', 200);
        IReadOnlyDictionary<string, Presence> found = await new RemoteControl(cluster, TimeProvider.System).FindAsync([odd, "w9@lab"], CancellationToken.None);
        Assert.Equal((Presence.Gone, Presence.Gone), (found[odd], found["w9@lab"]));
        await using IBrokerQueues queues = BrokerQueues.Of(cluster, TimeProvider.System);
        Assert.All(await queues.ReadAsync([odd, "nowhere"], CancellationToken.None), queue => Assert.Null(queue.Length));
    }

    [Fact, Trait("row", "78")]
    public async Task Workers_answer_are_told_what_to_do_and_who_is_gone_is_told_from_who_is_busy()
    {
        await using Cluster cluster = Cluster.StartOn((await shared.ServerAsync()).NewUrl());
        await using CeleryWorker first = await cluster.StartWorkerAsync();
        await using CeleryWorker solo = await cluster.StartWorkerAsync(new CeleryWorkerOptions { Name = "solo@lab", Pool = "solo", Queues = "solo", Concurrency = 1 });
        var control = new RemoteControl(new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(cluster.Url) }, TimeProvider.System);

        long began = Stopwatch.GetTimestamp();
        ControlAnswer all = await control.AskAsync("ping", null, [], Long, ["w1@lab", "solo@lab"], CancellationToken.None);
        Assert.True(Stopwatch.GetElapsedTime(began) < Long / 2);
        Assert.Equal(["solo@lab", "w1@lab"], all.Replies.Keys.Order());
        Assert.Equal((null, null), (all.Heard, all.Mute));
        Assert.Equal(2, (await control.AskAsync("ping", null, [], Second, [], CancellationToken.None)).Replies.Count);

        foreach ((string method, string arguments, string wanted) in new[]
        {
            ("stats", "{}", "prefetch_count"), ("active", "{}", "["), ("reserved", "{}", "["), ("scheduled", "{}", "["), ("revoked", "{}", "["), ("registered", "{}", "lab.ok"),
            ("active_queues", "{}", "celery"), ("conf", "{}", "broker_url"), ("report", "{}", "celery:5"), ("clock", "{}", "clock"), ("query_task", """{"ids": ["x"]}""", "{}"),
            ("rate_limit", """{"task_name": "lab.add", "rate_limit": "10/m"}""", "new rate limit set"), ("time_limit", """{"task_name": "lab.add", "hard": 60, "soft": 30}""", "time limits set"),
            ("pool_grow", """{"n": 1}""", "pool will grow"), ("pool_shrink", """{"n": 1}""", "pool will shrink"), ("pool_restart", "{}", "reload started"), ("autoscale", """{"max": 2, "min": 1}""", "Autoscale not enabled"),
            ("add_consumer", """{"queue": "extra"}""", "add consumer extra"), ("cancel_consumer", """{"queue": "extra"}""", "no longer consuming"), ("enable_events", "{}", "already enabled"),
            ("disable_events", "{}", "already disabled"), ("revoke", """{"task_id": ["a"]}""", "flagged as revoked"), ("terminate", """{"task_id": ["a"], "signal": "SIGTERM"}""", "tasks unknown"),
        })
        {
            ControlAnswer answer = await control.AskAsync(method, JsonNode.Parse(arguments)!.AsObject(), ["w1@lab"], Long, [], CancellationToken.None);
            Assert.Contains(wanted, Assert.Single(answer.Replies).Value.GetRawText(), StringComparison.Ordinal);
        }

        await cluster.SendAsync("lab.sleep", [60], new { queue = "solo" });
        await Eventually.HoldsAsync("the worker is busy", async () => (await control.AskAsync("ping", null, [], Second / 4, ["w1@lab", "solo@lab"], CancellationToken.None)).Silent is ["solo@lab"]);
        IReadOnlyDictionary<string, Presence> found = await control.FindAsync(["solo@lab", "w1@lab", "w9@lab"], CancellationToken.None);
        Assert.Equal((Presence.Connected, Presence.Connected, Presence.Gone), (found["solo@lab"], found["w1@lab"], found["w9@lab"]));
        await solo.KillAsync();
        await Eventually.HoldsAsync("the worker is gone", async () => (await control.FindAsync(["solo@lab"], CancellationToken.None))["solo@lab"] == Presence.Gone);

        Assert.Null(await control.CastAsync("shutdown", null, ["w1@lab"], CancellationToken.None));
        Assert.Equal(0, await first.ExitAsync());
        await Assert.ThrowsAsync<IOException>(() => new RemoteControl(new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse($"amqp://127.0.0.1:{Machine.FreePort()}") }, TimeProvider.System)
            .AskAsync("ping", null, [], Second, [], CancellationToken.None));
    }
}
