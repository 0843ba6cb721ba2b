using System.Reflection;

namespace Belfry;

/// <summary>Makes a method a task, for <see cref="TaskGroup.AddTasksFromAssembly"/>: a static one, or one of a class or interface that is a service.</summary>
/// <param name="name">The task's name; that of the method by default.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BelfryTaskAttribute(string? name = null) : Attribute
{
    /// <summary>The task's name; null for that of the method.</summary>
    public string? Name => name;

    /// <summary>When it may start, as text; null: only when it is called.</summary>
    public string? Schedule { get; set; }

    /// <summary>When a run at work is ended, as text; null for never.</summary>
    public string? End { get; set; }

    /// <summary>After how long a run is ended: <c>5 minutes</c>, <c>never</c>; null for that of all tasks.</summary>
    public string? Timeout { get; set; }

    /// <summary>Where it runs: <c>async</c>, <c>inline</c>, <c>process</c>, <c>thread</c>; null as all tasks.</summary>
    public string? Execution { get; set; }

    /// <summary>The queue into which calls of it go; null for that of all tasks.</summary>
    public string? Queue { get; set; }

    /// <summary>It is registered, but its condition starts nothing until it is enabled; calling it still works. Off by default.</summary>
    public bool Disabled { get; set; }

    /// <summary>It runs once when the scheduler starts, in each process. Off by default.</summary>
    public bool OnStartup { get; set; }

    /// <summary>It runs once when the scheduler stops. Off by default.</summary>
    public bool OnShutdown { get; set; }

    /// <summary>It is meant to run for ever: no timeout, and it is ended when the scheduler stops. Off by default.</summary>
    public bool Permanent { get; set; }

    /// <summary>What it does, for people; null for nothing.</summary>
    public string? Description { get; set; }
}

/// <summary>The names of tasks that are methods.</summary>
public static class TaskNames
{
    /// <summary>What its <see cref="BelfryTaskAttribute"/> says, by default the name of the method; without one <c>IReports.SendAsync</c>.</summary>
    public static string Of(MethodInfo method) => method.GetCustomAttribute<BelfryTaskAttribute>() is { } task
        ? task.Name ?? method.Name
        : $"{method.DeclaringType?.Name}.{method.Name}";

    /// <summary>What its <see cref="BelfryTaskAttribute"/> says, else its own name; null for a lambda, which has none.</summary>
    internal static string? OfFunction(MethodInfo function) =>
        function.GetCustomAttribute<BelfryTaskAttribute>()?.Name ?? (function.Name.StartsWith('<') ? OfLocalFunction(function.Name) : function.Name);

    /// <summary>The compiler calls a local function <c>&lt;Outer&gt;g__Name|0_1</c>.</summary>
    static string? OfLocalFunction(string made)
    {
        int from = made.IndexOf(">g__", StringComparison.Ordinal) + ">g__".Length, to = made.LastIndexOf('|');
        return from > ">g__".Length && to > from ? made[from..to] : null;
    }
}
