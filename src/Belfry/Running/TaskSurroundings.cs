namespace Belfry;

/// <summary>What conditions know besides runs: the host's environment, parameters, functions of the user's.</summary>
sealed class TaskSurroundings(string? environment, ConditionFunctions functions)
{
    /// <summary>What those of a task know.</summary>
    public ConditionContext Of(TaskDefinition task) => new()
    {
        Now = default, Environment = environment, Parameter = name => functions.ValueOf(name, task), Ask = when => functions.Ask(when, task),
    };
}
