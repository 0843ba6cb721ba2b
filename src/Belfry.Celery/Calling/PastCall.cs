using Belfry.Celery.Results;

namespace Belfry.Celery.Calling;

/// <summary>With what a past run was called, where that is known whole. Pure.</summary>
public static class PastCall
{
    /// <summary>The same call once more: a new run whose parent is the old one; null when the arguments are not known whole.</summary>
    /// <param name="run">The run as the log has it: Celery's events tell the arguments as Python prints them, cut at 1024 characters.</param>
    /// <param name="record">What the result backend keeps of it; the arguments are among it only with Celery's <c>result_extended</c>.</param>
    public static TaskCall? Of(TaskRun run, ResultRecord? record)
    {
        (string? args, string? kwargs) = record is { Args: { } keptArgs, Kwargs: { } keptKwargs }
            ? (keptArgs, keptKwargs)
            : Again.ProblemOf(run) is null ? (PythonLiteral.ToJson(run.Args), PythonLiteral.ToJson(run.Kwargs)) : (null, null);
        return run.Task is { } task && IsSound(args, byName: false) && IsSound(kwargs, byName: true)
            ? new TaskCall { Task = task, Args = args!, Kwargs = kwargs!, Queue = run.Queue ?? record?.Queue, Priority = run.Priority, Parent = run.Id, Root = run.Root ?? run.Id }
            : null;
    }

    /// <summary>Why there is no such call.</summary>
    public static string WhyNot(TaskRun run) => run.Task is null
        ? $"The log does not know which task '{run.Id}' was."
        : $"The arguments of '{run.Id}' are not known whole: its events have them as Python prints them, shortened, hidden, or with values that only Python has, and its result record has none. "
            + "With Celery's result_extended, and the result backend in Belfry's settings, they are. Call the task anew.";

    static bool IsSound(string? json, bool byName) => json is not null && TaskCall.ProblemOf(json, byName) is null;
}
