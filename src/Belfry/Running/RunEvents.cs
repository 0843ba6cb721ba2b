namespace Belfry;

/// <summary>The events of a run of this process that whoever orders it writes into the log. Pure.</summary>
public static class RunEvents
{
    /// <summary>It began.</summary>
    /// <param name="task">The task.</param>
    /// <param name="order">What was ordered.</param>
    /// <param name="process">The process that runs it (<see cref="BelfryOptions.ProcessName"/>).</param>
    /// <param name="at">When.</param>
    public static TaskEvent Started(TaskDefinition task, RunOrder order, string process, Instant at) => Started(task.Name, order, process, at) with
    {
        Queue = order.Queue, Args = PrivateValues.MaskInOrder(task, order.Args), Kwargs = PrivateValues.Mask(task, order.Kwargs), Parent = order.Parent, Root = order.Root,
    };

    /// <summary>It ended.</summary>
    /// <param name="task">The task.</param>
    /// <param name="order">What was ordered.</param>
    /// <param name="outcome">How.</param>
    /// <param name="process">The process that ran it.</param>
    /// <param name="at">When.</param>
    public static TaskEvent Ended(TaskDefinition task, RunOrder order, RunOutcome outcome, string process, Instant at) => Ended(task.Name, order, outcome, process, at);

    internal static TaskEvent Started(string task, RunOrder order, string process, Instant at) => New(order, EventKind.Started, process, at) with { Task = task };

    internal static TaskEvent Ended(string task, RunOrder order, RunOutcome outcome, string process, Instant at) => New(order, outcome.Kind, process, at) with
    {
        Task = task, Result = outcome.Result, Exception = outcome.Exception, Traceback = outcome.Traceback, Reason = outcome.Reason, Runtime = outcome.Runtime.TotalSeconds,
    };

    static TaskEvent New(RunOrder order, EventKind kind, string process, Instant at) => new()
    {
        Source = order.Source, Id = order.Id, Kind = kind, At = at, Attempt = order.Attempt, Worker = process,
    };
}
