using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Rows;

namespace Belfry.Storage.Postgres.Reading;

/// <summary>Finds runs by id, by parent, by worker, and the last ends of a task.</summary>
static class RunFinder
{
    const int MostChildren = 1000, IdsAtOnce = 1000;

    // Else tables that were never analysed are read whole for so many ids.
    const string ByKeys = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

    public static async Task<IReadOnlyList<TaskRun>> FindAsync(Question question, string id, string? source)
    {
        var runs = new List<TaskRun>();
        Guid key = Uuids.Of(id)!.Value;
        await question.RunsAsync(
            runs,
            $"""
            SELECT {RunColumns.All} FROM run_open WHERE id = $1
            UNION ALL SELECT {RunColumns.All} FROM run_kept WHERE id = $1
            UNION ALL SELECT {RunColumns.Of("run")} FROM run_key AS key
              JOIN run_done AS run ON run.at = key.at AND run.id = key.id AND run.source = key.source AND run.attempt = key.attempt WHERE key.id = $1
            """,
            key);
        return [.. runs.Where(run => run.Id == id && (source is null || run.Source == source)).OrderBy(run => run.Source, StringComparer.Ordinal).ThenBy(run => run.Attempt)];
    }

    /// <summary>Adds these attempts, as far as they are there.</summary>
    public static Task FindAsync(Question question, List<TaskRun> runs, Guid[] ids, int[] sources, int[] attempts)
    {
        const string from = "FROM unnest($1, $2, $3) AS wanted(id, source, attempt)";
        const string on = "ON run.id = wanted.id AND run.source = wanted.source AND run.attempt = wanted.attempt";
        return question.RunsAsync(
            runs,
            $"""
            SELECT {RunColumns.Of("run")} {from} JOIN run_open AS run {on}
            UNION ALL SELECT {RunColumns.Of("run")} {from} JOIN run_kept AS run {on}
            UNION ALL SELECT {RunColumns.Of("run")} {from} JOIN run_key AS key ON key.id = wanted.id AND key.source = wanted.source AND key.attempt = wanted.attempt
              JOIN run_done AS run {on} AND run.at = key.at
            """,
            ids, sources, attempts);
    }

    /// <summary>The newest attempts of many runs, so many ids at once.</summary>
    public static async Task<IReadOnlyDictionary<string, TaskRun>> NewestAsync(Question question, string source, IReadOnlyCollection<string> ids)
    {
        var newest = new Dictionary<string, TaskRun>(StringComparer.Ordinal);
        if (question.Names.Find(NameKind.Source, source) is not { } from)
        {
            return newest;
        }
        await question.EachAsync(ByKeys, [], _ => { });
        foreach (string[] some in ids.Chunk(IdsAtOnce))
        {
            var runs = new List<TaskRun>();
            await question.RunsAsync(
                runs,
                $"""
                SELECT {RunColumns.All} FROM run_open WHERE id = ANY($1) AND source = $2
                UNION ALL SELECT {RunColumns.All} FROM run_kept WHERE id = ANY($1) AND source = $2
                UNION ALL SELECT {RunColumns.Of("run")} FROM run_key AS key
                  JOIN run_done AS run ON run.at = key.at AND run.id = key.id AND run.source = key.source AND run.attempt = key.attempt
                  WHERE key.id = ANY($1) AND key.source = $2
                """,
                Array.ConvertAll(some, id => Uuids.Of(id)!.Value), from);
            var wanted = some.ToHashSet(StringComparer.Ordinal); // the hash of one id may be another one
            foreach (TaskRun run in runs.Where(run => wanted.Contains(run.Id)).OrderBy(run => run.Attempt))
            {
                newest[run.Id] = run;
            }
        }
        return newest;
    }

    public static async Task<IReadOnlyList<TaskRun>> ChildrenAsync(Question question, string source, string id, int limit)
    {
        var runs = new List<TaskRun>();
        foreach (string table in (string[])["run_done", "run_kept", "run_open"])
        {
            await question.RunsAsync(runs, $"SELECT {RunColumns.All} FROM {table} WHERE parent = $1 ORDER BY at LIMIT {MostChildren}", Uuids.Of(id)!.Value);
        }
        IEnumerable<TaskRun> newest = runs.Where(run => run.Source == source && run.Parent == id).GroupBy(run => run.Id).Select(attempts => attempts.MaxBy(run => run.Attempt)!);
        return [.. newest.OrderBy(run => run.At).Take(limit)];
    }

    public static async Task<IReadOnlyList<TaskRun>> OpenRunsOfAsync(Question question, string source, string worker)
    {
        var runs = new List<TaskRun>();
        if (question.Names.Find(NameKind.Source, source) is { } from && question.Names.Find(NameKind.Worker, worker) is { } of)
        {
            await question.RunsAsync(runs, $"SELECT {RunColumns.All} FROM run_open WHERE source = $1 AND worker = $2", from, of);
        }
        return runs;
    }

    public static async Task<TaskRun?> LastEndAsync(Question question, string task, string? source, IReadOnlyList<RunState> states)
    {
        if (question.Names.Find(NameKind.Task, task) is not { } name)
        {
            return null;
        }
        short[] kinds = [.. EndKind.Wanted(states).Select(kind => (short)kind)];
        int of = source is null ? 0 : question.Names.Find(NameKind.Source, source) ?? -1;
        (string Table, long At, Guid Id, int Source, int Attempt)? last = null;
        await question.EachAsync(
            "SELECT kind, at, id, source, attempt FROM last_end WHERE name = $1 AND kind = ANY($2) AND $3 IN (0, source) ORDER BY ended DESC LIMIT 1",
            [name, kinds, of],
            row => last = (row.GetInt16(0) == (short)RunState.Completed ? "run_done" : "run_kept", row.GetInt64(1), row.GetGuid(2), row.GetInt32(3), row.GetInt32(4)));
        var runs = new List<TaskRun>();
        if (last is { } found)
        {
            await question.RunsAsync(
                runs, $"SELECT {RunColumns.All} FROM {found.Table} WHERE at = $1 AND id = $2 AND source = $3 AND attempt = $4", found.At, found.Id, found.Source, found.Attempt);
        }
        return runs.FirstOrDefault();
    }

    public static async Task<IReadOnlyList<string>> SourcesOfTaskAsync(Question question, string task)
    {
        var sources = new SortedSet<string>(StringComparer.Ordinal);
        if (question.Names.Find(NameKind.Task, task) is { } name)
        {
            await question.EachAsync(
                "SELECT source FROM last_end WHERE name = $1 UNION SELECT source FROM run_open WHERE name = $1", [name],
                row => sources.Add(question.Names.Text(row.GetInt32(0))));
        }
        return [.. sources];
    }
}
