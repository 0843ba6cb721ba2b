namespace Belfry;

/// <summary>Asks the functions that conditions call; their parameters are filled in as those of a handler are.</summary>
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
        // It answers at once; waiting is for services that are disposed of asynchronously.
        return AskAsync(test, task).GetAwaiter().GetResult();
    }

    async Task<bool> AskAsync(Delegate test, TaskDefinition task)
    {
        var run = new TaskRunContext(task, NoRun, _resources, _ => { });
        try
        {
            return (bool)(await HandlerBinding.Of(test)(run, CancellationToken.None))!;
        }
        finally
        {
            await run.EndAsync();
        }
    }
}
