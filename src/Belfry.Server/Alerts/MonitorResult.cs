using Belfry.Server.Checks;

namespace Belfry.Server.Alerts;

/// <summary>What one call found out about one task, and whom it told.</summary>
public sealed record MonitorResult
{
    /// <summary>The task.</summary>
    public required string Task { get; init; }

    /// <summary>The name of the check.</summary>
    public required string Check { get; init; }

    /// <summary>What was done about it.</summary>
    public required MonitorOutcome Outcome { get; init; }

    /// <summary>How the check stands.</summary>
    public required CheckState State { get; init; }

    /// <summary>Why: one of <see cref="VerdictReason"/>, or <c>configuration</c>; empty when it holds.</summary>
    public required string Reason { get; init; }

    /// <summary>The finding in a sentence, with numbers and limit.</summary>
    public required string Sentence { get; init; }

    /// <summary>The status of the run that decided, or <c>No execution found</c>.</summary>
    public string Status { get; init; } = "";

    /// <summary>Accepted states; empty for checks of age.</summary>
    public IReadOnlyList<RunState> Expected { get; init; } = [];

    /// <summary>How far back it looked.</summary>
    public TimeSpan? Window { get; init; }

    /// <summary>The last run that is known, in the window or before it.</summary>
    public TaskRun? LastKnown { get; init; }

    /// <summary>When it was judged.</summary>
    public Instant? Checked { get; init; }

    /// <summary>Subject of the alert; null when none was due.</summary>
    public string? Subject { get; init; }

    /// <summary>Who was told; in a dry run who would have been.</summary>
    public IReadOnlyList<string> Recipients { get; init; } = [];

    /// <summary>Mistakes of the configuration, or what went wrong in telling; each one line.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    internal static MonitorResult Ok(Check check, Verdict verdict) => Of(check, verdict, MonitorOutcome.Ok, null, [], null);

    internal static MonitorResult Of(Check check, Verdict verdict, MonitorOutcome outcome, string? subject, IReadOnlyList<string> recipients, string? problem) => new()
    {
        Task = check.Task,
        Check = check.Name,
        Outcome = outcome,
        State = verdict.State,
        Reason = verdict.Reason,
        Sentence = verdict.Sentence,
        Status = StatusAlert.CurrentStatus(verdict),
        Expected = check.Expects is StatusExpectation status ? status.States : [],
        Window = check.Expects.Window,
        LastKnown = verdict.LastKnown,
        Checked = verdict.At,
        Subject = subject,
        Recipients = recipients,
        Problems = problem is null ? [] : [problem],
    };

    internal static MonitorResult NotChecked(StatusEntry entry) => new()
    {
        Task = entry.Task,
        Check = entry.Task,
        Outcome = MonitorOutcome.NotChecked,
        State = CheckState.Unknown,
        Reason = "configuration",
        Sentence = $"It was not checked: {string.Join("; ", entry.Problems)}.",
        Problems = [.. entry.Problems.Select(problem => $"task '{entry.Task}': {problem}")],
    };
}

/// <summary>What a call did about a check.</summary>
public enum MonitorOutcome
{
    /// <summary>It holds: nothing to tell.</summary>
    Ok = 0,

    /// <summary>Somebody was told.</summary>
    Alerted = 1,

    /// <summary>It does not hold, and nobody could be told; the error log has the whole mail.</summary>
    NobodyTold = 2,

    /// <summary>It does not hold; nothing was sent, as asked.</summary>
    DryRun = 3,

    /// <summary>Its configuration has mistakes.</summary>
    NotChecked = 4,
}
