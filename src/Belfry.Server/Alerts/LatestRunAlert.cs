using System.Globalization;
using Belfry.Server.Checks;

namespace Belfry.Server.Alerts;

/// <summary>FlexMeasures' mail of <c>monitor latest-run</c>: plain text, recipients hidden from each other.</summary>
/// <param name="settings">Who is told by default.</param>
/// <param name="recipients">Who is told instead; may be empty.</param>
/// <param name="note">A message of the caller's own, appended; may be empty.</param>
public sealed class LatestRunAlert(AlertSettings settings, IReadOnlyList<string> recipients, string note)
{
    /// <summary>Writes the alert of a check that does not hold.</summary>
    public Alert Compose(Check check, Verdict verdict)
    {
        IReadOnlyList<string> told = recipients.Count > 0 ? recipients : settings.Monitoring.Recipients.Count > 0 ? settings.Monitoring.Recipients : settings.Administrators;
        return new Alert(
            check.Task, $"Problem with task {check.Task}", Body(check, verdict), null, told, Hidden: true,
            $"neither --recipient nor Monitoring:Recipients nor Administrators names anybody to tell about task '{check.Task}'");
    }

    string Body(Check check, Verdict verdict)
    {
        string last = verdict.LastKnown is { } run ? $"Last run was at {CheckSentence.Time(run.Finished ?? run.At)}, status was: {run.State}\n" : "";
        string remark = note.Length > 0 ? $"\n\nNote: {note}" : "";
        return $"{Message(check, verdict)}\n\n{last}We suggest to check the logs.{remark}";
    }

    static string Message(Check check, Verdict verdict)
    {
        string kind = check.Expects is AgeExpectation { Of: AgeOf.Success } ? "successful run" : "run";
        return verdict.Reason switch
        {
            VerdictReason.NeverRan => $"Task {check.Task} has no last {kind} and thus cannot be monitored. Is it configured properly?",
            VerdictReason.TooOld => $"Task {check.Task}'s latest {kind} time is outside of the acceptable range ({Range(check.Expects.Window)}).",
            VerdictReason.Failed => $"A failure has been reported on task {check.Task}.",
            VerdictReason.Unreachable => $"Task {check.Task} could not be checked due to a database connectivity problem.\n{verdict.Sentence}",
            _ => $"Task {check.Task} could not be checked.\n{verdict.Sentence}",
        };
    }

    /// <summary>As Python prints a timedelta, which these mails have always shown: <c>1:00:00</c>, <c>2 days, 3:00:00</c>.</summary>
    internal static string Range(TimeSpan span)
    {
        string days = span.Days switch { 0 => "", 1 => "1 day, ", int more => string.Create(CultureInfo.InvariantCulture, $"{more} days, ") };
        return string.Create(CultureInfo.InvariantCulture, $"{days}{span.Hours}:{span.Minutes:00}:{span.Seconds:00}");
    }
}
