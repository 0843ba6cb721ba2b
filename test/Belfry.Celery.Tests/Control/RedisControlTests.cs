using System.Diagnostics;
using System.Text.Json.Nodes;
using Belfry.Celery.Control;
using Belfry.Testing;
using Cluster = Belfry.Testing.CeleryCluster;

namespace Belfry.Celery.Tests.Control;

/// <summary>Remote control of Debian's Celery over Redis.</summary>
public sealed class RedisControlTests(RedisControlTests.Lab lab) : IClassFixture<RedisControlTests.Lab>
{
    static readonly TimeSpan Second = TimeSpan.FromSeconds(1), Long = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task All_workers_answer_and_nobody_is_waited_for_after_that()
    {
        long began = Stopwatch.GetTimestamp();
        ControlAnswer answer = await lab.Control.AskAsync("ping", null, [], Long, ["w1@lab", "w2@lab"], CancellationToken.None);
        Assert.True(Stopwatch.GetElapsedTime(began) < Long / 2);
        Assert.Equal(["w1@lab", "w2@lab"], answer.Replies.Keys.Order());
        Assert.Equal("pong", answer.Replies["w1@lab"].GetProperty("ok").GetString());
        Assert.Empty(answer.Silent);
        Assert.Equal((2, 0), (answer.Heard, answer.Mute));
    }

    [Fact]
    public async Task Who_is_not_known_is_counted_by_the_broker()
    {
        long began = Stopwatch.GetTimestamp();
        ControlAnswer answer = await lab.Control.AskAsync("ping", null, [], Long, [], CancellationToken.None);
        Assert.True(Stopwatch.GetElapsedTime(began) < Long / 2);
        Assert.Equal(2, answer.Replies.Count);
    }

    [Fact]
    public async Task Only_those_who_are_meant_answer()
    {
        ControlAnswer answer = await lab.Control.AskAsync("registered", new JsonObject { ["taskinfoitems"] = new JsonArray("max_retries") }, ["w2@lab"], Long, [], CancellationToken.None);
        Assert.Equal("w2@lab", Assert.Single(answer.Replies).Key);
        Assert.Contains(answer.Replies["w2@lab"].EnumerateArray(), task => task.GetString() == "lab.add [max_retries=3]");
    }

    [Fact]
    public async Task A_worker_that_is_not_there_is_silent_and_gone()
    {
        ControlAnswer answer = await lab.Control.AskAsync("ping", null, ["w2@lab", "w9@lab"], Second / 4, [], CancellationToken.None);
        Assert.Equal(["w9@lab"], answer.Silent);
        IReadOnlyDictionary<string, Presence> found = await lab.Control.FindAsync(["w9@lab", "w1@lab"], CancellationToken.None);
        Assert.Equal((Presence.Gone, Presence.Connected), (found["w9@lab"], found["w1@lab"]));
    }

    [Fact]
    public async Task Nothing_is_left_in_Redis_after_a_question()
    {
        await lab.Control.AskAsync("ping", null, [], Second, [], CancellationToken.None);
        await lab.Control.AskAsync("ping", null, ["w9@lab"], Second / 10, [], CancellationToken.None);
        Assert.Equal("0", await lab.Cluster.Redis.AskAsync("EXISTS", "_kombu.binding.reply.celery.pidbox"));
    }

    [Fact]
    public async Task A_solo_worker_at_work_is_silent_and_connected()
    {
        await using Cluster cluster = await Cluster.StartAsync(prefix: "{app1}:", database: 3);
        await using CeleryWorker solo = await cluster.StartWorkerAsync(new CeleryWorkerOptions { Name = "solo@lab", Pool = "solo", Concurrency = 1 });
        var control = new RemoteControl(new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(cluster.Url), KeyPrefix = "{app1}:" }, TimeProvider.System);
        Assert.Single((await control.AskAsync("ping", null, [], Long, ["solo@lab"], CancellationToken.None)).Replies);

        await cluster.SendAsync("lab.sleep", [60]);
        await Eventually.HoldsAsync("the worker is busy", async () => (await control.AskAsync("ping", null, [], Second / 4, ["solo@lab"], CancellationToken.None)).Silent.Count == 1);
        Assert.Equal(Presence.Connected, (await control.FindAsync(["solo@lab"], CancellationToken.None))["solo@lab"]);

        await solo.KillAsync();
        await Eventually.HoldsAsync("the worker is gone", async () => (await control.FindAsync(["solo@lab"], CancellationToken.None))["solo@lab"] == Presence.Gone);
    }

    [Fact]
    public async Task A_broker_that_is_away_is_a_problem_and_giving_up_is_possible()
    {
        var away = new RemoteControl(new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse($"redis://127.0.0.1:{Machine.FreePort()}/0") }, TimeProvider.System);
        await Assert.ThrowsAsync<IOException>(() => away.AskAsync("ping", null, [], Second, [], CancellationToken.None));
        using var cancel = new CancellationTokenSource(Second / 4);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => lab.Control.AskAsync("ping", null, ["w9@lab"], Long, [], cancel.Token));
    }

    /// <summary>Two workers on a Redis.</summary>
    public sealed class Lab : IAsyncLifetime
    {
        internal Cluster Cluster { get; private set; } = null!;

        internal RemoteControl Control { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Cluster = await Cluster.StartAsync();
            await Task.WhenAll(
                Cluster.StartWorkerAsync(),
                Cluster.StartWorkerAsync(new CeleryWorkerOptions { Name = "w2@lab", Queues = "reports", Concurrency = 1 }));
            Control = new RemoteControl(new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(Cluster.Url) }, TimeProvider.System);
        }

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();
    }
}
