using System.Collections.Concurrent;
using System.Linq.Expressions;
using System.Reflection;
using System.Text.Json;

namespace Belfry;

/// <summary>A call of a method, read from an expression: which task it is, and its arguments by name.</summary>
static class TypedCall
{
    static readonly ConcurrentDictionary<MethodInfo, CalledMethod> Known = new(); // as many as methods are called by this program

    /// <summary>Reads a call.</summary>
    /// <exception cref="ArgumentException">It is no call of a method.</exception>
    public static (string Task, string? Kwargs) Read(LambdaExpression call, JsonSerializerOptions json)
    {
        if (call.Body is not MethodCallExpression { Object: null or ParameterExpression } body)
        {
            throw new ArgumentException($"'{call}' is no call of a method of {call.Parameters[0].Type.Name}: write x => x.Method(arguments).", nameof(call));
        }
        CalledMethod method = Known.GetOrAdd(body.Method, static found => new CalledMethod(found));
        var given = new Dictionary<string, object?>(method.Names.Length);
        for (int i = 0; i < method.Names.Length; i++)
        {
            if (method.Names[i] is { } name)
            {
                given.Add(name, ValueOf(body.Arguments[i]));
            }
        }
        return (method.Task, given.Count == 0 ? null : JsonSerializer.Serialize(given, json));
    }

    /// <summary>Most arguments are constants and variables: they are read. Anything else is interpreted; compiling it would cost a millisecond.</summary>
    static object? ValueOf(Expression argument) => argument switch
    {
        ConstantExpression constant => constant.Value,
        MemberExpression { Member: FieldInfo field } member => field.GetValue(member.Expression is null ? null : ValueOf(member.Expression)),
        MemberExpression { Member: PropertyInfo property } member => property.GetValue(member.Expression is null ? null : ValueOf(member.Expression)),
        _ => Expression.Lambda<Func<object?>>(Expression.Convert(argument, typeof(object))).Compile(preferInterpretation: true)(),
    };

    /// <summary>A method that is called.</summary>
    sealed class CalledMethod(MethodInfo method)
    {
        public string Task { get; } = TaskNames.Of(method);

        /// <summary>The names of its parameters; null for those that a run brings itself.</summary>
        public string?[] Names { get; } = [.. method.GetParameters().Select(info => new HandlerParameter(info)).Select(parameter => parameter.IsOfTheRun ? null : parameter.Name)];
    }
}
