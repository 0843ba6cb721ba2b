using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace Belfry;

/// <summary>A method that can be called for a run: examined once, then called for each run of each task that has it.</summary>
sealed class BoundMethod
{
    readonly MethodInfo _method;
    readonly MethodInvoker _invoker;
    readonly HandlerParameter[] _parameters;
    readonly Func<object?, Task<object?>> _read;
    readonly bool _ownsFirst;
    ObjectFactory? _factory;

    /// <summary>Examines a method; with <paramref name="ownsFirst"/> its first parameter is the target of its delegate.</summary>
    /// <exception cref="RegistrationException">It can be no handler.</exception>
    public BoundMethod(MethodInfo method, bool ownsFirst)
    {
        (_method, _ownsFirst) = (method, ownsFirst);
        if (Problem(method) is { } problem)
        {
            throw new RegistrationException([$"{NameOf(method)} can be no handler: {problem}"]);
        }
        _invoker = MethodInvoker.Create(method);
        _parameters = [.. method.GetParameters().Skip(ownsFirst ? 1 : 0).Select(parameter => new HandlerParameter(parameter))];
        _read = ReturnReader.For(method.ReturnType);
        Parameters = [.. _parameters.Where(parameter => !parameter.IsOfTheRun).Select(parameter => parameter.Schema)];
        Returns = [.. _parameters.SelectMany(parameter => parameter.Source?.Returns ?? []).Distinct()];
    }

    /// <summary>What callers may know of its parameters.</summary>
    public IReadOnlyList<TaskParameter> Parameters { get; }

    /// <summary>The tasks whose returns it asks for.</summary>
    public IReadOnlyList<string> Returns { get; }

    /// <summary>Calls it on a target, for a run.</summary>
    public async Task<object?> CallAsync(object? target, TaskRunContext run, CancellationToken cancel)
    {
        object?[] values = _parameters.Length > 0 || _ownsFirst ? await ValuesAsync(target, run, cancel) : [];
        return await _read(_invoker.Invoke(_ownsFirst ? null : target, values.AsSpan()));
    }

    /// <summary>Calls it on the service of its type, or on a new object of it.</summary>
    public Task<object?> CallAsync(TaskRunContext run, CancellationToken cancel) => CallAsync(_method.IsStatic ? null : Target(run), run, cancel);

    async Task<object?[]> ValuesAsync(object? target, TaskRunContext run, CancellationToken cancel)
    {
        RunArguments? given = run.TakeArguments();
        given?.Check(run, _parameters);
        var values = new object?[_parameters.Length + (_ownsFirst ? 1 : 0)];
        int at = 0, place = 0;
        if (_ownsFirst)
        {
            values[at++] = target;
        }
        foreach (HandlerParameter parameter in _parameters)
        {
            Found inPlace = given is { Places: > 0 } && parameter.HasPlace(run) ? given.At(place++) : Found.Nothing;
            values[at++] = await ValueAsync(parameter, run, inPlace, cancel);
        }
        return values;
    }

    /// <summary>A service may throw whatever it likes when it is made: the body has not begun then.</summary>
    static async ValueTask<object?> ValueAsync(HandlerParameter parameter, TaskRunContext run, Found given, CancellationToken cancel)
    {
        try
        {
            return await parameter.ValueAsync(run, given, cancel);
        }
        catch (Exception e) when (e is not UnpreparedException && !cancel.IsCancellationRequested)
        {
            throw new UnpreparedException($"the parameter '{parameter.Name}' of task '{run.Task.Name}' cannot be made", e);
        }
    }

    object Target(TaskRunContext run)
    {
        Type type = _method.DeclaringType!;
        try
        {
            if (run.Services.GetService(type) is { } service)
            {
                return service;
            }
            _factory ??= ActivatorUtilities.CreateFactory(type, []);
            return run.Own(_factory(run.Services, null));
        }
        catch (Exception e)
        {
            throw new UnpreparedException($"{ValueConversion.NameOf(type)}, which has the method of task '{run.Task.Name}', cannot be made", e);
        }
    }

    static string? Problem(MethodInfo method) =>
        method.ContainsGenericParameters ? "it has type parameters"
        : method.ReturnType == typeof(void) && method.IsDefined(typeof(System.Runtime.CompilerServices.AsyncStateMachineAttribute))
            ? "it is async void, so nobody can see when it ends; let it return Task"
        : method.ReturnType.IsByRefLike || method.ReturnType.IsByRef || method.ReturnType.IsPointer ? "it returns what cannot be kept"
        : Array.Find(method.GetParameters(), parameter => parameter.ParameterType.IsByRef || parameter.ParameterType.IsByRefLike || parameter.ParameterType.IsPointer) is { } odd
            ? $"nobody can fill in its parameter '{odd.Name}'"
        : null;

    static string NameOf(MethodInfo method) => method.DeclaringType is { } type ? $"{ValueConversion.NameOf(type)}.{method.Name}" : method.Name;
}
