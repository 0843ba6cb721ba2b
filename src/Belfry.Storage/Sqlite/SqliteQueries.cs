using Belfry.Storage.Reading;
using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Keeping;
using Belfry.Storage.Sqlite.Reading;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite;

/// <summary>The questions, asked of SQLite.</summary>
sealed class SqliteQueries(Store store, TimeProvider clock) : RunQueries(clock)
{
    readonly RowContexts _contexts = new();

    public override Task<RunCount> CountAsync(RunFilter filter, int limit, TimeSpan? deadline, CancellationToken cancel) => ReadAsync(
        (database, context) =>
        {
            using var scan = new RunScan(database, new RunMatch(database, filter, context), context, null, Clock, deadline ?? UsualDeadline);
            int found = 0;
            while (found <= limit && scan.Skip())
            {
                found++;
            }
            return new RunCount(Math.Min(found, limit), found > limit || scan.RanOutOfTime);
        },
        cancel);

    public override Task<IReadOnlyList<TaskRun>> FindAsync(string id, string? source, CancellationToken cancel) =>
        ReadAsync<IReadOnlyList<TaskRun>>((database, context) => RunFinder.Find(database, id, source, store.Seen, context), cancel);

    public override Task<IReadOnlyDictionary<string, TaskRun>> NewestAsync(string source, IReadOnlyCollection<string> ids, CancellationToken cancel) =>
        ReadAsync<IReadOnlyDictionary<string, TaskRun>>((database, context) => RunFinder.Newest(database, source, ids, store.Seen, context), cancel);

    public override Task<IReadOnlyList<TaskRun>> ChildrenAsync(string source, string id, int limit, CancellationToken cancel) =>
        ReadAsync<IReadOnlyList<TaskRun>>((database, context) => RunFinder.Children(database, source, id, limit, store.Seen, context), cancel);

    public override Task<IReadOnlyList<string>> NamesAsync(NameKind kind, CancellationToken cancel) =>
        ReadAsync<IReadOnlyList<string>>((database, _) => [.. KnownNames.All(database, kind).Select(name => name.Text)], cancel);

    public override Task<TaskRun?> LatestAsync(string task, string? source, Instant from, Instant to, RunContext? context, CancellationToken cancel) => ReadAsync(
        (database, rows) =>
        {
            var filter = new RunFilter { Tasks = [task], Sources = source is null ? [] : [source], From = from, To = new Instant(to.Micros + 1) };
            using var scan = new RunScan(database, new RunMatch(database, filter, rows), rows, null, Clock, TimeSpan.MaxValue);
            while (scan.Next() is { } run)
            {
                if (run.IsLatestFor(task, context))
                {
                    return run;
                }
            }
            return null;
        },
        cancel);

    public override Task<TaskRun?> LastEndAsync(string task, string? source, IReadOnlyList<RunState> states, CancellationToken cancel) =>
        ReadAsync((database, context) => RunFinder.LastEnd(database, task, source, states, context), cancel);

    public override Task<IReadOnlyList<string>> SourcesOfTaskAsync(string task, CancellationToken cancel) =>
        ReadAsync<IReadOnlyList<string>>((database, context) => RunFinder.SourcesOfTask(database, task, context), cancel);

    private protected override ITableEngine Tables => new SqliteTables(store, lane: null);

    private protected override Task<IReadOnlyList<WorkerStatus>> AllWorkersAsync(CancellationToken cancel) =>
        ReadAsync<IReadOnlyList<WorkerStatus>>(SurroundingsReader.Workers, cancel);

    public override Task<IReadOnlyList<SourceStatus>> SourcesAsync(CancellationToken cancel) =>
        ReadAsync<IReadOnlyList<SourceStatus>>(SurroundingsReader.Sources, cancel);

    public override Task<IReadOnlyList<SourceGap>> GapsAsync(Instant from, Instant to, CancellationToken cancel) =>
        ReadAsync<IReadOnlyList<SourceGap>>((database, context) => SurroundingsReader.Gaps(database, from, to, Instant.Now(Clock) - Silence, context), cancel);

    public override Task<IReadOnlyList<Refusal>> RefusalsAsync(CancellationToken cancel) => ReadAsync<IReadOnlyList<Refusal>>(SurroundingsReader.Refusals, cancel);

    public override Task<StoreStatus> StatusAsync(CancellationToken cancel) => ReadAsync((database, _) => SurroundingsReader.Store(database, store.Url), cancel);

    public override Task<LogUsage> UsageAsync(CancellationToken cancel) => ReadAsync((database, context) => Usage.Read(database, store.Url, context), cancel);

    public override Task<IReadOnlyList<string>> DamageAsync(CancellationToken cancel) => ReadAsync((database, _) => Backup.Damage(database), cancel);

    public override Task<RetentionPreview> PreviewAsync(RetentionPolicy policy, CancellationToken cancel) =>
        ReadAsync((database, context) => ExpiredRuns.Preview(database, policy, Instant.Now(Clock), context), cancel);

    private protected override Task<(LogReport Report, IReadOnlyDictionary<RunState, long> Open)> ReadReportAsync(ReportQuery query, bool withOpen, CancellationToken cancel) => ReadAsync(
        (database, _) => (Figures.Read(database, query), withOpen ? Figures.Open(database, query) : new Dictionary<RunState, long>()), cancel);

    private protected override Task<RunPage> ReadPageAsync(RunFilter filter, int limit, string? cursor, TimeSpan deadline, CancellationToken cancel)
    {
        Cursor? after = cursor is null ? null : Cursor.Parse(cursor);
        return ReadAsync((database, context) => Page(database, context, filter, limit, after, deadline), cancel);
    }

    internal override Task<IReadOnlyList<TaskRun>> LastRunsAsync(IReadOnlyCollection<string> tasks, CancellationToken cancel) =>
        ReadAsync((database, context) => LastRuns.Of(database, tasks, store.Seen, context), cancel);

    public override Task<IReadOnlyList<TaskRun>> OpenRunsOfAsync(string source, string worker, CancellationToken cancel) =>
        ReadAsync<IReadOnlyList<TaskRun>>((database, context) => RunFinder.OpenRunsOf(database, source, worker, context), cancel);

    private protected override void Close()
    {
        if (store.Writer is null)
        {
            store.Dispose();
        }
    }

    Task<T> ReadAsync<T>(Func<Database, IRowContext, T> read, CancellationToken cancel) =>
        store.ReadAsync(database => read(database, _contexts.For(database)), cancel);

    RunPage Page(Database database, IRowContext context, RunFilter filter, int limit, Cursor? after, TimeSpan deadline)
    {
        using var scan = new RunScan(database, new RunMatch(database, filter, context), context, after, Clock, deadline);
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
