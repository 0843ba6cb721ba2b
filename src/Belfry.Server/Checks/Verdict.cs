namespace Belfry.Server.Checks;

/// <summary>How a check stands at an instant, and why.</summary>
public sealed record Verdict
{
    /// <summary>The state.</summary>
    public required CheckState State { get; init; }

    /// <summary>Why, in the words of <see cref="VerdictReason"/>; empty when it holds.</summary>
    public string Reason { get; init; } = "";

    /// <summary>A sentence with numbers and limit, for people.</summary>
    public required string Sentence { get; init; }

    /// <summary>The run that decided it; null when none did.</summary>
    public TaskRun? Run { get; init; }

    /// <summary>The last run that is known at all: <see cref="Run"/>, or one from before the window.</summary>
    public TaskRun? LastKnown { get; init; }

    /// <summary>The instant of the judgement.</summary>
    public required Instant At { get; init; }

    /// <summary>Nothing could be asked: the log is out of reach.</summary>
    public static Verdict Unreachable(string why, Instant at) =>
        new() { State = CheckState.Unknown, Reason = VerdictReason.Unreachable, Sentence = $"The run log cannot be read: {why}", At = at };
}

/// <summary>Reasons of a verdict.</summary>
public static class VerdictReason
{
    /// <summary>No run in the window.</summary>
    public const string NotExecuted = "not executed";

    /// <summary>The newest run has another state than expected.</summary>
    public const string Status = "status";

    /// <summary>The last end is older than allowed.</summary>
    public const string TooOld = "too old";

    /// <summary>No end is known.</summary>
    public const string NeverRan = "never ran";

    /// <summary>The last end is a failure.</summary>
    public const string Failed = "failed";

    /// <summary>The window touches a time in which the source was not listened to.</summary>
    public const string Gap = "gap";

    /// <summary>The run log cannot be read.</summary>
    public const string Unreachable = "unreachable";
}
