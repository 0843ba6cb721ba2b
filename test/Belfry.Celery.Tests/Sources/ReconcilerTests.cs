using System.Diagnostics;
using Belfry.Server.Sources;
using Belfry.Storage;
using Belfry.Testing;
using Cluster = Belfry.Testing.CeleryCluster;

namespace Belfry.Celery.Tests.Sources;

/// <summary>What happened unheard, in a real cluster, is found out afterwards.</summary>
public sealed class ReconcilerTests
{
    [Theory]
    [InlineData(CeleryResults.Extended)]
    [InlineData(CeleryResults.Plain)]
    public async Task What_ran_while_nobody_listened_is_filled_in(CeleryResults results)
    {
        using var folder = new TempFolder();
        await using Cluster cluster = await Cluster.StartAsync(results: results);
        SourceSettings settings = new() { Name = "lab", Broker = cluster.Url };
        string store = $"sqlite://{folder.File("log.db")}";
        await cluster.StartWorkerAsync(new CeleryWorkerOptions { Concurrency = 4 });
        var expected = new Dictionary<string, RunState>();
        string through, late, waiting;
        await using (Watched before = await Watched.StartAsync(settings, store: store))
        {
            await before.ListeningAsync();
            await before.RunAsync(await cluster.SendAsync("lab.ok"), RunState.Completed);
            through = await cluster.SendAsync("lab.sleep", [15]);
            expected[await cluster.SendAsync("lab.sleep", [2])] = RunState.Completed;
            await before.RunAsync(through, RunState.Running);
            await before.RunAsync(expected.Keys.Single(), RunState.Running);
        }
        for (int i = 0; i < 5; i++)
        {
            expected[await cluster.SendAsync("lab.add", [i, 1])] = RunState.Completed;
            expected[await cluster.SendAsync("lab.fail", [$"no {i}"])] = RunState.Failed;
            expected[await cluster.SendAsync("lab.retry", [1])] = RunState.Completed;
        }
        late = await cluster.SendAsync("lab.sleep", [12]);
        waiting = await cluster.SendAsync("lab.ok", options: new { countdown = 60 });
        await EndedAsync(cluster, expected.Keys);

        await using Watched after = await Watched.StartAsync(settings, store: store);
        await after.ListeningAsync();
        long begin = Stopwatch.GetTimestamp();
        foreach ((string id, RunState state) in expected)
        {
            TaskRun run = (await after.RunAsync(id, state))[^1];
            Assert.True(run.Reconciled.HasFlag(RunParts.Finished), $"{run}");
        }
        Assert.InRange(Stopwatch.GetElapsedTime(begin).TotalSeconds, 0, 10);
        Assert.Equal(RunState.Running, (await after.RunAsync(through, RunState.Running))[^1].State);
        TaskRun found = (await after.RunAsync(late, RunState.Running))[^1];
        Assert.Equal(("lab.sleep", "w1@lab", RunParts.Received | RunParts.Started), (found.Task, found.Worker, found.Reconciled));
        Assert.Equal("w1@lab", (await after.RunAsync(waiting, RunState.Queued))[^1].Worker);
        Assert.Equal(RunParts.None, (await after.RunAsync(through, RunState.Completed))[^1].Reconciled);
        Assert.Equal(RunParts.Received | RunParts.Started, (await after.RunAsync(late, RunState.Completed))[^1].Reconciled);
    }

