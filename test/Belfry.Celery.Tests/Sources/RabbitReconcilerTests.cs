using Belfry.Server.Sources;
using Belfry.Storage;
using Belfry.Testing;
using Cluster = Belfry.Testing.CeleryCluster;

namespace Belfry.Celery.Tests.Sources;

/// <summary>What is asked of workers and queues of RabbitMQ.</summary>
public sealed class RabbitReconcilerTests(SharedRabbit shared)
{
    [Fact, Trait("row", "103")]
    public async Task A_worker_that_is_killed_loses_what_it_ran_and_gives_back_what_it_held()
    {
        await using Cluster cluster = Cluster.StartOn((await shared.ServerAsync()).NewUrl());
        await using Watched watched = await Watched.StartAsync(new SourceSettings { Name = "lab", Broker = cluster.Url }, lostAfter: TimeSpan.FromSeconds(4));
        await watched.ListeningAsync();
        CeleryWorker worker = await cluster.StartWorkerAsync(new CeleryWorkerOptions { Concurrency = 1 });
        await watched.WorkerAsync(worker.Name, online: true);
        string running = await cluster.SendAsync("lab.sleep", [300]), queued = await cluster.SendAsync("lab.ok");
        await watched.RunAsync(running, RunState.Running);
        await watched.RunAsync(queued, RunState.Queued);
        await worker.KillAsync();
        Assert.Equal("worker gone", (await watched.RunAsync(running, RunState.Lost))[^1].Reason);
        await watched.RunAsync(queued, RunState.Pending);
    }

    [Fact]
    public async Task A_solo_worker_at_work_is_neither_dead_nor_its_run_lost()
    {
        await using Cluster cluster = Cluster.StartOn((await shared.ServerAsync()).NewUrl());
        await using Watched watched = await Watched.StartAsync(new SourceSettings { Name = "lab", Broker = cluster.Url }, lostAfter: TimeSpan.FromSeconds(1));
        await watched.ListeningAsync();
        CeleryWorker worker = await cluster.StartWorkerAsync(new CeleryWorkerOptions { Pool = "solo", Concurrency = 1 });
        await watched.WorkerAsync(worker.Name, online: true);
        await watched.RunAsync(await cluster.SendAsync("lab.ok"), RunState.Completed);
        string run = await cluster.SendAsync("lab.sleep", [12]);
        await watched.WorkerAsync(worker.Name, online: false);
        IReadOnlyList<TaskRun> rows = await watched.RunAsync(run, RunState.Completed);
        Assert.DoesNotContain(rows, row => row.State == RunState.Lost || row.Redeliveries > 0);
    }
}
