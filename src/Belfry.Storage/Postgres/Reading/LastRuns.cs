using Belfry.Storage.Postgres.Rows;

namespace Belfry.Storage.Postgres.Reading;

/// <summary>What the next start of tasks may depend on, however long their history is.</summary>
static class LastRuns
{
    const int Newest = 5; // the last that started need not be the last that ended; of runs that overlap so many are looked at

    /// <summary>Of each task its open runs, the last of each kind of end, and the newest.</summary>
    public static async Task<IReadOnlyList<TaskRun>> OfAsync(Question question, IReadOnlyCollection<string> tasks)
    {
        int[] names = [.. tasks.Select(task => question.Names.Find(NameKind.Task, task)).OfType<int>()];
        const string of = "ON run.at = e.at AND run.id = e.id AND run.source = e.source AND run.attempt = e.attempt WHERE e.name = ANY($1)";
        var runs = new List<TaskRun>();
        await question.RunsAsync(runs, $"SELECT {RunColumns.All} FROM run_open WHERE name = ANY($1)", names);
        foreach (string table in (string[])["run_done", "run_kept"])
        {
            await question.RunsAsync(runs, $"SELECT {RunColumns.Of("run")} FROM last_end AS e JOIN {table} AS run {of}", names);
            await question.RunsAsync(
                runs,
                $"""
                SELECT {RunColumns.Of("run")} FROM unnest($1) AS wanted(name)
                CROSS JOIN LATERAL (SELECT * FROM {table} WHERE name = wanted.name ORDER BY at DESC LIMIT {Newest}) AS run
                """,
                names);
        }
        foreach (TaskRun run in runs.Where(run => run.Attempt > 1).DistinctBy(run => (run.Source, run.Id)).ToList())
        {
            runs.AddRange(await RunFinder.FindAsync(question, run.Id, run.Source));
        }
        return [.. runs.DistinctBy(run => (run.Source, run.Id, run.Attempt))];
    }
}
