namespace Belfry;

/// <summary>The latest of each task, from the log: one row per task.</summary>
public sealed class LatestRuns
{
    readonly IRunLogStore _log;
    readonly TaskRegistry _tasks;

    internal LatestRuns(IRunLogStore log, TaskRegistry tasks) => (_log, _tasks) = (log, tasks);

    /// <summary>The latest of a task, wherever it ran.</summary>
    public Task<LatestRun> OfAsync(string task, CancellationToken cancel) => Apart.RunAsync(async () => new LatestRun(
        task,
        await _log.LastAsync(task, RunAction.Started, cancel),
        await _log.LastAsync(task, RunAction.Succeeded, cancel),
        await _log.LastAsync(task, RunAction.Failed, cancel)));

    /// <summary>The latest of all tasks that are registered here.</summary>
    public Task<IReadOnlyList<LatestRun>> AllAsync(CancellationToken cancel) => Apart.RunAsync<IReadOnlyList<LatestRun>>(async () =>
    {
        var rows = new List<LatestRun>();
        foreach (TaskDefinition task in _tasks.All)
        {
            rows.Add(await OfAsync(task.Name, cancel));
        }
        return rows;
    });
}

/// <summary>How a task did of late.</summary>
/// <param name="Task">Its name.</param>
/// <param name="Run">The run that started last; null if it never ran.</param>
/// <param name="Success">The run that succeeded last.</param>
/// <param name="Failure">The run that failed last; a timeout is a failure.</param>
public sealed record LatestRun(string Task, TaskRun? Run, TaskRun? Success, TaskRun? Failure)
{
    /// <summary>What the last run does, or how it ended; null if it never ran.</summary>
    public RunState? State => Run?.State;
}