    [Fact, Trait("row", "103")]
    public async Task A_worker_that_was_killed_while_nobody_listened_loses_what_it_ran_and_gives_back_what_it_held()
    {
        using var folder = new TempFolder();
        await using Cluster cluster = await Cluster.StartAsync(results: CeleryResults.Extended);
        SourceSettings settings = new() { Name = "lab", Broker = cluster.Url };
        string store = $"sqlite://{folder.File("log.db")}", running, queued;
        CeleryWorker worker = await cluster.StartWorkerAsync(new CeleryWorkerOptions { Concurrency = 1 });
        await using (Watched before = await Watched.StartAsync(settings, store: store))
        {
            await before.ListeningAsync();
            running = await cluster.SendAsync("lab.sleep", [300]);
            queued = await cluster.SendAsync("lab.ok");
            await before.RunAsync(running, RunState.Running);
            await before.RunAsync(queued, RunState.Queued);
        }
        await worker.KillAsync();
        string never = await cluster.SendAsync("lab.add", [1, 2]);
        await using Watched after = await Watched.StartAsync(settings, lostAfter: TimeSpan.FromSeconds(5), store: store);
        await after.ListeningAsync();
        await after.RunAsync(never, RunState.Pending);
        Assert.Equal(RunState.Running, (await after.RunAsync(running, RunState.Running))[^1].State);
        TaskRun lost = (await after.RunAsync(running, RunState.Lost))[^1], kept = (await after.RunAsync(queued, RunState.Pending))[^1];
        Assert.Equal("worker gone", lost.Reason);
        await Eventually.HoldsAsync("it is told who keeps it", async () =>
            (kept = (await after.RunAsync(queued, RunState.Pending))[^1]).Reason?.StartsWith("kept by the broker until 2", StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task Ends_that_a_pool_of_threads_does_not_tell_are_found_out_within_seconds()
    {
        await using Cluster cluster = await Cluster.StartAsync(results: CeleryResults.Extended);
        await using Watched watched = await Watched.StartAsync(new SourceSettings { Name = "lab", Broker = cluster.Url });
        await watched.ListeningAsync();
        await cluster.StartWorkerAsync(new CeleryWorkerOptions { Pool = "threads", Concurrency = 8 });
        List<string> ids = [];
        for (int i = 0; i < 150; i++)
        {
            ids.Add(await cluster.SendAsync("lab.add", [i, i]));
        }
        await EndedAsync(cluster, ids);
        long begin = Stopwatch.GetTimestamp();
        foreach (string id in ids)
        {
            await watched.RunAsync(id, RunState.Completed);
        }
        Assert.InRange(Stopwatch.GetElapsedTime(begin).TotalSeconds, 0, 20);
    }

    [Fact]
    public async Task A_solo_worker_at_work_is_neither_dead_nor_its_run_lost()
    {
        await using Cluster cluster = await Cluster.StartAsync(results: CeleryResults.Extended);
        await using Watched watched = await Watched.StartAsync(new SourceSettings { Name = "lab", Broker = cluster.Url }, lostAfter: TimeSpan.FromSeconds(1));
        await watched.ListeningAsync();
        CeleryWorker worker = await cluster.StartWorkerAsync(new CeleryWorkerOptions { Pool = "solo", Concurrency = 1 });
        await watched.WorkerAsync(worker.Name, online: true);
        await watched.RunAsync(await cluster.SendAsync("lab.ok"), RunState.Completed);
        string first = await cluster.SendAsync("lab.sleep", [12]), second = await cluster.SendAsync("lab.sleep", [300]);
        await watched.WorkerAsync(worker.Name, online: false);
        await watched.RunAsync(first, RunState.Completed);
        Assert.DoesNotContain(await AttemptsAsync(watched, first), run => run.State == RunState.Lost || run.Redeliveries > 0);
        await watched.WorkerAsync(worker.Name, online: false);
        await Task.Delay(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
        Assert.True((await AttemptsAsync(watched, second))[^1].State is RunState.Pending or RunState.Queued);
    }

    [Fact]
    public async Task Runs_that_leave_nothing_behind_are_counted_where_a_worker_counts_them()
    {
        using var folder = new TempFolder();
        await using Cluster cluster = await Cluster.StartAsync(results: CeleryResults.Extended);
        SourceSettings settings = new() { Name = "lab", Broker = cluster.Url };
        string store = $"sqlite://{folder.File("log.db")}";
        await cluster.StartWorkerAsync();
        await using (Watched before = await Watched.StartAsync(settings, store: store))
        {
            await before.ListeningAsync();
            await before.RunAsync(await cluster.SendAsync("lab.ok"), RunState.Completed);
            await before.WorkerAsync("w1@lab", online: true);
            await Task.Delay(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken); // one more beat, which counts it
        }
        for (int i = 0; i < 5; i++)
        {
            await cluster.SendAsync("lab.silent");
            await cluster.SendAsync("lab.ok");
        }
        await Task.Delay(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
        await using Watched after = await Watched.StartAsync(settings, store: store);
        UnseenStart unseen = await Eventually.GetAsync("what nobody saw", async () =>
            UnseenStart.Read(await after.Queries.LatestSamplesAsync(SampleKinds.UnseenStarts, CancellationToken.None), "lab", "w1@lab").SingleOrDefault(), TimeSpan.FromSeconds(90));
        Assert.Equal("5: lab.silent 5", unseen.InWords);
        await Eventually.HoldsAsync("it is counted", async () =>
            (await after.Queries.RefusalsAsync(CancellationToken.None)).Any(refusal => refusal is { What: "starts unseen on w1@lab", Times: 5 }));
    }

    static async Task<IReadOnlyList<TaskRun>> AttemptsAsync(Watched watched, string id) => await watched.Queries.FindAsync(id, null, CancellationToken.None);

    /// <summary>Waits until these runs have left their last results.</summary>
    static Task EndedAsync(Cluster cluster, IEnumerable<string> ids) => Eventually.HoldsAsync("all have ended", async () =>
    {
        const string status = "local r = redis.call('GET', KEYS[1]) return redis.status_reply(r and cjson.decode(r).status or 'NONE')";
        string[] states = await Task.WhenAll(ids.Select(id => cluster.Redis.AskAsync("EVAL", status, "1", $"celery-task-meta-{id}")));
        return states.All(state => state is "SUCCESS" or "FAILURE" or "REVOKED");
    });
}
