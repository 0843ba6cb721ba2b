using Belfry.Server.Sources;
using Belfry.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Celery.Tests.Sources;

/// <summary>The watch over a real log, its clock set by hand: instants in seconds.</summary>
[Trait("row", "84")]
public sealed class WorkerWatchTests
{
    static readonly Instant Begin = Instant.Now(TimeProvider.System);

    [Fact]
    public async Task A_silent_worker_goes_offline_then_loses_its_runs_and_comes_back()
    {
        await using RunLog log = await OpenAsync();
        var watch = new WorkerWatch("lab", log, TimeSpan.FromSeconds(60));
        watch.Break(At(0));
        await HearAsync(log, watch, 1, Beat(1, pid: 7), Run(EventKind.Received, "a", 1.1), Run(EventKind.Started, "a", 1.2));
        await watch.JudgeAsync(At(0), At(2), CancellationToken.None);
        await watch.JudgeAsync(At(0), At(60), CancellationToken.None);
        Assert.Equal(RunState.Running, await StateAsync(log, "a"));
        await watch.JudgeAsync(At(0), At(66), CancellationToken.None);
        Assert.Equal(RunState.Lost, await StateAsync(log, "a"));
        Assert.False(await OnlineAsync(log));
        await HearAsync(log, watch, 70, Beat(70, pid: 7), Run(EventKind.Succeeded, "a", 3));
        await watch.JudgeAsync(At(0), At(71), CancellationToken.None);
        Assert.Equal(RunState.Completed, await StateAsync(log, "a"));
        Assert.True(await OnlineAsync(log));
    }

    [Fact]
    public async Task Who_is_silent_and_connected_is_offline_and_loses_nothing_however_late_it_is_looked_at()
    {
        await using RunLog log = await OpenAsync();
        var watch = new WorkerWatch("lab", log, TimeSpan.FromSeconds(60), (silent, _) => Task.FromResult<IReadOnlySet<string>>(silent.ToHashSet()));
        watch.Break(At(0));
        await HearAsync(log, watch, 1, Beat(1, pid: 7), Run(EventKind.Received, "a", 1.1), Run(EventKind.Started, "a", 1.2));
        await watch.JudgeAsync(At(0), At(2), CancellationToken.None);
        Assert.True(await OnlineAsync(log));
        await watch.JudgeAsync(At(0), At(100), CancellationToken.None);
        Assert.Equal(RunState.Running, await StateAsync(log, "a"));
        Assert.False(await OnlineAsync(log));
    }

    [Fact]
    public async Task A_gap_makes_nothing_lost_until_the_stream_has_stood_long_enough()
    {
        await using RunLog log = await OpenAsync();
        var watch = new WorkerWatch("lab", log, TimeSpan.FromSeconds(60));
        watch.Break(At(0));
        await HearAsync(log, watch, 1, Beat(1, pid: 7), Run(EventKind.Received, "a", 1.1), Run(EventKind.Started, "a", 1.2));
        await watch.JudgeAsync(null, At(400), CancellationToken.None);
        await watch.JudgeAsync(At(500), At(501), CancellationToken.None);
        watch.Break(At(500));
        await watch.JudgeAsync(At(0), At(563), CancellationToken.None);
        Assert.Equal(RunState.Running, await StateAsync(log, "a"));
        await watch.JudgeAsync(At(0), At(565), CancellationToken.None);
        Assert.Equal(RunState.Lost, await StateAsync(log, "a"));
    }

    [Fact]
    public async Task A_process_that_was_replaced_loses_only_what_was_its_own()
    {
        await using RunLog log = await OpenAsync();
        var watch = new WorkerWatch("lab", log, TimeSpan.FromSeconds(60));
        watch.Break(At(0));
        await HearAsync(log, watch, 1, Beat(1, pid: 7), Run(EventKind.Received, "old", 1.1), Run(EventKind.Started, "old", 1.2));
        await HearAsync(log, watch, 5, Beat(5, pid: 8), Run(EventKind.Received, "new", 5.1), Run(EventKind.Started, "new", 5.2));
        await HearAsync(log, watch, 66, Beat(66, pid: 8));
        await watch.JudgeAsync(At(0), At(67), CancellationToken.None);
        Assert.Equal((RunState.Lost, RunState.Running), (await StateAsync(log, "old"), await StateAsync(log, "new")));
        Assert.True(await OnlineAsync(log));
    }

    [Fact]
    public async Task The_workers_that_the_log_knows_are_judged_after_a_restart()
    {
        await using RunLog log = await OpenAsync();
        await HearAsync(log, new WorkerWatch("lab", log, TimeSpan.FromSeconds(60)), 1, Beat(1, pid: 7), Run(EventKind.Received, "a", 1.1));
        var watch = new WorkerWatch("lab", log, TimeSpan.FromSeconds(60));
        watch.Learn(await log.Queries.WorkersAsync(CancellationToken.None));
        watch.Break(At(100));
        Assert.Empty(watch.TakeNewcomers());
        await watch.JudgeAsync(At(0), At(165), CancellationToken.None);
        Assert.Equal(RunState.Pending, await StateAsync(log, "a"));
    }

    [Fact]
    public async Task Who_comes_is_a_newcomer_once()
    {
        await using RunLog log = await OpenAsync();
        var watch = new WorkerWatch("lab", log, TimeSpan.FromSeconds(60));
        watch.Hear([Beat(1, pid: 7)], At(1));
        Assert.Equal(["w1@lab"], watch.TakeNewcomers());
        watch.Hear([Beat(3, pid: 7)], At(3));
        Assert.Empty(watch.TakeNewcomers());
        watch.Hear([Beat(4, pid: 7) with { Kind = EventKind.WorkerOnline }], At(4));
        Assert.Equal(["w1@lab"], watch.TakeNewcomers());
    }

    static Task<RunLog> OpenAsync() => RunLog.OpenAsync(
        StoreUrl.Parse("memory:"), new RunLogOptions { GroupWait = TimeSpan.FromMilliseconds(1) }, TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);

    static Task HearAsync(RunLog log, WorkerWatch watch, double arrived, params TaskEvent[] events)
    {
        watch.Hear(events, At(arrived));
        return log.AppendAsync(events, CancellationToken.None);
    }

    static async Task<RunState> StateAsync(RunLog log, string id) => Assert.Single(await log.Queries.FindAsync(id, null, CancellationToken.None)).State;

    static async Task<bool> OnlineAsync(RunLog log)
    {
        // A verdict is committed with the next group: an event of no weight brings one about.
        await log.AppendAsync([Run(EventKind.Received, "other", 1)], CancellationToken.None);
        return Assert.Single(await log.Queries.WorkersAsync(CancellationToken.None)).Online;
    }

    static Instant At(double seconds) => Begin + TimeSpan.FromSeconds(seconds);

    static TaskEvent Beat(double at, int pid) => new()
    {
        Source = "lab", Id = "", Kind = EventKind.WorkerHeartbeat, At = At(at), Worker = "w1@lab", Beat = new WorkerBeat(pid, 2, 0, 0, null),
    };

    static TaskEvent Run(EventKind kind, string id, double at) => new() { Source = "lab", Id = id, Kind = kind, At = At(at), Worker = "w1@lab", Task = "t" };
}
