namespace Belfry;

/// <summary>Where runs are logged: takes events, answers questions, tells what changed.</summary>
/// <remarks>
/// The runs in it are those of <see cref="Fold"/>: the order in which events come, and events told twice, make no difference. Methods may be called from
/// several threads at a time. What cannot be written or read throws; the scheduler tries again, and goes on meanwhile. A suite of tests says what is expected
/// (<c>RunLogStoreTests</c>).
/// </remarks>
public interface IRunLogStore : IAsyncDisposable
{
    /// <summary>Other processes may start tasks by this log as well: a run of theirs is not dead because it is not ours.</summary>
    bool IsShared { get; }

    /// <summary>Adds events, seen before or not. When it completes, they outlive the process, where the store does at all.</summary>
    Task AppendAsync(IReadOnlyList<TaskEvent> events, CancellationToken cancel);

    /// <summary>
    /// Starts runs, each only if its task has not started since the decision was made: of several that decided upon the same last start one succeeds.
    /// When it threw, the same claim may be made again: one that was written all the same is granted again.
    /// </summary>
    /// <returns>For each claim whether it succeeded; then its event is in the log, as by <see cref="AppendAsync"/>.</returns>
    Task<IReadOnlyList<bool>> ClaimAsync(IReadOnlyList<RunClaim> claims, CancellationToken cancel);

    /// <summary>The runs that match, newest first unless the query says otherwise.</summary>
    IAsyncEnumerable<TaskRun> ReadAsync(RunQuery query, CancellationToken cancel);

    /// <summary>How many runs match; limits and order of the query make no difference.</summary>
    Task<long> CountAsync(RunQuery query, CancellationToken cancel);

    /// <summary>The run of a task that did this last, by the instant at which it did; null when none did. It takes as long in a large log as in a small one.</summary>
    Task<TaskRun?> LastAsync(string task, RunAction action, CancellationToken cancel);

    /// <summary>
    /// What conditions ask about tasks: their open runs, those that ended since an instant, and whatever the next start may depend on (<see cref="TaskHistory.Since"/>).
    /// </summary>
    /// <param name="since">The tasks, each with the instant.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>The histories of those that have any run.</returns>
    Task<IReadOnlyDictionary<string, TaskHistory>> HistoriesAsync(IReadOnlyDictionary<string, Instant> since, CancellationToken cancel);

    /// <summary>
    /// The open runs of a source whose process is known to be dead; where a log is of several processes (<see cref="IsShared"/>) only the log can know. By default
    /// it knows of none.
    /// </summary>
    Task<IReadOnlyList<TaskRun>> DeadAsync(string source, CancellationToken cancel) => Task.FromResult<IReadOnlyList<TaskRun>>([]);

    /// <summary>
    /// Tells each run that changed, after it was written, in order, whoever wrote it; until it is disposed. The callback must return at once and not throw.
    /// </summary>
    IDisposable Watch(Action<LogChange> told);
}

/// <summary>A start that is to be.</summary>
/// <param name="Started">Its event: kind <see cref="EventKind.Started"/>, with task and attempt.</param>
/// <param name="LastStart">The last start of any run of the task, of any source, as it was known when the decision was made; null for none.</param>
/// <param name="IsByHand">Nobody decided upon a last start: it succeeds in any case.</param>
public readonly record struct RunClaim(TaskEvent Started, Instant? LastStart, bool IsByHand = false);

/// <summary>A run that changed.</summary>
/// <param name="Run">As it stands now; null when its row went away, or for a gap.</param>
/// <param name="Gone">The run whose row went away, because a late event moved its events to another attempt.</param>
public readonly record struct LogChange(TaskRun? Run, TaskRun? Gone)
{
    /// <summary>Changes before this one were missed: read what you need again.</summary>
    public bool IsGap => Run is null && Gone is null;
}
