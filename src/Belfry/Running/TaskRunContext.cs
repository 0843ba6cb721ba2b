using Microsoft.Extensions.Logging;

namespace Belfry;

/// <summary>The run that a handler is at work on: a handler that asks for it gets it.</summary>
public sealed class TaskRunContext
{
    readonly Action<TaskEvent> _report;
    readonly TimeProvider _clock;

    internal TaskRunContext(TaskDefinition task, RunOrder order, IServiceProvider services, ILogger logger, TimeProvider clock, Action<TaskEvent> report) =>
        (Task, Order, Services, Logger, _clock, _report) = (task, order, services, logger, clock, report);

    /// <summary>The task.</summary>
    public TaskDefinition Task { get; }

    /// <summary>The run's id.</summary>
    public string RunId => Order.Id;

    /// <summary>The attempt, from 1.</summary>
    public int Attempt => Order.Attempt;

    /// <summary>What was ordered: arguments, parent …</summary>
    public RunOrder Order { get; }

    /// <summary>Services, in a scope that lasts as long as the run.</summary>
    public IServiceProvider Services { get; }

    /// <summary>A logger of the category <c>Belfry.Task</c>.</summary>
    public ILogger Logger { get; }

    /// <summary>Tells how far the run is; the log keeps the latest.</summary>
    /// <param name="percent">From 0 to 100; null where nobody can tell.</param>
    /// <param name="text">In words.</param>
    public void Report(double? percent, string? text = null) => _report(Event(EventKind.Progress) with { Percent = percent, Text = text });

    /// <summary>Tells what the run is about: a record of the application.</summary>
    /// <param name="model">Its kind.</param>
    /// <param name="type">Its variant.</param>
    /// <param name="id">Its key.</param>
    public void SetContext(string? model, string? type = null, string? id = null) => _report(Event(EventKind.Context) with { Context = new RunContext(model, type, id) });

    TaskEvent Event(EventKind kind) => new()
    {
        Source = Order.Source, Id = Order.Id, Kind = kind, At = Instant.Now(_clock), Attempt = Order.Attempt, Task = Task.Name,
    };
}
