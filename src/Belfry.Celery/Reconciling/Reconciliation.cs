namespace Belfry.Celery.Reconciling;

/// <summary>What evidence says of a run: facts for the log, and what to do about it next.</summary>
/// <param name="Facts">Facts, marked as reconciled; none where nothing new was proved.</param>
/// <param name="Next">How it stands with the run now.</param>
public sealed record Reconciliation(IReadOnlyList<TaskEvent> Facts, NextStep Next);

/// <summary>How it stands with a run that was asked for.</summary>
public enum NextStep
{
    /// <summary>Nothing could be said: ask again.</summary>
    AskAgain,

    /// <summary>Its end is known.</summary>
    Settled,

    /// <summary>It runs.</summary>
    Running,

    /// <summary>A worker has it.</summary>
    Held,

    /// <summary>It waits at the broker.</summary>
    Pending,

    /// <summary>It was given up.</summary>
    Lost,

    /// <summary>It had ended already.</summary>
    Closed,
}
