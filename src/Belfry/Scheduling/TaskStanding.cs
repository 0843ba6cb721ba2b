namespace Belfry;

/// <summary>How a task stands with its scheduler.</summary>
public sealed record TaskStanding
{
    /// <summary>The task.</summary>
    public required TaskDefinition Task { get; init; }

    /// <summary>Its condition starts nothing.</summary>
    public required bool IsDisabled { get; init; }

    /// <summary>The ids of its runs that this scheduler has at work.</summary>
    public required IReadOnlyList<string> Running { get; init; }

    /// <summary>How many runs were ordered and have not started.</summary>
    public required int Ordered { get; init; }

    /// <summary>When it last started.</summary>
    public required Instant? LastStart { get; init; }

    /// <summary>When it last succeeded.</summary>
    public required Instant? LastSuccess { get; init; }

    /// <summary>When it last failed or timed out.</summary>
    public required Instant? LastFailure { get; init; }

    /// <summary>How its last run ended, or that it is running; null when it never ran.</summary>
    public required RunState? Status { get; init; }

    /// <summary>When its scheduler will look at it again if nothing happens; null for not before something does.</summary>
    public required Instant? NextLook { get; init; }

    internal static TaskStanding Of(ScheduledTask task, TaskHistory history)
    {
        Standing standing = history.Standing(CrashPolicy.Wait);
        return new TaskStanding
        {
            Task = task.Definition,
            IsDisabled = task.IsDisabled,
            Running = [.. task.Now?.Running.Select(work => work.Order.Id) ?? []],
            Ordered = task.Now?.Ordered.Count ?? 0,
            LastStart = standing.LastStart,
            LastSuccess = standing.LastSuccess,
            LastFailure = standing.LastFailure,
            Status = standing.Last is { } last ? last.IsOpen ? RunState.Running : last.State : null,
            NextLook = task.Place < 0 ? null : task.Wake,
        };
    }
}
