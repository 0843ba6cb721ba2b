using System.Globalization;
using Belfry.Storage;

namespace Belfry.Server.Checks;

/// <summary>Says what a check found: in one sentence, with numbers and limit. Pure.</summary>
public static class CheckSentence
{
    /// <summary>An instant with its zone: <c>2026-11-21 10:00:00 UTC</c>.</summary>
    public static string Time(Instant at) => at.ToDateTimeOffset().ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    /// <summary>A span in at most two units: <c>45 s</c>, <c>1 h 30 min</c>, <c>3 d 4 h</c>.</summary>
    public static string Span(TimeSpan span)
    {
        span = span.Duration();
        (string big, string small) = span switch
        {
            _ when span < TimeSpan.FromSeconds(1) => ($"{span.TotalMilliseconds:0} ms", ""),
            _ when span < TimeSpan.FromMinutes(1) => ($"{Math.Floor(span.TotalSeconds * 10) / 10:0.#} s", ""),
            _ when span < TimeSpan.FromHours(1) => ($"{span.Minutes} min", span.Seconds > 0 ? $" {span.Seconds} s" : ""),
            _ when span < TimeSpan.FromDays(2) => ($"{(int)span.TotalHours} h", span.Minutes > 0 ? $" {span.Minutes} min" : ""),
            _ => ($"{(int)span.TotalDays} d", span.Hours > 0 ? $" {span.Hours} h" : ""),
        };
        return big + small;
    }

    /// <summary>States as people list them: <c>Completed, Running</c>.</summary>
    public static string States(IEnumerable<RunState> states) => string.Join(", ", states.Distinct());

    internal static string StatusHolds(StatusExpectation expected, TaskRun run) =>
        $"Its newest run in the last {Span(expected.Lookback)} is {run.State}, as expected.";

    internal static string StatusDiffers(StatusExpectation expected, TaskRun run) =>
        $"Its newest run in the last {Span(expected.Lookback)} is {run.State}; expected is {Either(expected)}.";

    internal static string NotExecuted(Check check, StatusExpectation expected, TaskRun? known, Instant now)
    {
        string context = check.Context is { } wanted ? $" for {wanted.Model} of type '{wanted.Type}'" : "";
        string before = known is null
            ? "No earlier run is known."
            : $"Its last run was {Span(now - known.At)} ago, at {Time(known.At)}, and is {known.State}.";
        return $"It has not run{context} in the last {Span(expected.Lookback)}, since {Time(now - expected.Lookback)}; expected is {Either(expected)}. {before}";
    }

    internal static string AgeHolds(AgeExpectation expected, TaskRun run, Instant now) =>
        $"Its last {What(expected)} ended {Span(now - run.Finished!.Value)} ago; at most {Span(expected.Within)} are allowed.";

    internal static string TooOld(AgeExpectation expected, TaskRun run, Instant now) =>
        $"Its last {What(expected)} ended {Span(now - run.Finished!.Value)} ago, at {Time(run.Finished!.Value)}; at most {Span(expected.Within)} are allowed.";

    internal static string NeverRan(AgeExpectation expected) =>
        $"No {What(expected)} of it has ever ended; one in the last {Span(expected.Within)} is expected.";

    internal static string Failed(TaskRun run, Instant now) =>
        $"Its last run is {run.State}{(run.Reason is { Length: > 0 } reason ? $" ({reason})" : "")} since {Span(now - run.Finished!.Value)} ago, at {Time(run.Finished!.Value)}.";

    internal static string Gap(SourceGap gap) =>
        $"It cannot be judged, because a run may have been missed: source '{gap.Source}' was not listened to from {Time(gap.From)} "
        + $"{(gap.To is { } to ? $"to {Time(to)}" : "until now")} ({gap.Reason}).";

    static string Either(StatusExpectation expected) => string.Join(" or ", expected.States.Distinct());

    static string What(AgeExpectation expected) => expected.Of == AgeOf.Success ? "successful run" : "run";
}
