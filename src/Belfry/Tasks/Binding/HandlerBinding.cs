using System.Collections.Concurrent;
using System.Reflection;

namespace Belfry;

/// <summary>Makes handlers of delegates and methods. A method is examined once, however many tasks have it.</summary>
public static class HandlerBinding
{
    static readonly ConcurrentDictionary<(MethodInfo Method, bool OwnsFirst), BoundMethod> Known = new();

    /// <summary>The handler of a delegate: a lambda, a method, a local function.</summary>
    /// <exception cref="RegistrationException">It can be no handler; the message says why.</exception>
    public static TaskHandler Of(Delegate function)
    {
        if (function is TaskHandler handler)
        {
            return handler;
        }
        (BoundMethod method, object? target) = (Examine(function), function.Target);
        return (run, cancel) => method.CallAsync(target, run, cancel);
    }

    /// <summary>The handler of a method: a static one, or one of a service, which is asked for in each run; what is no service is made.</summary>
    /// <exception cref="RegistrationException">It can be no handler; the message says why.</exception>
    public static TaskHandler Of(MethodInfo method) => Examine(method).CallAsync;

    /// <summary>The parameters that those who call it may give.</summary>
    public static IReadOnlyList<TaskParameter> ParametersOf(MethodInfo method) => Examine(method).Parameters;

    /// <inheritdoc cref="ParametersOf(MethodInfo)"/>
    public static IReadOnlyList<TaskParameter> ParametersOf(Delegate function) => function is TaskHandler ? [] : Examine(function).Parameters;

    /// <summary>The tasks whose returns it asks for.</summary>
    internal static IReadOnlyList<string> ReturnsOf(Delegate function) => function is TaskHandler ? [] : Examine(function).Returns;

    /// <inheritdoc cref="ReturnsOf(Delegate)"/>
    internal static IReadOnlyList<string> ReturnsOf(MethodInfo method) => Examine(method).Returns;

    static BoundMethod Examine(Delegate function) => function.HasSingleTarget
        ? Known.GetOrAdd((function.Method, function.Method.IsStatic && function.Target is not null), key => new BoundMethod(key.Method, key.OwnsFirst))
        : throw new RegistrationException([$"{function.Method.Name} and others joined to one delegate can be no handler: register them one by one"]);

    static BoundMethod Examine(MethodInfo method) => Known.GetOrAdd((method, false), key => new BoundMethod(key.Method, key.OwnsFirst));
}
