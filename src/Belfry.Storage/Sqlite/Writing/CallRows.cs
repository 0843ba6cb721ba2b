namespace Belfry.Storage.Sqlite.Writing;

/// <summary>The rows of a called run of which nothing unusual is told, as the fold would make them.</summary>
static class CallRows
{
    /// <summary>It was submitted.</summary>
    public static TaskRun Waiting(TaskEvent submitted) => new()
    {
        Source = submitted.Source, Id = submitted.Id, Attempt = submitted.Attempt!.Value, State = RunState.Pending,
        At = submitted.At, First = submitted.At, Updated = submitted.At, Submitted = submitted.At,
        Task = submitted.Task, Queue = submitted.Queue, App = submitted.App, Args = submitted.Args, Kwargs = submitted.Kwargs,
        Eta = submitted.Eta, Expires = submitted.Expires, Priority = submitted.Priority, Parent = submitted.Parent, Root = submitted.Root,
    };

    /// <summary>It began and ended.</summary>
    public static TaskRun Ended(TaskRun waiting, TaskEvent started, TaskEvent ended) => waiting with
    {
        State = ended.Kind.StateAfter(),
        At = started.At, Started = started.At, Finished = ended.At, Updated = ended.At, Worker = ended.Worker,
        Result = ended.Result, Exception = ended.Exception, Traceback = ended.Traceback, Reason = ended.Reason,
        Runtime = Math.Max(0, (ended.At - started.At).TotalSeconds),
    };
}
