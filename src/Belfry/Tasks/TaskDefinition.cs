namespace Belfry;

/// <summary>A task as it is registered: a name, when it may start, and what it does.</summary>
public sealed record TaskDefinition
{
    /// <summary>Its name, by which the log, conditions and callers know it.</summary>
    public required string Name { get; init; }

    /// <summary>When it may start. <see cref="Conditions.Never"/>: only when it is called.</summary>
    public required Condition Start { get; init; }

    /// <summary>What it does: one attempt.</summary>
    public required TaskHandler Handler { get; init; }

    /// <summary>How it is run.</summary>
    public TaskOptions Options { get; init; } = new();

    /// <summary>A run at work is ended when this holds; null for never.</summary>
    public Condition? End => Options.End;
}

/// <summary>One attempt at a task, bound to its run: parameters are filled in, what it returns comes out.</summary>
/// <param name="run">The run.</param>
/// <param name="cancel">Cancelled when the run is to end early: its time is up, its end condition holds, or somebody said so.</param>
public delegate Task<object?> TaskHandler(TaskRunContext run, CancellationToken cancel);
