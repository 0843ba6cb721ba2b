using Belfry.Celery.Reconciling;

namespace Belfry.Celery.Tests.Reconciling;

public sealed class StreamSignsTests
{
    readonly StreamSigns _signs = new();
    long _at;

    [Fact]
    public void A_stream_without_gaps_shows_none_though_beats_overtake_events()
    {
        Beat(processed: 0, active: 0);
        Start("a");
        Beat(processed: 2, active: 2); // the second start is still in the worker's buffer
        Start("b");
        End("a");
        Beat(processed: 2, active: 1);
        End("b");
        Beat(processed: 2, active: 0);
        Assert.True(_signs.Take().IsEmpty);
    }

    [Fact]
    public void Starts_that_two_beats_count_and_nobody_saw_are_lost_and_told_once()
    {
        Beat(processed: 10, active: 0);
        Start("a");
        End("a");
        Beat(processed: 14, active: 0);
        Assert.Empty(_signs.Take().Starts);
        Beat(processed: 14, active: 0);
        Assert.Equal([KeyValuePair.Create("w", 3L)], _signs.Take().Starts);
        Beat(processed: 14, active: 0);
        Assert.Empty(_signs.Take().Starts);
    }

    [Fact]
    public void After_our_absence_the_starts_since_the_last_beat_that_the_log_knows_are_counted()
    {
        _signs.Learn("w", new WorkerBeat(1, 2, 0, 100, null), seen: 3);
        Beat(processed: 160, active: 0);
        Beat(processed: 160, active: 0);
        Assert.Equal(57, _signs.Take().Starts["w"]);
    }

    [Fact]
    public void An_end_was_lost_when_a_worker_has_fewer_at_work_than_we_know_in_two_beats()
    {
        Beat(processed: 0, active: 0);
        Start("a");
        Start("b");
        Beat(processed: 2, active: 1);
        Assert.Empty(_signs.Take().Ends);
        Beat(processed: 2, active: 1);
        Assert.Equal(["w"], _signs.Take().Ends);
        Assert.Equal(["a", "b"], _signs.RunningAt("w"));
        _signs.Forget("w", "a");
        Beat(processed: 2, active: 1);
        Assert.True(_signs.Take().IsEmpty);
    }

    [Fact]
    public void An_end_of_a_run_whose_start_was_lost_is_no_start_that_nobody_knows_of()
    {
        Beat(processed: 0, active: 0);
        Hear(EventKind.Received, "a", null);
        End("a");
        Hear(EventKind.Received, "b", null);
        Start("b");
        End("b");
        Beat(processed: 3, active: 0);
        Beat(processed: 3, active: 0);
        Assert.Equal(1, _signs.Take().Starts["w"]);
    }

    [Fact]
    public void A_new_process_and_one_that_reconnects_have_returned()
    {
        Beat(processed: 5, active: 0);
        Beat(processed: 3, active: 0, pid: 2);
        Assert.Equal(["w"], _signs.Take().Returned);
        Beat(processed: 3, active: 0, pid: 2);
        Assert.Equal(3, _signs.Take().Starts["w"]); // it counts from its own begin
        Hear(EventKind.WorkerOnline, "", new WorkerBeat(2, 2, 0, 3, null));
        Assert.Equal(["w"], _signs.Take().Returned);
    }

    [Fact]
    public void The_first_beat_of_a_worker_nobody_knew_is_no_return() => Assert.True(Heard(() => Hear(EventKind.WorkerOnline, "", new WorkerBeat(1, 2, 0, 0, null))).IsEmpty);

    [Fact]
    public void Two_processes_of_one_name_that_beat_by_turns_are_not_counted()
    {
        for (int turn = 0; turn < 3; turn++)
        {
            Beat(processed: 5, active: 0, pid: 1);
            Beat(processed: 90, active: 0, pid: 2);
            _ = turn == 0 ? _signs.Take() : null;
        }
        Assert.True(_signs.Take().IsEmpty);
    }

    [Fact]
    public void Workers_come_and_go_and_those_that_are_there_are_counted()
    {
        for (int pod = 0; pod < 50_000; pod++)
        {
            _signs.Hear([new TaskEvent { Source = "c", Id = "", Kind = EventKind.WorkerOnline, At = new Instant(_at++), Worker = $"pod-{pod}", Beat = new WorkerBeat(1, 2, 0, 0, null) }]);
        }
        Beat(processed: 0, active: 0);
        Beat(processed: 3, active: 0);
        Beat(processed: 3, active: 0);
        Assert.Equal(3, _signs.Take().Starts["w"]);
    }

    Signs Heard(Action hear)
    {
        hear();
        return _signs.Take();
    }

    void Beat(long processed, long active, int pid = 1) => Hear(EventKind.WorkerHeartbeat, "", new WorkerBeat(pid, 2, active, processed, null));

    void Start(string id) => Hear(EventKind.Started, id, null);

    void End(string id) => Hear(EventKind.Succeeded, id, null);

    void Hear(EventKind kind, string id, WorkerBeat? beat) =>
        _signs.Hear([new TaskEvent { Source = "c", Id = id, Kind = kind, At = new Instant(_at++), Worker = "w", Beat = beat }]);
}
