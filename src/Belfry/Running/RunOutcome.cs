namespace Belfry;

/// <summary>How one attempt ended.</summary>
public sealed record RunOutcome
{
    /// <summary>Succeeded, failed, cancelled or skipped; lost when the process that ran it died.</summary>
    public required EventKind Kind { get; init; }

    /// <summary>What it returned, as JSON; null for nothing.</summary>
    public string? Result { get; init; }

    /// <summary>What it returned, for whoever takes it up in this process.</summary>
    public object? Value { get; init; }

    /// <summary>What it threw: class and message.</summary>
    public string? Exception { get; init; }

    /// <summary>Where it was thrown.</summary>
    public string? Traceback { get; init; }

    /// <summary>Why it was cancelled, skipped or lost: <c>timeout</c>, <c>terminated</c> …</summary>
    public string? Reason { get; init; }

    /// <summary>It failed before the body began: a parameter has no value, a service cannot be made.</summary>
    public bool BeforeBody { get; init; }

    /// <summary>
    /// Completes when the body has let go. It has already, save for one that ignores its cancellation: that holds its slot until then.
    /// </summary>
    public Task Released { get; init; } = Task.CompletedTask;
}
