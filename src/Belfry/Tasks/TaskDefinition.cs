using System.Reflection;

namespace Belfry;

/// <summary>A task as it is registered: a name, when it may start, and what it does.</summary>
public sealed record TaskDefinition
{
    /// <summary>Its name, by which the log, conditions and callers know it.</summary>
    public required string Name { get; init; }

    /// <summary>When it may start. <see cref="Conditions.Never"/>: only when it is called.</summary>
    public required Condition Start { get; init; }

    /// <summary>What it does: one attempt.</summary>
    public required TaskHandler Handler { get; init; }

    /// <summary>How it is run.</summary>
    public TaskOptions Options { get; init; } = new();

    /// <summary>What those who call it may give it; nothing where the handler does not tell.</summary>
    public IReadOnlyList<TaskParameter> Parameters { get; init; } = [];

    /// <summary>A run at work is ended when this holds; null for never.</summary>
    public Condition? End => Options.End;

    /// <summary>Nothing starts it but people and calls, and the queue of a call retries that itself.</summary>
    internal bool IsOnlyCalled => Start == Conditions.Never || (!Options.RetryLost && Start.Leaves.All(leaf => leaf is RetryCondition));

    /// <summary>The tasks whose returns its handler takes up.</summary>
    internal IReadOnlyList<string> Needs { get; init; } = [];

    /// <summary>A task of a delegate, for <see cref="TaskRegistry.Add"/> at runtime; before the host starts <see cref="TaskGroup"/> has shorter words.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="start">When it may start.</param>
    /// <param name="handler">What it does.</param>
    /// <param name="options">How it is run; as by default for null.</param>
    /// <exception cref="RegistrationException">The delegate can be no handler.</exception>
    public static TaskDefinition Of(string name, Condition start, Delegate handler, TaskOptions? options = null) =>
        Of(name, start, new HandlerParts(HandlerBinding.Of(handler), HandlerBinding.ParametersOf(handler), HandlerBinding.ReturnsOf(handler)), options ?? new());

    /// <summary>A task of a method: a static one, or one of a service.</summary>
    /// <inheritdoc cref="Of(string, Condition, Delegate, TaskOptions?)"/>
    public static TaskDefinition Of(string name, Condition start, MethodInfo handler, TaskOptions? options = null) =>
        Of(name, start, new HandlerParts(HandlerBinding.Of(handler), HandlerBinding.ParametersOf(handler), HandlerBinding.ReturnsOf(handler)), options ?? new());

    static TaskDefinition Of(string name, Condition start, HandlerParts parts, TaskOptions options) => new()
    {
        Name = name, Start = start, Handler = parts.Handler, Options = options, Parameters = parts.Parameters,
        Needs = [.. parts.Returns.Concat(options.Parameters.Values.OfType<ParameterSource>().SelectMany(source => source.Returns)).Distinct()],
    };

    sealed record HandlerParts(TaskHandler Handler, IReadOnlyList<TaskParameter> Parameters, IReadOnlyList<string> Returns);
}

/// <summary>One attempt at a task, bound to its run: parameters are filled in, what it returns comes out.</summary>
/// <param name="run">The run.</param>
/// <param name="cancel">Cancelled when the run is to end early: its time is up, its end condition holds, or somebody said so.</param>
public delegate Task<object?> TaskHandler(TaskRunContext run, CancellationToken cancel);
