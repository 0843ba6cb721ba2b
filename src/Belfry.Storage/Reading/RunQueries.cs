using System.Runtime.CompilerServices;
using Belfry.Storage.Postgres;
using Belfry.Storage.Reading;
using Belfry.Storage.Samples;
using Belfry.Storage.Sqlite;

namespace Belfry.Storage;

/// <summary>Everything that can be asked of the log. Each call reads one consistent snapshot.</summary>
public abstract class RunQueries : IDisposable
{
    const int StreamPage = 1000;
    static readonly TimeSpan MinutesUpTo = TimeSpan.FromDays(2); // figures of a longer span have a bar per hour
    static readonly TimeSpan WorkerForgotten = TimeSpan.FromDays(1); // names of containers never come back

    /// <summary>The time allowed for a search that no index serves, where a call names none.</summary>
    protected static readonly TimeSpan UsualDeadline = TimeSpan.FromSeconds(1);

    /// <summary>So long a source that loses what nobody hears may be silent before that is a gap.</summary>
    protected static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);

    private protected RunQueries(TimeProvider clock) => Clock = clock;

    private protected TimeProvider Clock { get; }

    /// <summary>What was opened only for these questions; null where that is nothing. It closes with them.</summary>
    internal IAsyncDisposable? Behind { get; set; }

    /// <summary>Opens a store that is there, only to read it; a server may write it meanwhile. Dispose it.</summary>
    /// <exception cref="StoreException">It is not there, cannot be opened, or has another schema.</exception>
    public static Task<RunQueries> OpenAsync(StoreUrl url, TimeProvider clock, CancellationToken cancel) => url.Folder is not null
        ? CsvRuns.OpenAsync(url, clock, cancel)
        : Task.Run<RunQueries>(
            () => url.Server is null ? new SqliteQueries(Store.OpenForReading(url), clock) : new PostgresQueries(PostgresStore.OpenForReading(url), clock), cancel);

    /// <summary>A page of runs, newest first, by keyset.</summary>
    /// <param name="filter">Which runs.</param>
    /// <param name="limit">How many at most, 1 to 1000.</param>
    /// <param name="cursor">From <see cref="RunPage.Next"/>; null for the newest.</param>
    /// <param name="deadline">Time allowed for a search that no index serves; 1 s by default.</param>
    /// <param name="cancel">Stops the search.</param>
    /// <exception cref="FormatException">The cursor is not one of ours, or the search is not understood.</exception>
    public Task<RunPage> PageAsync(RunFilter filter, int limit, string? cursor, TimeSpan? deadline, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, StreamPage);
        return ReadPageAsync(filter, limit, cursor, deadline ?? UsualDeadline, cancel);
    }

    /// <summary>How many runs match, up to <paramref name="limit"/> and within the deadline (1 s by default).</summary>
    public abstract Task<RunCount> CountAsync(RunFilter filter, int limit, TimeSpan? deadline, CancellationToken cancel);

    /// <summary>Everything that matches, newest first, for exports; in pages, so a long export does not hold a snapshot.</summary>
    public async IAsyncEnumerable<TaskRun> StreamAsync(RunFilter filter, [EnumeratorCancellation] CancellationToken cancel)
    {
        string? cursor = null;
        do
        {
            RunPage page = await PageAsync(filter, StreamPage, cursor, TimeSpan.FromSeconds(10), cancel);
            foreach (TaskRun run in page.Items)
            {
                yield return run;
            }
            cursor = page.Next;
        }
        while (cursor is not null);
    }

    /// <summary>All attempts of a run, by source and attempt; an id may be known to several sources.</summary>
    public abstract Task<IReadOnlyList<TaskRun>> FindAsync(string id, string? source, CancellationToken cancel);

    /// <summary>Of each of these runs its newest attempt; those that the log does not know are left out.</summary>
    public abstract Task<IReadOnlyDictionary<string, TaskRun>> NewestAsync(string source, IReadOnlyCollection<string> ids, CancellationToken cancel);

    /// <summary>The open runs of a worker, as committed: for whoever judges that it is gone.</summary>
    public abstract Task<IReadOnlyList<TaskRun>> OpenRunsOfAsync(string source, string worker, CancellationToken cancel);

    /// <summary>Runs that were called by this one, newest attempt each, oldest first, at most <paramref name="limit"/>.</summary>
    public abstract Task<IReadOnlyList<TaskRun>> ChildrenAsync(string source, string id, int limit, CancellationToken cancel);

    /// <summary>Figures of a span, of all tasks or of those named, and what is open now.</summary>
    public async Task<LogFigures> FiguresAsync(Instant from, Instant to, IReadOnlyList<string> tasks, CancellationToken cancel)
    {
        TimeSpan barWidth = to - from <= MinutesUpTo ? TimeSpan.FromMinutes(1) : TimeSpan.FromHours(1);
        (LogReport report, IReadOnlyDictionary<RunState, long> open) = await ReadReportAsync(
            new ReportQuery { From = from, To = to, Tasks = tasks, BarWidth = barWidth }, withOpen: true, cancel);
        return LogFigures.Of(report, open);
    }

    /// <summary>Figures of a span by task, application, worker, queue, source or class of exception, from rollups alone.</summary>
    /// <exception cref="ArgumentException">The query has a <see cref="ReportQuery.Mistake"/>.</exception>
    public async Task<LogReport> ReportAsync(ReportQuery query, CancellationToken cancel) => query.Mistake is { } mistake
        ? throw new ArgumentException(mistake.Problem, nameof(query))
        : (await ReadReportAsync(query, withOpen: false, cancel)).Report;

    /// <summary>Names that the log knows, sorted.</summary>
    public abstract Task<IReadOnlyList<string>> NamesAsync(NameKind kind, CancellationToken cancel);

    /// <summary>
    /// The newest run of a task whose instant lies in [from, to], limits included, in any source or in the one given;
    /// with a context only runs of that model and type. Null when there is none.
    /// </summary>
    public abstract Task<TaskRun?> LatestAsync(string task, string? source, Instant from, Instant to, RunContext? context, CancellationToken cancel);

    /// <summary>
    /// The last run of a task that ended in one of these final states, by the instant of its end. Of cancelled runs only those count
    /// that Belfry's own time limit ended: they are failures, the others somebody's wish. Null when there is none.
    /// </summary>
    public abstract Task<TaskRun?> LastEndAsync(string task, string? source, IReadOnlyList<RunState> states, CancellationToken cancel);

    /// <summary>Of each of these tasks its open runs, the last of each kind of end, and the newest, with their attempts; no more in a large log than in a small one.</summary>
    internal abstract Task<IReadOnlyList<TaskRun>> LastRunsAsync(IReadOnlyCollection<string> tasks, CancellationToken cancel);

    /// <summary>The sources in which a task was ever seen.</summary>
    public abstract Task<IReadOnlyList<string>> SourcesOfTaskAsync(string task, CancellationToken cancel);

    /// <summary>Workers, silent ones first. One that was not heard for a day and has no open runs is forgotten.</summary>
    public async Task<IReadOnlyList<WorkerStatus>> WorkersAsync(CancellationToken cancel)
    {
        Instant forgotten = Instant.Now(Clock) - WorkerForgotten;
        return [.. (await AllWorkersAsync(cancel)).Where(worker => worker.LastHeard > forgotten || worker.OpenRuns > 0)];
    }

    /// <summary>Sources.</summary>
    public abstract Task<IReadOnlyList<SourceStatus>> SourcesAsync(CancellationToken cancel);

    /// <summary>
    /// Gaps that touch [from, to], oldest first. A source that misses what it does not hear, and has not been listened to for 30 s,
    /// has a gap from then on that is still open: the server is down.
    /// </summary>
    public abstract Task<IReadOnlyList<SourceGap>> GapsAsync(Instant from, Instant to, CancellationToken cancel);

    /// <summary>What was refused, dropped or unknown, most recent first.</summary>
    public abstract Task<IReadOnlyList<Refusal>> RefusalsAsync(CancellationToken cancel);

    /// <summary>The store itself.</summary>
    public abstract Task<StoreStatus> StatusAsync(CancellationToken cancel);

    /// <summary>The latest sample of each series, of one kind or of all kinds, by source, kind and subject.</summary>
    public Task<IReadOnlyList<Sample>> LatestSamplesAsync(string? kind, CancellationToken cancel) => new SampleTable(Tables).LatestAsync(kind, cancel);

    /// <summary>
    /// What was measured from <paramref name="from"/> to before <paramref name="to"/>, in stretches of <paramref name="step"/>, oldest first. Stretches without a sample
    /// are left out. Samples of the last two days are as they came, of two weeks one a minute, of a year one each five minutes.
    /// </summary>
    public Task<IReadOnlyList<SamplePoint>> SamplesAsync(string source, string kind, string subject, Instant from, Instant to, TimeSpan step, CancellationToken cancel) =>
        new SampleTable(Tables).PointsAsync(source, kind, subject, from, to, step, cancel);

    /// <summary>What takes the room, task by task.</summary>
    public abstract Task<LogUsage> UsageAsync(CancellationToken cancel);

    /// <summary>What is wrong with the file, looked through from end to end; nothing when it is whole, or the engine looks after that itself.</summary>
    public virtual Task<IReadOnlyList<string>> DamageAsync(CancellationToken cancel) => Task.FromResult<IReadOnlyList<string>>([]);

    /// <summary>What a policy would delete now: runs counted, bytes estimated.</summary>
    public abstract Task<RetentionPreview> PreviewAsync(RetentionPolicy policy, CancellationToken cancel);

    /// <summary>Closes what <see cref="OpenAsync"/> opened.</summary>
    public void Dispose()
    {
        Close();
        Behind?.DisposeAsync().AsTask().Wait(); // its thread, which waits for nobody
        GC.SuppressFinalize(this);
    }

    private protected abstract ITableEngine Tables { get; }

    private protected abstract Task<IReadOnlyList<WorkerStatus>> AllWorkersAsync(CancellationToken cancel);

    private protected abstract Task<(LogReport Report, IReadOnlyDictionary<RunState, long> Open)> ReadReportAsync(ReportQuery query, bool withOpen, CancellationToken cancel);

    private protected abstract Task<RunPage> ReadPageAsync(RunFilter filter, int limit, string? cursor, TimeSpan deadline, CancellationToken cancel);

    private protected abstract void Close();
}

/// <summary>Kinds of names that the log keeps. The numbers are stored: never change one.</summary>
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

    /// <summary>Classes of exceptions, each with the task that failed with it: <c>ValueError shop.tasks.import</c>.</summary>
    Failure = 7,
}
