namespace Belfry;

/// <summary>Runs of reported functions that were at work when their process was killed: the next report of the same task finds them, for no scheduler may be there to do it.</summary>
sealed class CutOffReports(IRunLogStore log, BelfryOptions options)
{
    readonly HashSet<string> _asked = []; // as many as functions are reported here

    /// <summary>What the log is told before the first report of a task in this process.</summary>
    public async Task<IReadOnlyList<TaskEvent>> BeforeAsync(IReadOnlyList<TaskEvent> reports)
    {
        var losses = new List<TaskEvent>();
        foreach (TaskEvent started in reports.Where(item => item.Kind == EventKind.Started && _asked.Add(item.Task!)))
        {
            var open = RunQuery.Where(RunFields.Task == started.Task!, RunFields.State == RunState.Running);
            IReadOnlyList<TaskRun> found = await log.ListAsync(open, CancellationToken.None);
            // Those of this very process are at work; what a scheduler of it left behind is the scheduler's.
            losses.AddRange(found.Where(run => run.Worker != options.ProcessName && !PastRun.Of(run).Called && LiveProcesses.IsDead(run, options, log)).Select(Restore.Loss));
        }
        return losses;
    }
}
