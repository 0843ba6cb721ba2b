namespace Belfry;

/// <summary>What a scheduler takes up when it starts: the past of its tasks, from the log.</summary>
static class Restore
{
    /// <summary>Reads the histories of all tasks; runs that were at work in a process that is dead are lost from now on.</summary>
    /// <param name="agenda">The tasks.</param>
    /// <param name="log">The log.</param>
    /// <param name="append">Writes into the log, where it can be written.</param>
    /// <param name="isDead">Whether whoever was at work on an open run is dead.</param>
    /// <param name="now">The instant.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>The runs that were lost.</returns>
    public static async Task<IReadOnlyList<TaskRun>> FromAsync(
        Agenda agenda, IRunLogStore log, Func<IReadOnlyList<TaskEvent>, Task> append, Func<TaskRun, bool> isDead, Instant now, CancellationToken cancel)
    {
        List<TaskRun> lost = [];
        await foreach (TaskRun run in log.ReadAsync(RunQuery.Where(RunFields.State == RunState.Running), cancel))
        {
            if (!PastRun.Of(run).Called && isDead(run))
            {
                lost.Add(run);
            }
        }
        if (lost.Count > 0)
        {
            await append([.. lost.Select(Loss)]);
        }
        IReadOnlyDictionary<string, TaskHistory> histories = await log.HistoriesAsync(agenda.Histories.Wanted(agenda.Histories.Names, now), cancel);
        foreach ((string name, TaskHistory history) in histories)
        {
            agenda.Restore(name, history, now);
        }
        return lost;
    }

    /// <summary>That a run was lost, at the last sign of life.</summary>
    public static TaskEvent Loss(TaskRun run) => new()
    {
        Source = run.Source, Id = run.Id, Kind = EventKind.Lost, At = run.Updated, Attempt = run.Attempt, Worker = run.Worker, Task = run.Task, Reason = "worker gone",
    };
}
