using System.Runtime.CompilerServices;
using Belfry.Storage.Reading;
using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite;
using Belfry.Storage.Writing;

namespace Belfry.Storage;

/// <summary>Everything that can be asked of the log. Each call reads one consistent snapshot.</summary>
public sealed class RunQueries : IDisposable
{
    const int StreamPage = 1000;
    static readonly TimeSpan UsualDeadline = TimeSpan.FromSeconds(1);
    static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);

    readonly Store _store;
    readonly TimeProvider _clock;
    readonly RowContexts _contexts = new();

    internal RunQueries(Store store, TimeProvider clock) => (_store, _clock) = (store, clock);

    /// <summary>Opens a store that is there, only to read it; a server may write it meanwhile. Dispose it.</summary>
    /// <exception cref="StoreException">It is not there, cannot be opened, or has another schema.</exception>
    public static Task<RunQueries> OpenAsync(StoreUrl url, TimeProvider clock, CancellationToken cancel) =>
        Task.Run(() => new RunQueries(Store.OpenForReading(url), clock), cancel);

    /// <summary>A page of runs, newest first, by keyset.</summary>
    /// <param name="filter">Which runs.</param>
    /// <param name="limit">How many at most, 1 to 1000.</param>
    /// <param name="cursor">From <see cref="RunPage.Next"/>; null for the newest.</param>
    /// <param name="deadline">Time allowed for a search that no index serves; 1 s by default.</param>
    /// <param name="cancel">Stops the search.</param>
    /// <exception cref="FormatException">The cursor is not one of ours.</exception>
    public Task<RunPage> PageAsync(RunFilter filter, int limit, string? cursor, TimeSpan? deadline, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 1000);
        Cursor? after = cursor is null ? null : Cursor.Parse(cursor);
        return _store.ReadAsync(database => Page(database, filter, limit, after, deadline ?? UsualDeadline), cancel);
    }

    /// <summary>How many runs match, up to <paramref name="limit"/> and within the deadline (1 s by default).</summary>
    public Task<RunCount> CountAsync(RunFilter filter, int limit, TimeSpan? deadline, CancellationToken cancel) => _store.ReadAsync(
        database =>
        {
            IRowContext context = _contexts.For(database);
            using var scan = new RunScan(database, new RunMatch(database, filter, context), context, null, _clock, deadline ?? UsualDeadline);
            int found = 0;
            while (found <= limit && scan.Skip())
            {
                found++;
            }
            return new RunCount(Math.Min(found, limit), found > limit || scan.RanOutOfTime);
        },
        cancel);

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
    public Task<IReadOnlyList<TaskRun>> FindAsync(string id, string? source, CancellationToken cancel) =>
        _store.ReadAsync<IReadOnlyList<TaskRun>>(database => RunFinder.Find(database, id, source, _contexts.For(database)), cancel);

    /// <summary>Runs that were called by this one, newest attempt each, oldest first, at most <paramref name="limit"/>.</summary>
    public Task<IReadOnlyList<TaskRun>> ChildrenAsync(string source, string id, int limit, CancellationToken cancel) =>
        _store.ReadAsync<IReadOnlyList<TaskRun>>(database => RunFinder.Children(database, source, id, limit, _contexts.For(database)), cancel);

    /// <summary>Figures of a span, of all tasks or of those named.</summary>
    public Task<LogFigures> FiguresAsync(Instant from, Instant to, IReadOnlyList<string> tasks, CancellationToken cancel) =>
        _store.ReadAsync(database => Figures.Read(database, from, to, tasks, _contexts.For(database)), cancel);

    /// <summary>Names that the log knows, sorted.</summary>
    public Task<IReadOnlyList<string>> NamesAsync(NameKind kind, CancellationToken cancel) =>
        _store.ReadAsync<IReadOnlyList<string>>(database => [.. KnownNames.All(database, kind).Select(name => name.Text)], cancel);

    /// <summary>
    /// The newest run of a task whose instant lies in [from, to], limits included, in any source or in the one given;
    /// with a context only runs of that model and type. Null when there is none.
    /// </summary>
    public Task<TaskRun?> LatestAsync(string task, string? source, Instant from, Instant to, RunContext? context, CancellationToken cancel) => _store.ReadAsync(
        database =>
        {
            var filter = new RunFilter { Tasks = [task], Sources = source is null ? [] : [source], From = from, To = new Instant(to.Micros + 1) };
            IRowContext rows = _contexts.For(database);
            using var scan = new RunScan(database, new RunMatch(database, filter, rows), rows, null, _clock, TimeSpan.MaxValue);
            while (scan.Next() is { } run)
            {
                if (context is null || (run.Context?.Model == context.Model && run.Context?.Type == context.Type))
                {
                    return run;
                }
            }
            return null;
        },
        cancel);

    /// <summary>
    /// The last run of a task that ended in one of these final states, by the instant of its end. Of cancelled runs only those count
    /// that Belfry's own time limit ended: they are failures, the others somebody's wish. Null when there is none.
    /// </summary>
    public Task<TaskRun?> LastEndAsync(string task, string? source, IReadOnlyList<RunState> states, CancellationToken cancel) =>
        _store.ReadAsync(database => RunFinder.LastEnd(database, task, source, states, _contexts.For(database)), cancel);

    /// <summary>The sources in which a task was ever seen.</summary>
    public Task<IReadOnlyList<string>> SourcesOfTaskAsync(string task, CancellationToken cancel) =>
        _store.ReadAsync<IReadOnlyList<string>>(database => RunFinder.SourcesOfTask(database, task, _contexts.For(database)), cancel);

    /// <summary>Workers, silent ones first.</summary>
    public Task<IReadOnlyList<WorkerStatus>> WorkersAsync(CancellationToken cancel) =>
        _store.ReadAsync<IReadOnlyList<WorkerStatus>>(database => SurroundingsReader.Workers(database, _contexts.For(database)), cancel);

    /// <summary>Sources.</summary>
    public Task<IReadOnlyList<SourceStatus>> SourcesAsync(CancellationToken cancel) =>
        _store.ReadAsync<IReadOnlyList<SourceStatus>>(database => SurroundingsReader.Sources(database, _contexts.For(database)), cancel);

    /// <summary>
    /// Gaps that touch [from, to], oldest first. A source that misses what it does not hear, and has not been listened to for 30 s,
    /// has a gap from then on that is still open: the server is down.
    /// </summary>
    public Task<IReadOnlyList<SourceGap>> GapsAsync(Instant from, Instant to, CancellationToken cancel) =>
        _store.ReadAsync<IReadOnlyList<SourceGap>>(
            database => SurroundingsReader.Gaps(database, from, to, Instant.Now(_clock) - Silence, _contexts.For(database)), cancel);

    /// <summary>What was refused, dropped or unknown, most recent first.</summary>
    public Task<IReadOnlyList<Refusal>> RefusalsAsync(CancellationToken cancel) =>
        _store.ReadAsync<IReadOnlyList<Refusal>>(database => SurroundingsReader.Refusals(database, _contexts.For(database)), cancel);

    /// <summary>The store itself.</summary>
    public Task<StoreStatus> StatusAsync(CancellationToken cancel) => _store.ReadAsync(database => SurroundingsReader.Store(database, _store.Url), cancel);

    /// <summary>Closes the readers; only for queries from <see cref="OpenAsync"/>.</summary>
    public void Dispose()
    {
        if (_store.Writer is null)
        {
            _store.Dispose();
        }
    }

    internal Task<IReadOnlyList<TaskRun>> OpenRunsOfAsync(string source, string worker, CancellationToken cancel) =>
        _store.ReadAsync<IReadOnlyList<TaskRun>>(database => RunFinder.OpenRunsOf(database, source, worker, _contexts.For(database)), cancel);

    RunPage Page(Database database, RunFilter filter, int limit, Cursor? after, TimeSpan deadline)
    {
        IRowContext context = _contexts.For(database);
        using var scan = new RunScan(database, new RunMatch(database, filter, context), context, after, _clock, deadline);
        var runs = new List<TaskRun>(limit);
        Cursor? last = null;
        while (runs.Count < limit && scan.Next() is { } run)
        {
            runs.Add(run);
            last = scan.At;
        }
        if (scan.RanOutOfTime)
        {
            return new RunPage(runs, scan.At?.ToString(), new Instant(scan.At?.At ?? 0));
        }
        bool more = runs.Count == limit && (scan.Skip() || scan.RanOutOfTime);
        return new RunPage(runs, more ? last!.Value.ToString() : null, null);
    }
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
}
