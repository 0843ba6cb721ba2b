using Belfry.Server.Sources;

namespace Belfry.Celery.Tests.Sources;

/// <summary>Instants in seconds; the worker beats every 2 s and was heard last at 100, sent at 99.</summary>
[Trait("row", "84")]
public sealed class LivenessTests
{
    static readonly TimeSpan LostAfter = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(104, WorkerVerdict.Alive)]
    [InlineData(104.001, WorkerVerdict.Offline)]
    [InlineData(164, WorkerVerdict.Offline)]
    [InlineData(164.001, WorkerVerdict.Gone)]
    public void A_silent_worker_is_offline_after_two_beats_and_gone_a_minute_later(double now, WorkerVerdict verdict) =>
        Assert.Equal(verdict, Judge(Signs(), now));

    [Theory]
    [InlineData(104, WorkerVerdict.Offline)]
    [InlineData(104.001, WorkerVerdict.Left)]
    [InlineData(700, WorkerVerdict.Left)]
    [InlineData(700.001, WorkerVerdict.Gone)]
    public void A_worker_that_said_farewell_has_ten_minutes(double now, WorkerVerdict verdict) =>
        Assert.Equal(verdict, Judge(Signs() with { LeftHeard = At(100) }, now));

    [Theory]
    [InlineData(1000, 1003, WorkerVerdict.Alive)]
    [InlineData(1000, 1005, WorkerVerdict.Offline)]
    [InlineData(1000, 1064, WorkerVerdict.Offline)]
    [InlineData(1000, 1065, WorkerVerdict.Gone)]
    public void Silence_counts_only_since_the_stream_stands(double unbroken, double now, WorkerVerdict verdict) =>
        Assert.Equal(verdict, Liveness.Judge(Signs(), At(unbroken), At(now), LostAfter));

    [Fact]
    public void Nothing_is_said_of_a_worker_while_nobody_listens() =>
        Assert.Equal(WorkerVerdict.Unknown, Liveness.Judge(Signs(), null, At(9999), LostAfter));

    [Fact]
    public void Nothing_is_said_of_a_worker_that_never_beats() =>
        Assert.Equal(WorkerVerdict.Unknown, Judge(Signs() with { Frequency = null }, 9999));

    [Fact]
    public void A_worker_that_beats_every_minute_has_two_minutes() =>
        Assert.Equal(WorkerVerdict.Alive, Judge(Signs() with { Frequency = 60 }, 220));

    [Fact]
    public void A_beat_after_a_farewell_means_that_it_had_only_lost_its_broker()
    {
        WorkerSigns left = Signs().With(Event(EventKind.WorkerOffline, 101), At(101));
        Assert.Equal(At(101), left.LeftHeard);
        Assert.Equal(At(101), left.With(Event(EventKind.Succeeded, 102), At(102)).LeftHeard);
        Assert.Null(left.With(Event(EventKind.WorkerHeartbeat, 102), At(102)).LeftHeard);
    }

    [Theory]
    [InlineData(WorkerVerdict.Alive, "")]
    [InlineData(WorkerVerdict.Offline, "")]
    [InlineData(WorkerVerdict.Left, "queued Requeued")]
    [InlineData(WorkerVerdict.Gone, "queued Requeued, running Lost")]
    public void What_had_not_started_goes_back_and_what_ran_is_lost(WorkerVerdict verdict, string inferred)
    {
        TaskRun[] open = [Run("pending", RunState.Pending), Run("queued", RunState.Queued), Run("running", RunState.Running), Run("nameless", RunState.Running) with { Task = null }];
        Assert.Equal(inferred, string.Join(", ", Liveness.Consequences(Signs(), verdict, null, open).Select(item => $"{item.Id} {item.Kind}")));
    }

    [Fact]
    public void What_is_inferred_stands_at_the_workers_last_sign_as_sent()
    {
        TaskEvent lost = Assert.Single(Liveness.Consequences(Signs(), WorkerVerdict.Gone, null, [Run("a", RunState.Running) with { Attempt = 3 }]));
        Assert.Equal((At(99), "w1@lab", 3, "worker gone", "lab"), (lost.At, lost.Worker, lost.Attempt, lost.Reason, lost.Source));
        TaskRun lost2 = Fold.Rows([Task(EventKind.Received, 80, 3), Task(EventKind.Started, 81, null), lost])[^1];
        Assert.Equal(RunState.Lost, lost2.State);
        Assert.Equal(RunState.Completed, Fold.Rows([Task(EventKind.Received, 80, 3), Task(EventKind.Started, 81, null), lost, Task(EventKind.Succeeded, 98, null)])[^1].State);
    }

    [Fact]
    public void A_run_that_had_not_started_is_pending_again()
    {
        TaskEvent back = Assert.Single(Liveness.Consequences(Signs(), WorkerVerdict.Gone, null, [Run("a", RunState.Queued)]));
        Assert.Equal(RunState.Pending, Assert.Single(Fold.Rows([Task(EventKind.Received, 80, 1), back])).State);
    }

    [Fact]
    public void A_new_process_keeps_what_it_received_itself()
    {
        TaskRun[] open = [Run("old", RunState.Running), Run("new", RunState.Running) with { Received = At(131), Started = At(132) }];
        Assert.Equal(["old"], Liveness.Consequences(Signs(), WorkerVerdict.Gone, At(130), open).Select(item => item.Id));
    }

    [Fact]
    public void Two_workers_of_one_name_lose_nothing_by_it() =>
        Assert.Empty(Liveness.Consequences(Signs(), WorkerVerdict.Gone, At(50), [Run("a", RunState.Running)]));

    static WorkerVerdict Judge(WorkerSigns signs, double now) => Liveness.Judge(signs, At(0), At(now), LostAfter);

    static WorkerSigns Signs() => new("w1@lab", 7, 2, At(10), At(99), At(100));

    static Instant At(double seconds) => Instant.FromUnixSeconds(seconds);

    static TaskEvent Event(EventKind kind, double at) => new() { Source = "lab", Id = "", Kind = kind, At = At(at), Worker = "w1@lab" };

    static TaskEvent Task(EventKind kind, double at, int? attempt) => Event(kind, at) with { Id = "a", Task = "t", Attempt = attempt };

    static TaskRun Run(string id, RunState state) => new()
    {
        Source = "lab", Id = id, Attempt = 1, State = state, At = At(80), First = At(80), Updated = At(81), Received = At(80), Task = "t",
        Started = state == RunState.Running ? At(81) : null, Worker = "w1@lab",
    };
}
