namespace Belfry;

/// <summary>The events that a row stands for, where they themselves are no longer known.</summary>
static class RowEvents
{
    /// <summary>One for each instant of the row; folded again they make the same row.</summary>
    public static IEnumerable<TaskEvent> Of(TaskRun run)
    {
        TaskEvent Told(EventKind kind, Instant at) => new()
        {
            Source = run.Source, Id = run.Id, Kind = kind, At = at, Attempt = run.Attempt, Worker = kind == EventKind.Submitted ? null : run.Worker, Task = run.Task,
            Queue = run.Queue, Args = run.Args, Kwargs = run.Kwargs, Eta = run.Eta, Expires = run.Expires, Priority = run.Priority, Parent = run.Parent,
            Root = run.Root, App = run.App,
        };
        if (run.Submitted is { } submitted)
        {
            yield return Told(EventKind.Submitted, submitted);
        }
        if (run.Received is { } received)
        {
            yield return Told(EventKind.Received, received);
        }
        if (run.Started is { } started)
        {
            yield return Told(EventKind.Started, started);
        }
        if (run.Finished is { } finished && OutcomeOf(run.State) is { } outcome)
        {
            yield return Told(outcome, finished) with
            {
                Result = run.Result, Exception = run.Exception, Traceback = run.Traceback, Reason = run.Reason, Runtime = run.Runtime,
            };
        }
        if (run.Percent is not null || run.Text is not null)
        {
            yield return Told(EventKind.Progress, run.Finished ?? run.Updated) with { Percent = run.Percent, Text = run.Text };
        }
        if (run.Context is not null || run.Extra is not null)
        {
            yield return Told(EventKind.Context, run.Finished ?? run.Updated) with { Context = run.Context, Extra = run.Extra };
        }
    }

    static EventKind? OutcomeOf(RunState state) => state switch
    {
        RunState.Completed => EventKind.Succeeded,
        RunState.Failed => EventKind.Failed,
        RunState.Retried => EventKind.Retried,
        RunState.Cancelled => EventKind.Cancelled,
        RunState.Skipped => EventKind.Skipped,
        RunState.Lost => EventKind.Lost,
        _ => null,
    };
}
