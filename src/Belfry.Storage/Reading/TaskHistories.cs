namespace Belfry.Storage;

/// <summary>What conditions ask about tasks, read from the log.</summary>
static class TaskHistories
{
    static readonly TimeSpan LongestRun = TimeSpan.FromDays(2); // runs are looked for by their start; what ended since an instant may have started so long before
    static readonly TimeSpan Recent = TimeSpan.FromMinutes(1); // what ended since then and matters is among the last runs

    /// <summary>The histories of those tasks that have any run.</summary>
    public static async Task<IReadOnlyDictionary<string, TaskHistory>> ReadAsync(RunQueries queries, IReadOnlyDictionary<string, Instant> since, Instant now, CancellationToken cancel)
    {
        ILookup<string, TaskRun> last = (await queries.LastRunsAsync([.. since.Keys], cancel)).ToLookup(run => run.Task!);
        var histories = new Dictionary<string, TaskHistory>();
        foreach ((string task, Instant from) in since)
        {
            List<TaskRun> runs = [.. last[task]];
            if (from < now - Recent)
            {
                RunQuery counted = RunQuery.Where(RunFields.Task == task, RunFields.At >= from - LongestRun);
                await foreach (TaskRun run in queries.StreamAsync(QueryPlan.Filter(counted), cancel))
                {
                    if (counted.Matches(run))
                    {
                        runs.Add(run);
                    }
                }
            }
            if (runs.Count > 0)
            {
                histories[task] = TaskHistory.Of(runs.DistinctBy(run => (run.Source, run.Id, run.Attempt))).Since(from);
            }
        }
        return histories;
    }
}
