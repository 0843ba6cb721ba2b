using Belfry.Celery.Tests.Events;
using Belfry.Server.Sources;
using Belfry.Storage;
using Belfry.Testing;
using Cluster = Belfry.Testing.CeleryCluster;

namespace Belfry.Celery.Tests.Sources;

public sealed class CelerySourceTests
{
    [Fact, Trait("row", "87")]
    public async Task A_real_cluster_is_logged_though_its_workers_were_not_told_to_send_events()
    {
        using var folder = new TempFolder();
        await using Cluster cluster = await Cluster.StartAsync(prefix: "{app1}:", database: 3);
        await using Watched watched = await Watched.StartAsync(
            new SourceSettings { Name = "lab", Broker = cluster.Url, KeyPrefix = "{app1}:" }, store: $"sqlite://{folder.File("log.db")}");
        await watched.ListeningAsync();
        // It beats before it listens to remote control.
        CeleryWorker worker = await cluster.StartWorkerAsync(new CeleryWorkerOptions { Events = false, Mingles = true });
        await watched.WorkerAsync(worker.Name, online: true);
        await Eventually.HoldsAsync("the worker was asked for events", () => worker.Log.Contains("Events of group {task} enabled", StringComparison.Ordinal));

        string ok = await cluster.SendAsync("lab.add", [2, 3]);
        string failed = await cluster.SendAsync("lab.fail", ["boom ✗"]);
        string retried = await cluster.SendAsync("lab.retry", [1]);

        TaskRun success = (await watched.RunAsync(ok, RunState.Completed))[^1];
        Assert.Equal(("lab.add", "5", "w1@lab", "celery", "lab"), (success.Task, success.Result, success.Worker, success.Queue, success.Source));
        Assert.Contains("2, 3", success.Args, StringComparison.Ordinal);
        // What the client sends comes over another connection than what the worker sends.
        await Eventually.HoldsAsync("it has all its instants, in their order", async () =>
            (await watched.RunAsync(ok, RunState.Completed))[^1] is var run && run.Submitted <= run.Received && run.Received <= run.Started && run.Started <= run.Finished);
        TaskRun failure = (await watched.RunAsync(failed, RunState.Failed))[^1];
        Assert.Equal("ValueError('boom ✗')", failure.Exception);
        Assert.Contains("in fail", failure.Traceback, StringComparison.Ordinal);
        IReadOnlyList<TaskRun> attempts = await watched.RunAsync(retried, RunState.Completed, attempts: 2);
        Assert.Equal([RunState.Retried, RunState.Completed], attempts.Select(run => run.State));
        Assert.Empty(await watched.Queries.RefusalsAsync(CancellationToken.None));
    }

    [Fact, Trait("row", "103")]
    public async Task A_worker_that_is_killed_is_offline_and_its_run_lost()
    {
        await using Cluster cluster = await Cluster.StartAsync();
        await using Watched watched = await Watched.StartAsync(new SourceSettings { Name = "lab", Broker = cluster.Url }, lostAfter: TimeSpan.FromSeconds(2));
        await watched.ListeningAsync();
        CeleryWorker worker = await cluster.StartWorkerAsync(new CeleryWorkerOptions { Concurrency = 1 });
        string running = await cluster.SendAsync("lab.sleep", [300]);
        string queued = await cluster.SendAsync("lab.ok");
        await watched.RunAsync(running, RunState.Running);
        await watched.RunAsync(queued, RunState.Queued);
        await worker.KillAsync();
        await watched.WorkerAsync(worker.Name, online: false);
        TaskRun lost = (await watched.RunAsync(running, RunState.Lost))[^1];
        Assert.Equal("worker gone", lost.Reason);
        await watched.RunAsync(queued, RunState.Pending);
    }

    [Fact]
    public async Task A_worker_that_stops_in_peace_loses_nothing()
    {
        await using Cluster cluster = await Cluster.StartAsync();
        await using Watched watched = await Watched.StartAsync(new SourceSettings { Name = "lab", Broker = cluster.Url }, lostAfter: TimeSpan.FromSeconds(1));
        await watched.ListeningAsync();
        CeleryWorker worker = await cluster.StartWorkerAsync();
        string running = await cluster.SendAsync("lab.sleep", [8]);
        await watched.RunAsync(running, RunState.Running);
        worker.Signal(15);
        await watched.WorkerAsync(worker.Name, online: false);
        await watched.RunAsync(running, RunState.Completed);
    }

    [Fact]
    public async Task A_broker_that_is_down_at_start_is_the_problem_of_its_source_until_it_comes()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await redis.StopAsync();
        await using Watched watched = await Watched.StartAsync(new SourceSettings { Name = "lab", Broker = redis.Url });
        SourceStatus down = await watched.SourceAsync("the problem", source => source.Problem is not null);
        Assert.Contains("cannot be reached", down.Problem, StringComparison.Ordinal);
        await redis.StartAgainAsync();
        await watched.ListeningAsync();
        await redis.PublishAsync("/0.celeryev/task.multi", Received("a"));
        await watched.RunAsync("a", RunState.Queued);
    }

    [Fact]
    public async Task What_we_did_not_hear_is_a_gap_whether_we_or_the_broker_were_away()
    {
        using var folder = new TempFolder();
        var settings = new SourceSettings { Name = "lab" };
        await using RedisServer redis = await RedisServer.StartAsync();
        settings.Broker = redis.Url;
        string store = $"sqlite://{folder.File("log.db")}";
        await using (Watched first = await Watched.StartAsync(settings, store: store))
        {
            await first.ListeningAsync();
            await redis.PublishAsync("/0.celeryev/task.multi", Received("a"));
            await first.RunAsync("a", RunState.Queued);
            await redis.StopAsync();
            await first.SourceAsync("the loss", source => source.Problem is not null);
            await redis.StartAgainAsync();
            await GapAsync(first, "the connection to the broker was lost");
        }
        await using Watched second = await Watched.StartAsync(settings, store: store);
        await GapAsync(second, "Belfry was not listening");
    }

    [Fact]
    public async Task What_cannot_be_read_is_counted_in_the_log()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Watched watched = await Watched.StartAsync(new SourceSettings { Name = "lab", Broker = redis.Url });
        await watched.ListeningAsync();
        await redis.PublishAsync("/0.celeryev/task.multi", [0xFF, 0x00]);
        await redis.PublishAsync("/0.celeryev/worker.dance", Samples.Envelope("""{"type": "worker-dance", "hostname": "w", "timestamp": 1}"""u8.ToArray()));
        await Eventually.HoldsAsync("both counts", async () =>
            (await watched.Queries.RefusalsAsync(CancellationToken.None)).Select(refusal => refusal.What).Order().SequenceEqual(["message that is not JSON", "unknown kind worker-dance"]));
    }

    static Task GapAsync(Watched watched, string reason) => Eventually.HoldsAsync($"the gap: {reason}", async () =>
    {
        Instant now = Instant.Now(TimeProvider.System);
        return (await watched.Queries.GapsAsync(now - TimeSpan.FromHours(1), now, CancellationToken.None)).Any(gap => gap.Reason == reason && gap.To is not null);
    });

    static byte[] Received(string id) => Samples.Envelope(System.Text.Encoding.UTF8.GetBytes(
        $$"""{"type": "task-received", "uuid": "{{id}}", "name": "t", "hostname": "w1@lab", "retries": 0, "timestamp": {{Instant.Now(TimeProvider.System).Micros / 1e6:F6}}}"""));
}
