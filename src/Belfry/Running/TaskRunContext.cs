using System.Runtime.ExceptionServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Belfry;

/// <summary>The run that a handler is at work on: a handler that asks for it gets it.</summary>
public sealed class TaskRunContext
{
    /// <summary>Parameters that lead to each other more often than this lead in a circle.</summary>
    const int LongestTrail = 50;

    readonly Action<TaskEvent> _report;
    readonly List<object> _owned = [];
    IServiceScope? _scope;
    RunArguments? _arguments;
    int _trail;
    bool _taken;

    internal TaskRunContext(TaskDefinition task, RunOrder order, RunResources resources, Action<TaskEvent> report) =>
        (Task, Order, Resources, _report) = (task, order, resources, report);

    /// <summary>The task.</summary>
    public TaskDefinition Task { get; }

    /// <summary>The run's id.</summary>
    public string RunId => Order.Id;

    /// <summary>The attempt, from 1.</summary>
    public int Attempt => Order.Attempt;

    /// <summary>What was ordered: arguments, parent …</summary>
    public RunOrder Order { get; }

    /// <summary>Services, in a scope that lasts as long as the run.</summary>
    public IServiceProvider Services => (_scope ??= Resources.Services.CreateScope()).ServiceProvider;

    /// <summary>A logger of the category <c>Belfry.Task</c>.</summary>
    public ILogger Logger => Resources.Logger;

    internal RunResources Resources { get; }

    /// <summary>Tells how far the run is; the log keeps the latest.</summary>
    /// <param name="percent">From 0 to 100; null where nobody can tell.</param>
    /// <param name="text">In words.</param>
    public void Report(double? percent, string? text = null) => _report(Event(EventKind.Progress) with { Percent = percent, Text = text });

    /// <summary>Tells what the run is about: a record of the application.</summary>
    /// <param name="model">Its kind.</param>
    /// <param name="type">Its variant.</param>
    /// <param name="id">Its key.</param>
    public void SetContext(string? model, string? type = null, string? id = null) => _report(Event(EventKind.Context) with { Context = new RunContext(model, type, id) });

    /// <summary>The arguments of the call, for the handler itself; null for functions that are called to fill in its parameters.</summary>
    internal RunArguments? TakeArguments()
    {
        RunArguments? first = _taken ? null : Arguments;
        _taken = true;
        return first;
    }

    /// <summary>What the call, else the task's options say of a parameter.</summary>
    internal ValueTask<Found> NearAsync(string name, CancellationToken cancel) =>
        Arguments.Named(name) is { IsThere: true } given ? new(given) : OfAsync(Task.Options.Parameters, name, cancel);

    /// <summary>What the process's options say of it.</summary>
    internal ValueTask<Found> FarAsync(string name, CancellationToken cancel) => OfAsync(Resources.Options.Parameters, name, cancel);

    /// <summary>What any of them says of it, the nearest first.</summary>
    internal async ValueTask<Found> NamedAsync(string name, CancellationToken cancel) =>
        await NearAsync(name, cancel) is { IsThere: true } near ? near : await FarAsync(name, cancel);

    /// <summary>Disposes of it when the run is over.</summary>
    internal object Own(object made)
    {
        _owned.Add(made);
        return made;
    }

    /// <summary>Disposes of all that was made for the run, and then throws what the first threw that could not be.</summary>
    internal async ValueTask EndAsync()
    {
        Exception? stuck = null;
        foreach (object made in _owned.Append(_scope).OfType<object>())
        {
            try
            {
                await DisposeAsync(made);
            }
            catch (Exception e)
            {
                stuck ??= e;
            }
        }
        if (stuck is not null)
        {
            ExceptionDispatchInfo.Throw(stuck);
        }
    }

    RunArguments Arguments => _arguments ??= RunArguments.Of(Order);

    async ValueTask<Found> OfAsync(Dictionary<string, object?> parameters, string name, CancellationToken cancel)
    {
        if (!parameters.TryGetValue(name, out object? value) || value is not ParameterSource source)
        {
            return parameters.ContainsKey(name) ? Found.Of(value) : Found.Nothing;
        }
        if (++_trail > LongestTrail)
        {
            throw new UnpreparedException($"the parameter '{name}' of task '{Task.Name}' leads back to itself");
        }
        Found found = await source.FindAsync(this, cancel);
        _trail--;
        return found;
    }

    static async ValueTask DisposeAsync(object made)
    {
        if (made is IAsyncDisposable later)
        {
            await later.DisposeAsync();
        }
        else if (made is IDisposable now)
        {
            now.Dispose();
        }
    }

    TaskEvent Event(EventKind kind) => new()
    {
        Source = Order.Source, Id = Order.Id, Kind = kind, At = Instant.Now(Resources.Clock), Attempt = Order.Attempt, Task = Task.Name,
        Worker = Resources.Options.ProcessName,
    };
}
