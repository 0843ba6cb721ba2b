using Belfry.Storage;

namespace Belfry.Server.Checks;

/// <summary>What is known of a check's task: the runs that can decide, and when nobody listened.</summary>
/// <param name="Runs">Runs found, in any order; more than needed do no harm.</param>
/// <param name="Gaps">Gaps of the sources that the task runs in.</param>
public sealed record CheckHistory(IReadOnlyList<TaskRun> Runs, IReadOnlyList<SourceGap> Gaps);

/// <summary>Judges a check at an instant as a single call does: an open run counts as it is. Pure.</summary>
public static class CheckEvaluator
{
    /// <summary>How the check stands at <paramref name="now"/>. Windows are closed: what is exactly at their limit counts.</summary>
    public static Verdict Evaluate(Check check, CheckHistory history, Instant now) => check.Expects switch
    {
        StatusExpectation status => Status(check, status, history, now),
        AgeExpectation age => Age(check, age, history, now),
        _ => throw new ArgumentException($"no rule for {check.Expects.GetType().Name}", nameof(check)),
    };

    /// <summary>A run that ended for good: completed, or failed in one of three ways. Retried, skipped and revoked runs are passed over.</summary>
    public static bool IsEnd(TaskRun run) => run.State == RunState.Completed || IsFailure(run);

    /// <summary>Failed, lost, or ended by Belfry's own time limit.</summary>
    public static bool IsFailure(TaskRun run) =>
        run.State is RunState.Failed or RunState.Lost || (run.State == RunState.Cancelled && Same(run.Reason, "timeout"));

    static Verdict Status(Check check, StatusExpectation expected, CheckHistory history, Instant now)
    {
        Instant begin = now - expected.Lookback;
        TaskRun? known = history.Runs.Where(run => run.At <= now && Matches(check, run)).OrderBy(run => run.At).ThenBy(run => run.Updated).LastOrDefault();
        TaskRun? newest = known?.At >= begin ? known : null;
        if (newest is not null && expected.States.Contains(newest.State))
        {
            return new Verdict { State = CheckState.Ok, Sentence = CheckSentence.StatusHolds(expected, newest), Run = newest, LastKnown = newest, At = now };
        }
        // Only what is missing can have been missed: any run, or the end of one that is still open, since it was last heard of.
        Instant missedFrom = newest is null ? begin : Instant.Max(begin, newest.Updated);
        bool wanting = newest is null || !newest.State.IsFinal() || newest.State == RunState.Retried;
        if (wanting && GapIn(history, missedFrom, now) is { } gap)
        {
            return Unknown(gap, known, newest, now);
        }
        return newest is null
            ? Broken(check, VerdictReason.NotExecuted, CheckSentence.NotExecuted(check, expected, known, now), null, known, now)
            : Broken(check, VerdictReason.Status, CheckSentence.StatusDiffers(expected, newest), newest, newest, now);
    }

    // An end a little ahead of now is that of a worker whose clock is ahead: it is fresh.
    static Verdict Age(Check check, AgeExpectation expected, CheckHistory history, Instant now)
    {
        TaskRun? last = history.Runs
            .Where(run => run.Finished is not null && Matches(check, run) && (expected.Of == AgeOf.Success ? run.State == RunState.Completed : IsEnd(run)))
            .MaxBy(run => run.Finished!.Value);
        Instant begin = now - expected.Within;
        if (last?.Finished >= begin)
        {
            return IsFailure(last)
                ? Broken(check, VerdictReason.Failed, CheckSentence.Failed(last, now), last, last, now)
                : new Verdict { State = CheckState.Ok, Sentence = CheckSentence.AgeHolds(expected, last, now), Run = last, LastKnown = last, At = now };
        }
        if (GapIn(history, begin, now) is { } gap)
        {
            return Unknown(gap, last, last, now);
        }
        return last is null
            ? Broken(check, VerdictReason.NeverRan, CheckSentence.NeverRan(expected), null, null, now)
            : Broken(check, VerdictReason.TooOld, CheckSentence.TooOld(expected, last, now), last, last, now);
    }

    static bool Matches(Check check, TaskRun run) => Same(run.Task, check.Task)
        && (check.Context is not { } wanted || (Same(run.Context?.Model, wanted.Model) && Same(run.Context?.Type, wanted.Type)));

    static bool Same(string? a, string? b) => string.Equals(a, b, StringComparison.Ordinal);

    static SourceGap? GapIn(CheckHistory history, Instant begin, Instant end) =>
        history.Gaps.FirstOrDefault(gap => gap.From <= end && (gap.To is not { } to || to >= begin));

    static Verdict Broken(Check check, string reason, string sentence, TaskRun? run, TaskRun? known, Instant now) =>
        new() { State = check.Severity, Reason = reason, Sentence = sentence, Run = run, LastKnown = known, At = now };

    static Verdict Unknown(SourceGap gap, TaskRun? known, TaskRun? run, Instant now) =>
        new() { State = CheckState.Unknown, Reason = VerdictReason.Gap, Sentence = CheckSentence.Gap(gap), Run = run, LastKnown = known, At = now };
}
