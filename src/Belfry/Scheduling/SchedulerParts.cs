using Microsoft.Extensions.Logging;

namespace Belfry;

/// <summary>Runs one attempt at a task (<see cref="TaskRunner.RunAsync"/>).</summary>
delegate Task<RunOutcome> RunTask(TaskDefinition task, RunOrder order, Action<TaskEvent> report, CancellationToken stop);

/// <summary>What a scheduler works with.</summary>
sealed record SchedulerParts
{
    /// <summary>The tasks.</summary>
    public required TaskRegistry Tasks { get; init; }

    /// <summary>The options.</summary>
    public required BelfryOptions Options { get; init; }

    /// <summary>Runs them.</summary>
    public required RunTask Run { get; init; }

    /// <summary>The log.</summary>
    public required IRunLogStore Log { get; init; }

    /// <summary>The book of tasks; null where the log has none.</summary>
    public ITaskBook? Book { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>The scheduler's diary.</summary>
    public required ILogger Logger { get; init; }

    /// <summary>What conditions of a task know of the host.</summary>
    public required TaskSurroundings Surroundings { get; init; }

    /// <summary>A function of this process is at work under that id, reported and not scheduled. Default: none.</summary>
    public Func<string, bool> IsReported { get; init; } = _ => false;

    /// <summary>Cancelled when the host stops: what has not begun yet need not begin.</summary>
    public CancellationToken Stopping { get; init; }

    /// <summary>An id for a run.</summary>
    public string NewId() => Guid.CreateVersion7(Clock.GetUtcNow()).ToString();
}
