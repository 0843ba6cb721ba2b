using System.Globalization;

namespace Belfry;

/// <summary>Asks the functions that conditions call, and the parameters that they name; all are filled in as those of a handler are.</summary>
public sealed class ConditionFunctions
{
    static readonly RunOrder NoRun = new() { Source = "", Id = "" };

    readonly RunResources _resources;
    readonly TaskRegistry _tasks;

    internal ConditionFunctions(RunResources resources, TaskRegistry tasks) => (_resources, _tasks) = (resources, tasks);

    /// <summary>What a function answers about a task.</summary>
    /// <exception cref="Exception">Whatever it throws, or that a parameter of it has no value.</exception>
    public bool Ask(WhenCondition function, TaskDefinition task)
    {
        if ((function.Test ?? _tasks.FindFunction(function.Name)?.Test) is not { } test)
        {
            throw new InvalidOperationException($"the function '{function.Name}' is known only to another process");
        }
        return (bool)Of(task, run => HandlerBinding.Of(test)(run, CancellationToken.None))!;
    }

    /// <summary>What a parameter of a task is, as text; null where there is none.</summary>
    /// <exception cref="Exception">Whatever the function throws that it comes from.</exception>
    internal string? ValueOf(string parameter, TaskDefinition task)
    {
        Found found = Of(task, async run => await run.NamedAsync(parameter, CancellationToken.None));
        return !found.IsThere ? null : found.Value is bool yes ? (yes ? "true" : "false") : Convert.ToString(found.Value, CultureInfo.InvariantCulture);
    }

    /// <summary>It answers at once; waiting is for services that are disposed of asynchronously.</summary>
    T Of<T>(TaskDefinition task, Func<TaskRunContext, Task<T>> ask) => AskAsync(task, ask).GetAwaiter().GetResult();

    async Task<T> AskAsync<T>(TaskDefinition task, Func<TaskRunContext, Task<T>> ask)
    {
        var run = new TaskRunContext(task, NoRun, _resources, _ => { });
        try
        {
            return await ask(run);
        }
        finally
        {
            await run.EndAsync();
        }
    }
}
