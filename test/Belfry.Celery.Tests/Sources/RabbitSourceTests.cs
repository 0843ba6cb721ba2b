using Belfry.Celery.Tests.RabbitMq;
using Belfry.Server.Sources;
using Belfry.Storage;
using Belfry.Testing;
using Lab = Belfry.Testing.CeleryCluster;

namespace Belfry.Celery.Tests.Sources;

public sealed class RabbitSourceTests(SharedRabbit shared)
{
    [Fact]
    public async Task A_source_whose_workers_cannot_be_asked_at_all_is_watched_all_the_same()
    {
        // AMQP has no exchange of such a name.
        var settings = new SourceSettings { Name = "lab", Broker = (await shared.ServerAsync()).NewUrl(), ControlExchange = new('x', 300) };
        await using Watched watched = await Watched.StartAsync(settings);
        await watched.ListeningAsync();
        Instant begun = Instant.Now(TimeProvider.System);
        await watched.SourceAsync("it goes on listening", source => source.ListenedTo > begun + TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task A_real_cluster_that_was_not_told_to_send_events_is_logged_also_what_it_did_while_nobody_listened()
    {
        using var folder = new TempFolder();
        string store = $"sqlite://{folder.File("log.db")}";
        await using Lab cluster = Lab.StartOn((await shared.ServerAsync()).NewUrl());
        var settings = new SourceSettings { Name = "lab", Broker = cluster.Url };
        string ok, away;
        await using (Watched watched = await Watched.StartAsync(settings, store: store))
        {
            await watched.ListeningAsync();
            CeleryWorker worker = await cluster.StartWorkerAsync(new CeleryWorkerOptions { Events = false });
            await watched.WorkerAsync(worker.Name, online: true);
            await Eventually.HoldsAsync("the worker was asked for events", () => worker.Log.Contains("Events of group {task} enabled", StringComparison.Ordinal));
            ok = await cluster.SendAsync("lab.add", [2, 3]);
            string failed = await cluster.SendAsync("lab.fail", ["boom ✗"]);
            string retried = await cluster.SendAsync("lab.retry", [1]);
            TaskRun success = (await watched.RunAsync(ok, RunState.Completed))[^1];
            Assert.Equal(("lab.add", "5", "w1@lab", "celery", "lab"), (success.Task, success.Result, success.Worker, success.Queue, success.Source));
            Assert.True(success.Submitted <= success.Received && success.Received <= success.Started && success.Started <= success.Finished);
            Assert.Equal("ValueError('boom ✗')", (await watched.RunAsync(failed, RunState.Failed))[^1].Exception);
            Assert.Equal([RunState.Retried, RunState.Completed], (await watched.RunAsync(retried, RunState.Completed, attempts: 2)).Select(run => run.State));
            Assert.Equal("celery-rabbitmq", (await watched.Queries.SourcesAsync(CancellationToken.None)).Single().Kind);
        }
        away = await cluster.SendAsync("lab.add", [3, 4]);
        await using Watched again = await Watched.StartAsync(settings, store: store);
        TaskRun unheard = (await again.RunAsync(away, RunState.Completed))[^1];
        Assert.Equal(("7", "celery"), (unheard.Result, unheard.Queue));
        Assert.Empty(await GapsAsync(again));
        Assert.Empty(await again.Queries.RefusalsAsync(CancellationToken.None));
    }

    [Fact, Trait("row", "103")]
    public async Task A_worker_that_is_killed_is_offline_and_its_run_lost()
    {
        await using Lab cluster = Lab.StartOn((await shared.ServerAsync()).NewUrl());
        await using Watched watched = await Watched.StartAsync(new SourceSettings { Name = "lab", Broker = cluster.Url }, lostAfter: TimeSpan.FromSeconds(2));
        await watched.ListeningAsync();
        CeleryWorker worker = await cluster.StartWorkerAsync(new CeleryWorkerOptions { Concurrency = 1 });
        string running = await cluster.SendAsync("lab.sleep", [300]);
        await watched.RunAsync(running, RunState.Running);
        await worker.KillAsync();
        await watched.WorkerAsync(worker.Name, online: false);
        Assert.Equal("worker gone", (await watched.RunAsync(running, RunState.Lost))[^1].Reason);
    }

    [Fact]
    public async Task A_broker_that_is_down_at_start_is_waited_for_and_its_restart_while_we_are_away_is_a_gap()
    {
        using var folder = new TempFolder();
        string store = $"sqlite://{folder.File("log.db")}";
        await using RabbitServer rabbit = await RabbitServer.StartAsync();
        await rabbit.StopAsync();
        var settings = new SourceSettings { Name = "lab", Broker = rabbit.Url };
        await using (Watched first = await Watched.StartAsync(settings, store: store))
        {
            SourceStatus down = await first.SourceAsync("the problem", source => source.Problem is not null);
            Assert.Contains("cannot be reached", down.Problem, StringComparison.Ordinal);
            await rabbit.StartAgainAsync();
            await first.ListeningAsync();
            await using EventPublisher publisher = await EventPublisher.StartAsync(rabbit.Url);
            await publisher.StartedAsync("a");
            await first.RunAsync("a", RunState.Running);
            // A place that was never read has no gap.
            Assert.Empty(await GapsAsync(first));
        }
        await rabbit.StopAsync();
        await rabbit.StartAgainAsync();
        await using Watched second = await Watched.StartAsync(settings, store: store);
        await Eventually.HoldsAsync("the gap", async () => (await GapsAsync(second)).Any(gap => gap.Reason.Contains("the broker was restarted", StringComparison.Ordinal) && gap.To is not null));
    }

    static async Task<IReadOnlyList<SourceGap>> GapsAsync(Watched watched)
    {
        Instant now = Instant.Now(TimeProvider.System);
        return await watched.Queries.GapsAsync(now - TimeSpan.FromHours(1), now, CancellationToken.None);
    }
}
