using Belfry.Storage.Postgres.Keeping;
using Belfry.Storage.Postgres.Reading;
using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Reading;
using Npgsql;

namespace Belfry.Storage.Postgres;

/// <summary>The questions, asked of PostgreSQL.</summary>
sealed class PostgresQueries(PostgresStore store, TimeProvider clock) : RunQueries(clock)
{
    const int MostTries = 5;

    public override Task<RunCount> CountAsync(RunFilter filter, int limit, TimeSpan? deadline, CancellationToken cancel) => SearchAsync(
        async question =>
        {
            RunScan scan = await RunScan.BeginAsync(question, filter, limit, null, Clock, deadline ?? UsualDeadline);
            int found = 0;
            while (found <= limit && await scan.NextAsync() is not null)
            {
                found++;
            }
            return new RunCount(Math.Min(found, limit), found > limit || scan.RanOutOfTime);
        },
        cancel);

    public override Task<IReadOnlyList<TaskRun>> FindAsync(string id, string? source, CancellationToken cancel) =>
        store.ReadAsync(question => RunFinder.FindAsync(question, id, source), cancel);

    public override Task<IReadOnlyDictionary<string, TaskRun>> NewestAsync(string source, IReadOnlyCollection<string> ids, CancellationToken cancel) =>
        store.ReadAsync(question => RunFinder.NewestAsync(question, source, ids), cancel);

    public override Task<IReadOnlyList<TaskRun>> ChildrenAsync(string source, string id, int limit, CancellationToken cancel) =>
        store.ReadAsync(question => RunFinder.ChildrenAsync(question, source, id, limit), cancel);

    public override Task<IReadOnlyList<string>> NamesAsync(NameKind kind, CancellationToken cancel) => store.ReadAsync<IReadOnlyList<string>>(
        async question =>
        {
            var names = new List<string>();
            await question.EachAsync("SELECT text FROM name WHERE kind = $1 ORDER BY text COLLATE \"C\"", [(short)kind], row => names.Add(row.GetString(0)));
            return names;
        },
        cancel);

    public override Task<TaskRun?> LatestAsync(string task, string? source, Instant from, Instant to, RunContext? context, CancellationToken cancel) => store.ReadAsync(
        async question =>
        {
            var filter = new RunFilter { Tasks = [task], Sources = source is null ? [] : [source], From = from, To = new Instant(to.Micros + 1) };
            RunScan scan = await RunScan.BeginAsync(question, filter, 1, null, Clock, TimeSpan.MaxValue);
            while (await scan.NextAsync() is { } run)
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
        store.ReadAsync(question => RunFinder.LastEndAsync(question, task, source, states), cancel);

    public override Task<IReadOnlyList<string>> SourcesOfTaskAsync(string task, CancellationToken cancel) =>
        store.ReadAsync(question => RunFinder.SourcesOfTaskAsync(question, task), cancel);

    private protected override ITableEngine Tables => new PostgresTables(store);

    private protected override Task<IReadOnlyList<WorkerStatus>> AllWorkersAsync(CancellationToken cancel) => store.ReadAsync(SurroundingsReader.WorkersAsync, cancel);

    public override Task<IReadOnlyList<SourceStatus>> SourcesAsync(CancellationToken cancel) => store.ReadAsync(SurroundingsReader.SourcesAsync, cancel);

    public override Task<IReadOnlyList<SourceGap>> GapsAsync(Instant from, Instant to, CancellationToken cancel) =>
        store.ReadAsync(question => SurroundingsReader.GapsAsync(question, from, to, Instant.Now(Clock) - Silence), cancel);

    public override Task<IReadOnlyList<Refusal>> RefusalsAsync(CancellationToken cancel) => store.ReadAsync(SurroundingsReader.RefusalsAsync, cancel);

    public override Task<StoreStatus> StatusAsync(CancellationToken cancel) => store.ReadAsync(question => SurroundingsReader.StoreAsync(question, store.Url), cancel);

    public override Task<RetentionPreview> PreviewAsync(RetentionPolicy policy, CancellationToken cancel) =>
        store.ReadAsync(question => Retention.PreviewAsync(question, policy, Instant.Now(Clock)), cancel);

    public override Task<LogUsage> UsageAsync(CancellationToken cancel) => store.ReadAsync(question => Usage.ReadAsync(question, store.Url), cancel);

    internal override Task<IReadOnlyList<TaskRun>> LastRunsAsync(IReadOnlyCollection<string> tasks, CancellationToken cancel) =>
        store.ReadAsync(question => LastRuns.OfAsync(question, tasks), cancel);

    public override Task<IReadOnlyList<TaskRun>> OpenRunsOfAsync(string source, string worker, CancellationToken cancel) =>
        store.ReadAsync(question => RunFinder.OpenRunsOfAsync(question, source, worker), cancel);

    private protected override Task<(LogReport Report, IReadOnlyDictionary<RunState, long> Open)> ReadReportAsync(ReportQuery query, bool withOpen, CancellationToken cancel) => store.ReadAsync(
        async question =>
        {
            IReadOnlyDictionary<RunState, long> open = withOpen ? await Figures.OpenAsync(question, query) : new Dictionary<RunState, long>();
            return (await Figures.ReadAsync(question, query), open);
        },
        cancel);

    private protected override Task<RunPage> ReadPageAsync(RunFilter filter, int limit, string? cursor, TimeSpan deadline, CancellationToken cancel)
    {
        Place? after = cursor is null ? null : Place.Parse(cursor);
        return SearchAsync(question => PageAsync(question, filter, limit, after, deadline), cancel);
    }

    private protected override void Close()
    {
        if (!store.Writes)
        {
            store.Dispose();
        }
    }

    /// <summary>A week of the index of texts may be dropped between the moment when a reader knew of it and that when he asks it: then he looks with fresh eyes.</summary>
    async Task<T> SearchAsync<T>(Func<Question, Task<T>> search, CancellationToken cancel)
    {
        for (int tries = 1; ; tries++)
        {
            try
            {
                return await store.ReadAsync(search, cancel);
            }
            catch (StoreException gone) when (gone.InnerException is PostgresException { SqlState: PostgresErrorCodes.UndefinedTable } && tries < MostTries)
            {
                // rare: a week is dropped when most of its runs are gone, or the index altogether
            }
        }
    }

    async Task<RunPage> PageAsync(Question question, RunFilter filter, int limit, Place? after, TimeSpan deadline)
    {
        RunScan scan = await RunScan.BeginAsync(question, filter, limit, after, Clock, deadline);
        var runs = new List<TaskRun>(limit);
        Place? last = null;
        while (runs.Count < limit && await scan.NextAsync() is { } run)
        {
            runs.Add(run);
            last = scan.At;
        }
        if (scan.RanOutOfTime)
        {
            return new RunPage(runs, scan.At?.ToString(), new Instant(scan.At?.At ?? 0));
        }
        bool more = runs.Count == limit && (await scan.NextAsync() is not null || scan.RanOutOfTime);
        return new RunPage(runs, more ? last!.Value.ToString() : null, null);
    }
}
