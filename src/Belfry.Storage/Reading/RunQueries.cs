namespace Belfry.Storage;

/// <summary>Everything that can be asked of the log. Each call reads one consistent snapshot.</summary>
public sealed class RunQueries
{
    /// <summary>A page of runs, newest first, by keyset.</summary>
    /// <param name="filter">Which runs.</param>
    /// <param name="limit">How many at most, 1 to 1000.</param>
    /// <param name="cursor">From <see cref="RunPage.Next"/>; null for the newest.</param>
    /// <param name="deadline">Time allowed for a search that no index serves; 1 s by default.</param>
    /// <param name="cancel">Stops the search.</param>
    /// <exception cref="FormatException">The cursor is not one of ours.</exception>
    public Task<RunPage> PageAsync(RunFilter filter, int limit, string? cursor, TimeSpan? deadline, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>How many runs match, up to <paramref name="limit"/> (10,000 by default) and within the deadline.</summary>
    public Task<RunCount> CountAsync(RunFilter filter, int limit, TimeSpan? deadline, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>Everything that matches, newest first, for exports.</summary>
    public IAsyncEnumerable<TaskRun> StreamAsync(RunFilter filter, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>All attempts of a run, by source and attempt; an id may be known to several sources. A prefix of 8 or more characters is not accepted.</summary>
    public Task<IReadOnlyList<TaskRun>> FindAsync(string id, string? source, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>Runs that were called by this one, newest attempt each, oldest first, at most <paramref name="limit"/>.</summary>
    public Task<IReadOnlyList<TaskRun>> ChildrenAsync(string source, string id, int limit, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>Figures of a span, of all tasks or of those named.</summary>
    public Task<LogFigures> FiguresAsync(Instant from, Instant to, IReadOnlyList<string> tasks, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>Names that the log knows, sorted.</summary>
    public Task<IReadOnlyList<string>> NamesAsync(NameKind kind, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>
    /// The newest run of a task whose instant lies in [from, to], limits included, in any source or in the one given;
    /// with a context only runs of that model and type. Null when there is none.
    /// </summary>
    public Task<TaskRun?> LatestAsync(string task, string? source, Instant from, Instant to, RunContext? context, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>
    /// The last run of a task that ended in one of these states, by the instant of its end. Null when there is none.
    /// </summary>
    public Task<TaskRun?> LastEndAsync(string task, string? source, IReadOnlyList<RunState> states, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>The sources in which a task was ever seen.</summary>
    public Task<IReadOnlyList<string>> SourcesOfTaskAsync(string task, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>Workers, silent ones first.</summary>
    public Task<IReadOnlyList<WorkerStatus>> WorkersAsync(CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>Sources.</summary>
    public Task<IReadOnlyList<SourceStatus>> SourcesAsync(CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>
    /// Gaps that touch [from, to]. A source that misses what it does not hear, and has not been listened to for 30 s, has a gap
    /// from then on that is still open: the server is down.
    /// </summary>
    public Task<IReadOnlyList<SourceGap>> GapsAsync(Instant from, Instant to, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>What was refused, dropped or unknown.</summary>
    public Task<IReadOnlyList<Refusal>> RefusalsAsync(CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>The store itself.</summary>
    public Task<StoreStatus> StatusAsync(CancellationToken cancel) => throw new NotImplementedException();
}

/// <summary>Kinds of names that the log keeps.</summary>
public enum NameKind
{
    /// <summary>Tasks.</summary>
    Task = 1,

    /// <summary>Workers.</summary>
    Worker = 2,

    /// <summary>Queues.</summary>
    Queue = 3,

    /// <summary>Classes of exceptions.</summary>
    Exception = 4,

    /// <summary>Applications.</summary>
    App = 5,

    /// <summary>Sources.</summary>
    Source = 6,
}
