using System.Reflection;

namespace Belfry;

/// <summary>Waits for what a method returned, and takes the value out of its task.</summary>
static class ReturnReader
{
    static readonly Task<object?> Nothing = Task.FromResult<object?>(null);
    static readonly MethodInfo OfTaskOf = Method(nameof(OfTaskOfT)), OfValueTaskOf = Method(nameof(OfValueTaskOfT));

    /// <summary>The reader for a return type.</summary>
    public static Func<object?, Task<object?>> For(Type type) =>
        type == typeof(void) ? _ => Nothing
        : type == typeof(ValueTask) ? OfValueTask
        : Generic(type, typeof(Task<>)) ? Made(OfTaskOf, type)
        : Generic(type, typeof(ValueTask<>)) ? Made(OfValueTaskOf, type)
        : OfAny;

    /// <summary>A plain value, or a task that has none.</summary>
    static async Task<object?> OfAny(object? returned)
    {
        if (returned is not Task task)
        {
            return returned;
        }
        await task;
        return null;
    }

    static async Task<object?> OfValueTask(object? returned)
    {
        await (ValueTask)returned!;
        return null;
    }

    static async Task<object?> OfTaskOfT<T>(object? returned) => returned is null ? null : await (Task<T>)returned;

    static async Task<object?> OfValueTaskOfT<T>(object? returned) => await (ValueTask<T>)returned!;

    static bool Generic(Type type, Type of) => type.IsGenericType && type.GetGenericTypeDefinition() == of;

    static Func<object?, Task<object?>> Made(MethodInfo reader, Type type) =>
        reader.MakeGenericMethod(type.GetGenericArguments()).CreateDelegate<Func<object?, Task<object?>>>();

    static MethodInfo Method(string name) => typeof(ReturnReader).GetMethod(name, BindingFlags.Static | BindingFlags.NonPublic)!;
}
