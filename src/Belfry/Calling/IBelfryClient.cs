using System.Linq.Expressions;

namespace Belfry;

/// <summary>Calls tasks, now or later, and asks what became of it. It is a service.</summary>
/// <remarks>
/// A call is on disk when it returns, where the log is; it is executed at least once, also when this process dies: a task that must not do something twice
/// has to see for itself whether it has done it.
/// </remarks>
public interface IBelfryClient
{
    /// <summary>Calls a task by its name.</summary>
    /// <param name="task">Its name.</param>
    /// <param name="args">
    /// Values for its parameters: an array gives them in order, any other object or a dictionary by name; a single text, number or the like is the first.
    /// </param>
    /// <param name="options">When, in which queue …; at once by default.</param>
    /// <param name="cancel">Gives up; the call may have been made.</param>
    /// <returns>Id of the run; with an idempotency key that is known already, that of the run there is.</returns>
    /// <exception cref="ArgumentException">No task here has that name, and other processes do not take calls from this log; or the options name a countdown and an instant.</exception>
    Task<string> CallAsync(string task, object? args = null, CallOptions? options = null, CancellationToken cancel = default);

    /// <summary>Calls a method that is a task: <c>CallAsync&lt;IReports&gt;(reports =&gt; reports.SendAsync(month))</c>.</summary>
    /// <param name="call">The call. Its arguments are worked out now, all else when the run begins; what a run brings itself, as a CancellationToken, is left out.</param>
    /// <param name="options">When, in which queue …; at once by default.</param>
    /// <param name="cancel">Gives up; the call may have been made.</param>
    /// <returns>Id of the run.</returns>
    /// <exception cref="ArgumentException">It is no call of a method, or the method is no task: <c>AddCalls&lt;IReports&gt;()</c> makes all of a service tasks.</exception>
    Task<string> CallAsync<TService>(Expression<Func<TService, Task>> call, CallOptions? options = null, CancellationToken cancel = default);

    /// <inheritdoc cref="CallAsync{TService}(Expression{Func{TService, Task}}, CallOptions, CancellationToken)"/>
    Task<string> CallAsync<TService>(Expression<Action<TService>> call, CallOptions? options = null, CancellationToken cancel = default);

    /// <summary>Waits for the end of a run, of any process, without a limit of its own, and gives what it returned.</summary>
    /// <exception cref="CallFailedException">It did not end well.</exception>
    /// <exception cref="ArgumentException">The log knows no such run.</exception>
    Task<T?> ResultAsync<T>(string id, CancellationToken cancel = default);

    /// <summary>Cancels a call that waits, or tells the process that has it at work to end it: this one at once, another on the same store within a second.</summary>
    /// <returns>False when it has ended or never was, or is at work where it cannot be told.</returns>
    Task<bool> RevokeAsync(string id, CancellationToken cancel = default);

    /// <summary>Tells how far a run is of which only the task and what it is about are known: the newest open one.</summary>
    /// <param name="task">The task.</param>
    /// <param name="context">What the run is about, as it told itself; null for whatever it is about.</param>
    /// <param name="percent">From 0 to 100; null where nobody can tell.</param>
    /// <param name="text">In words.</param>
    /// <param name="cancel">Gives up.</param>
    /// <returns>False when no such run is open.</returns>
    Task<bool> ReportProgressAsync(string task, RunContext? context, double? percent, string? text = null, CancellationToken cancel = default);

    /// <summary>Calls that are not run again because their process died each time, newest first; 100 of them by default.</summary>
    Task<IReadOnlyList<TaskRun>> DeadLettersAsync(int limit = 100, CancellationToken cancel = default);

    /// <summary>Calls again what a run was called with: a new run, with the old one as its parent. A dead letter is none any more.</summary>
    /// <returns>Id of the new run.</returns>
    /// <exception cref="ArgumentException">The log knows no such run, it has not ended, or it does not show all of its arguments.</exception>
    Task<string> CallAgainAsync(string id, CancellationToken cancel = default);
}

/// <summary>When and how a call is executed.</summary>
public sealed class CallOptions
{
    /// <summary>Not before so much time has passed; at once by default. Not together with <see cref="Eta"/>.</summary>
    public TimeSpan? Countdown { get; set; }

    /// <summary>Not before; at once by default. Not together with <see cref="Countdown"/>.</summary>
    public DateTimeOffset? Eta { get; set; }

    /// <summary>Not after: then it is cancelled with the reason <c>expired</c>. Never by default.</summary>
    public DateTimeOffset? Expires { get; set; }

    /// <summary>The queue; that of the task's options by default.</summary>
    public string? Queue { get; set; }

    /// <summary>Of the calls that are due, those with a higher priority start first; that of the task's options by default.</summary>
    public int? Priority { get; set; }

    /// <summary>Calls of a task with the same key are one run, as long as the log keeps it. None by default.</summary>
    public string? IdempotencyKey { get; set; }

    /// <summary>The run that calls: it becomes the parent. None by default.</summary>
    public TaskRunContext? CalledBy { get; set; }
}

/// <summary>A run whose result was waited for did not end well.</summary>
public sealed class CallFailedException(TaskRun run) : Exception($"run {run.Id} of '{run.Task}' is {run.State}: {run.Exception ?? run.Reason}".TrimEnd(' ', ':'))
{
    /// <summary>The run.</summary>
    public TaskRun Run => run;
}
