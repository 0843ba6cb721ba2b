using Belfry.Celery.Messages;
using Belfry.Celery.Results;

namespace Belfry.Celery.Calling;

/// <summary>With what a past run was called, where that is known whole. Pure.</summary>
public static class PastCall
{
    /// <summary>The same call once more: a new run whose parent is the old one; null when the arguments are not known whole.</summary>
    /// <param name="run">The run as the log has it: Celery's events tell the arguments as Python prints them, cut at 1024 characters.</param>
    /// <param name="record">What the result backend keeps of it; the arguments are among it only with Celery's <c>result_extended</c>.</param>
    public static TaskCall? Of(TaskRun run, ResultRecord? record) =>
        record is { Args: { } args, Kwargs: { } kwargs } ? Of(run, args, kwargs, record.Queue)
            : Again.ProblemOf(run) is null ? Of(run, PythonLiteral.ToJson(run.Args), PythonLiteral.ToJson(run.Kwargs), null) : null;

    /// <summary>The same by its message, which still lies with the broker. What was to follow the run (a chain, callbacks, a chord) is not called again.</summary>
    public static TaskCall? OfMessage(TaskRun run, TaskMessage message) => Of(run, message.Args, message.Kwargs, null);

    /// <summary>Why there is no such call.</summary>
    public static string WhyNot(TaskRun run) => run.Task is null
        ? $"The log does not know which task '{run.Id}' was."
        : $"The arguments of '{run.Id}' are not known whole: its events have them as Python prints them, shortened, hidden, or with values that only Python has, its result record has none, and "
            + "no message of it lies in its queue. With Celery's result_extended, and the result backend in Belfry's settings, they are. Call the task anew.";

    static TaskCall? Of(TaskRun run, string? args, string? kwargs, string? queue) => run.Task is { } task && IsSound(args, byName: false) && IsSound(kwargs, byName: true)
        ? new TaskCall { Task = task, Args = args!, Kwargs = kwargs!, Queue = run.Queue ?? queue, Priority = run.Priority, Parent = run.Id, Root = run.Root ?? run.Id }
        : null;

    static bool IsSound(string? json, bool byName) => json is not null && TaskCall.ProblemOf(json, byName) is null;
}
