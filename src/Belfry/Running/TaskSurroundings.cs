using System.Globalization;

namespace Belfry;

/// <summary>What conditions know besides runs: the host's environment, parameters, functions of the user's.</summary>
sealed class TaskSurroundings(BelfryOptions options, string? environment, Func<WhenCondition, TaskDefinition, bool> ask)
{
    /// <summary>What those of a task know.</summary>
    public ConditionContext Of(TaskDefinition task) => new()
    {
        Now = default, Environment = environment, Parameter = name => ParameterOf(task, name), Ask = when => ask(when, task),
    };

    string? ParameterOf(TaskDefinition task, string name) =>
        task.Options.Parameters.TryGetValue(name, out object? value) || options.Parameters.TryGetValue(name, out value)
            ? Convert.ToString(value, CultureInfo.InvariantCulture)
            : null;
}
