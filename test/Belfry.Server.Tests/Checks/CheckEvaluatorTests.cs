using Belfry.Server.Checks;
using Belfry.Storage;

namespace Belfry.Server.Tests.Checks;

/// <summary>What the shared cases do not say: single calls, gaps beside open runs, and sentences.</summary>
public sealed class CheckEvaluatorTests
{
    static readonly Instant Now = Instant.TryParse("2026-11-21T12:00:00Z", out Instant at) ? at : default;

    static readonly Check Status = new() { Name = "c", Task = "job", Expects = new StatusExpectation([RunState.Completed], TimeSpan.FromMinutes(90)) };

    static readonly Check Age = Status with { Expects = new AgeExpectation(AgeOf.Run, TimeSpan.FromMinutes(60)) };

    [Fact]
    public void An_open_run_counts_as_it_is() =>
        Assert.Equal((CheckState.Critical, "status"), Judge(Status, [Run(RunState.Completed, 60, 50), Run(RunState.Running, 5, null)]));

    [Theory]
    [InlineData(4, 2, "gap")]
    [InlineData(4, null, "gap")]
    [InlineData(30, 20, "status")]
    public void The_end_of_an_open_run_can_only_be_missed_after_it_was_last_heard_of(int from, int? to, string reason) =>
        Assert.Equal(reason, Judge(Status, [Run(RunState.Running, 5, null)], Gap(from, to)).Reason);

    [Fact]
    public void In_an_empty_log_a_task_has_not_executed() =>
        Assert.Equal((CheckState.Critical, "not executed"), Judge(Status, []));

    [Fact]
    public void A_gap_before_the_window_does_not_matter_and_one_that_touches_its_limit_does()
    {
        Assert.Equal((CheckState.Critical, "too old"), Judge(Age, [Run(RunState.Completed, 90, 80)], Gap(70, 61)));
        Assert.Equal((CheckState.Unknown, "gap"), Judge(Age, [Run(RunState.Completed, 90, 80)], Gap(70, 60)));
        Assert.Equal((CheckState.Critical, "failed"), Judge(Age, [Run(RunState.Failed, 20, 10)], Gap(70, null)));
    }

    [Fact]
    public void An_end_ahead_of_now_is_fresh() => Assert.Equal((CheckState.Ok, ""), Judge(Age, [Run(RunState.Completed, 5, -1)]));

    [Fact]
    public void A_run_of_another_task_never_decides() =>
        Assert.Equal((CheckState.Critical, "not executed"), Judge(Status, [Run(RunState.Completed, 5, 4) with { Task = "job2" }]));

    [Fact]
    public void The_severity_is_the_state_of_a_broken_check() =>
        Assert.Equal((CheckState.Warning, "not executed"), Judge(Status with { Severity = CheckState.Warning }, []));

    [Fact]
    public void Sentences_have_numbers_and_limit()
    {
        Assert.Equal(
            "It has not run in the last 1 h 30 min, since 2026-11-21 10:30:00 UTC; expected is Completed. Its last run was 3 h ago, at 2026-11-21 09:00:00 UTC, and is Failed.",
            Sentence(Status, [Run(RunState.Failed, 180, 170)]));
        Assert.Equal("Its newest run in the last 1 h 30 min is Lost; expected is Completed.", Sentence(Status, [Run(RunState.Lost, 20, 10)]));
        Assert.Equal("Its last run ended 1 h 20 min ago, at 2026-11-21 10:40:00 UTC; at most 1 h are allowed.", Sentence(Age, [Run(RunState.Completed, 90, 80)]));
        Assert.Equal("No run of it has ever ended; one in the last 1 h is expected.", Sentence(Age, []));
        Assert.Equal(
            "It cannot be judged, because a run may have been missed: source 's' was not listened to from 2026-11-21 11:50:00 UTC until now (broker away).",
            Sentence(Age, [], Gap(10, null)));
    }

    [Theory]
    [Trait("row", "12")]
    [InlineData(CheckState.Ok)]
    [InlineData(CheckState.Ok, CheckState.Ok)]
    [InlineData(CheckState.Warning, CheckState.Ok, CheckState.Warning)]
    [InlineData(CheckState.Unknown, CheckState.Warning, CheckState.Unknown, CheckState.Ok)]
    [InlineData(CheckState.Critical, CheckState.Unknown, CheckState.Critical, CheckState.Warning)]
    public void Critical_wins_over_unknown_over_warning_over_ok(CheckState worst, params CheckState[] states)
    {
        Assert.Equal(worst, states.Worst());
        Assert.Equal([0, 1, 2, 3], new[] { CheckState.Ok, CheckState.Warning, CheckState.Critical, CheckState.Unknown }.Select(state => (int)state));
    }

    static (CheckState State, string Reason) Judge(Check check, TaskRun[] runs, params SourceGap[] gaps) =>
        CheckEvaluator.Evaluate(check, new CheckHistory(runs, gaps), Now) is var verdict ? (verdict.State, verdict.Reason) : default;

    static string Sentence(Check check, TaskRun[] runs, params SourceGap[] gaps) => CheckEvaluator.Evaluate(check, new CheckHistory(runs, gaps), Now).Sentence;

    static SourceGap Gap(int from, int? to) => new("s", Ago(from), to is { } minutes ? Ago(minutes) : null, "broker away");

    static TaskRun Run(RunState state, int started, int? finished) => new()
    {
        Source = "s", Id = $"{started}", Attempt = 1, Task = "job", State = state, At = Ago(started), First = Ago(started), Started = Ago(started),
        Finished = finished is { } minutes ? Ago(minutes) : null, Updated = Ago(finished ?? started),
    };

    static Instant Ago(int minutes) => Now - TimeSpan.FromMinutes(minutes);
}
