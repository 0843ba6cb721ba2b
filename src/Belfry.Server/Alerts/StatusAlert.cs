using System.Globalization;
using Belfry.Server.Checks;

namespace Belfry.Server.Alerts;

/// <summary>The mail of Task Status Monitoring: its subjects, and the values of its templates.</summary>
public sealed class StatusAlert(AlertSettings settings, AlertTemplates templates)
{
    const int ErrorLimit = 1000;

    /// <summary>Writes the alert of a check that does not hold.</summary>
    public Alert Compose(Check check, Verdict verdict)
    {
        bool named = check.NotifyTo.Count > 0;
        string why = named
            ? "You get this because notify_to of this check names you."
            : "You get this as an administrator, because notify_to of this check names nobody.";
        IReadOnlyDictionary<string, object?> values = Values(check, verdict, why);
        return new Alert(
            check.Task, Subject(check.Task, verdict), templates.Render("task_status_alert.txt", values), templates.Render("task_status_alert.html", values),
            named ? check.NotifyTo : settings.Administrators, Hidden: false, $"notify_to is empty but no administrator found for task '{check.Task}'");
    }

    /// <summary>The subject of an alert.</summary>
    public static string Subject(string task, Verdict verdict) => $"[ALERT] {task} {Heading(verdict, title: true)}";

    /// <summary>The status as the document has it: that of the run, <c>No execution found</c>, or that nothing can be said.</summary>
    public static string CurrentStatus(Verdict verdict) => verdict switch
    {
        { State: CheckState.Unknown } => "Could not be checked",
        { Run: { } run } => run.State.ToString(),
        _ => "No execution found",
    };

    static string Heading(Verdict verdict, bool title) => verdict switch
    {
        { State: CheckState.Unknown } => title ? "Could Not Be Checked" : "Could not be checked",
        { Reason: VerdictReason.NotExecuted } => title ? "Has Not Executed" : "Has not executed",
        _ => title ? "Status Check Failed" : "Status check failed",
    };

    /// <summary>The nine values of the document, and ours.</summary>
    internal static IReadOnlyDictionary<string, object?> Values(Check check, Verdict verdict, string why) => new Dictionary<string, object?>(StringComparer.Ordinal)
    {
        ["task_name"] = check.Task,
        ["current_status"] = CurrentStatus(verdict),
        ["expected_statuses"] = check.Expects is StatusExpectation status ? CheckSentence.States(status.States) : "",
        ["lookback_hours"] = check.Expects.Window.TotalHours.ToString("0.######", CultureInfo.InvariantCulture),
        ["started_at"] = Time(verdict.LastKnown?.Started),
        ["finished_at"] = Time(verdict.LastKnown?.Finished),
        ["check_time"] = CheckSentence.Time(verdict.At),
        ["has_dependent_tasks"] = check.DependentTasks.Count > 0,
        ["dependent_tasks"] = check.DependentTasks,
        ["subject"] = Subject(check.Task, verdict),
        ["heading"] = Heading(verdict, title: false),
        ["sentence"] = verdict.Sentence,
        ["unknown"] = verdict.State == CheckState.Unknown,
        ["check_name"] = check.Name,
        ["context"] = check.Context is { } context ? $"{context.Model}: {context.Type}" : null,
        ["run_id"] = verdict.Run?.Id,
        ["worker"] = verdict.Run?.Worker,
        ["error"] = Error(verdict.Run),
        ["why"] = why,
    };

    static string? Time(Instant? at) => at is { } known ? CheckSentence.Time(known) : null;

    static string? Error(TaskRun? run)
    {
        string? text = run?.Exception is { Length: > 0 } exception ? exception : run?.State is RunState.Cancelled or RunState.Lost ? run.Reason : null;
        return Excerpt.Of(text, ErrorLimit);
    }
}
