namespace Belfry.Storage;

/// <summary>What the log changed, after each commit, in order; the live page and <c>belfry events</c> read it.</summary>
public sealed class RunFeed
{
    /// <summary>How many changes are remembered for those who come back.</summary>
    public const int Remembered = 10_000;

    /// <summary>
    /// Changes after a number, first those remembered, then as they come; from now on when it is null.
    /// The first change has <see cref="RunChange.Gap"/> set when some between were forgotten. A reader that falls
    /// <see cref="Remembered"/> behind gets a gap as well, and never holds up the log.
    /// </summary>
    public IAsyncEnumerable<RunChange> ReadAsync(long? after, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>Arrival of the last event, of any source; null before the first since start.</summary>
    public Instant? LastEvent => throw new NotImplementedException();
}

/// <summary>A run that changed.</summary>
/// <param name="Number">Counts up within one process.</param>
/// <param name="Run">The run as it stands now; null for a gap, or when its row went away.</param>
/// <param name="Gone">The run whose row went away, because a late event moved its events to another attempt.</param>
/// <param name="Gap">Changes before this one were missed: reload.</param>
public sealed record RunChange(long Number, TaskRun? Run, TaskRun? Gone, bool Gap);
