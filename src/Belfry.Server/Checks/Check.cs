namespace Belfry.Server.Checks;

/// <summary>An expectation about a task, with whom to tell when it does not hold.</summary>
public sealed record Check
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The task it is about, in any source.</summary>
    public required string Task { get; init; }

    /// <summary>What is expected.</summary>
    public required Expectation Expects { get; init; }

    /// <summary>Only runs of this model and type count; null for all. Runs without a context never match one.</summary>
    public RunContext? Context { get; init; }

    /// <summary>The state of a broken check: critical by default.</summary>
    public CheckState Severity { get; init; } = CheckState.Critical;

    /// <summary>Tasks that depend on this one, and may be late or fail with it.</summary>
    public IReadOnlyList<string> DependentTasks { get; init; } = [];

    /// <summary>Addresses to tell; when empty, whoever is told by default.</summary>
    public IReadOnlyList<string> NotifyTo { get; init; } = [];
}

/// <summary>What a check expects: one record for each kind of check.</summary>
public abstract record Expectation
{
    /// <summary>How far back it looks.</summary>
    public abstract TimeSpan Window { get; }
}

/// <summary>The newest run of the window has one of these states.</summary>
/// <param name="States">The states that are well.</param>
/// <param name="Lookback">The window.</param>
public sealed record StatusExpectation(IReadOnlyList<RunState> States, TimeSpan Lookback) : Expectation
{
    /// <inheritdoc/>
    public override TimeSpan Window => Lookback;
}

/// <summary>The last end is no older than the window.</summary>
/// <param name="Of">Which ends count.</param>
/// <param name="Within">The window, its limit included.</param>
public sealed record AgeExpectation(AgeOf Of, TimeSpan Within) : Expectation
{
    /// <inheritdoc/>
    public override TimeSpan Window => Within;
}

/// <summary>Which ends an <see cref="AgeExpectation"/> looks at.</summary>
public enum AgeOf
{
    /// <summary>Any end, and it must not be a failure.</summary>
    Run = 0,

    /// <summary>The last success, whatever failed since.</summary>
    Success = 1,
}

/// <summary>How a check stands. The numbers are exit codes.</summary>
public enum CheckState
{
    /// <summary>It holds.</summary>
    Ok = 0,

    /// <summary>It is broken, and that is a warning.</summary>
    Warning = 1,

    /// <summary>It is broken.</summary>
    Critical = 2,

    /// <summary>It cannot be judged.</summary>
    Unknown = 3,
}

/// <summary>Sums up check states.</summary>
public static class CheckStates
{
    static readonly CheckState[] WorstFirst = [CheckState.Critical, CheckState.Unknown, CheckState.Warning];

    /// <summary>The state of several together: critical wins over unknown, unknown over warning.</summary>
    public static CheckState Worst(this IEnumerable<CheckState> states)
    {
        var all = states.ToHashSet();
        return Array.Find(WorstFirst, all.Contains);
    }
}
