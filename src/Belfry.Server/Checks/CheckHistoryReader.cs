using Belfry.Storage;

namespace Belfry.Server.Checks;

/// <summary>Reads from the log what a check needs to be judged: a handful of rows, whatever the log's size.</summary>
public sealed class CheckHistoryReader(RunQueries queries)
{
    /// <summary>What is known of the check's task at <paramref name="now"/>.</summary>
    public async Task<CheckHistory> ReadAsync(Check check, Instant now, CancellationToken cancel)
    {
        IReadOnlyList<TaskRun> runs = check.Expects switch
        {
            StatusExpectation => await NewestAsync(check, now, cancel),
            AgeExpectation age => await LastEndAsync(check.Task, age.Of, cancel),
            _ => [],
        };
        return new CheckHistory(runs, await GapsAsync(check, now, cancel));
    }

    // The newest of all time is in the window, or shows when the task last ran before it. With a context that would be a walk
    // through all runs of the task, so there the window is the limit.
    async Task<IReadOnlyList<TaskRun>> NewestAsync(Check check, Instant now, CancellationToken cancel)
    {
        Instant from = check.Context is null ? default : now - check.Expects.Window;
        return await queries.LatestAsync(check.Task, null, from, now, check.Context, cancel) is { } run ? [run] : [];
    }

    // Of the cancelled ones the log counts only those that ended by a time limit.
    async Task<IReadOnlyList<TaskRun>> LastEndAsync(string task, AgeOf of, CancellationToken cancel)
    {
        RunState[] states = of == AgeOf.Success ? [RunState.Completed] : [RunState.Completed, RunState.Failed, RunState.Lost, RunState.Cancelled];
        return await queries.LastEndAsync(task, null, states, cancel) is { } run ? [run] : [];
    }

    // A task that was never seen may run in any source.
    async Task<IReadOnlyList<SourceGap>> GapsAsync(Check check, Instant now, CancellationToken cancel)
    {
        IReadOnlyList<SourceGap> gaps = await queries.GapsAsync(now - check.Expects.Window, now, cancel);
        IReadOnlyList<string> sources = gaps.Count > 0 ? await queries.SourcesOfTaskAsync(check.Task, cancel) : [];
        return [.. gaps.Where(gap => sources.Count == 0 || sources.Contains(gap.Source, StringComparer.Ordinal))];
    }
}
