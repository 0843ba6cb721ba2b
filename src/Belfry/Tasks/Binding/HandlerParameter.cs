using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Belfry;

/// <summary>A parameter of a handler, and how it gets its value: the call, the task's options, its attributes, the process's options, services, its default.</summary>
sealed class HandlerParameter
{
    static readonly Dictionary<Type, Func<TaskRunContext, CancellationToken, object?>> OfTheRun = new()
    {
        [typeof(CancellationToken)] = (_, cancel) => cancel,
        [typeof(TaskRunContext)] = (run, _) => run,
        [typeof(TaskDefinition)] = (run, _) => run.Task,
        [typeof(ILogger)] = (run, _) => run.Logger,
        [typeof(IServiceProvider)] = (run, _) => run.Services,
    };

    readonly ParameterInfo _parameter;
    readonly Func<TaskRunContext, CancellationToken, object?>? _ofTheRun;
    readonly object? _serviceKey;

    public HandlerParameter(ParameterInfo parameter)
    {
        _parameter = parameter;
        _serviceKey = parameter.GetCustomAttribute<FromKeyedServicesAttribute>()?.Key;
        OfTheRun.TryGetValue(parameter.ParameterType, out _ofTheRun);
        Source = parameter.GetCustomAttributes<ParameterSourceAttribute>().OrderBy(from => from.Rank).Select(from => from.Source)
            .Aggregate((ParameterSource?)null, (chain, next) => chain?.Or(next) ?? next);
        Name = parameter.GetCustomAttribute<FromArgumentAttribute>()?.Name ?? parameter.Name ?? "";
        Schema = new TaskParameter(Name, ValueConversion.NameOf(parameter.ParameterType), !parameter.HasDefaultValue, Source?.ToString(), parameter.IsDefined(typeof(PrivateAttribute)));
    }

    /// <summary>The name under which it is given.</summary>
    public string Name { get; }

    /// <summary>What its attributes say; null for nothing.</summary>
    public ParameterSource? Source { get; }

    /// <summary>What others may know of it.</summary>
    public TaskParameter Schema { get; }

    /// <summary>It is filled in by the run itself, and nobody can give it a value.</summary>
    public bool IsOfTheRun => _ofTheRun is not null || _serviceKey is not null;

    /// <summary>It has a place among values that are given in order.</summary>
    public bool HasPlace(TaskRunContext run) => !IsOfTheRun && !IsService(run);

    /// <summary>Its value; <paramref name="given"/> is what the call says, by place.</summary>
    /// <exception cref="UnpreparedException">It has none, or none that fits.</exception>
    public async ValueTask<object?> ValueAsync(TaskRunContext run, Found given, CancellationToken cancel)
    {
        if (_ofTheRun is not null)
        {
            return _ofTheRun(run, cancel);
        }
        if (_serviceKey is not null)
        {
            return run.Services.GetRequiredKeyedService(_parameter.ParameterType, _serviceKey);
        }
        Found found = given.IsThere ? given : await run.NearAsync(Name, cancel);
        found = found.IsThere || Source is null ? found : await Source.FindAsync(run, cancel);
        found = found.IsThere ? found : await run.FarAsync(Name, cancel);
        return found.IsThere ? Fitting(run, found)
            : IsService(run) ? run.Services.GetRequiredService(_parameter.ParameterType)
            : _parameter.HasDefaultValue ? Default()
            : throw new UnpreparedException($"the parameter '{Name}' of task '{run.Task.Name}' has no value: the call has none{(Source is null ? "" : $", nor has {Source}")}, "
                + $"options of the task and of the process do not name it, and {Schema.Type} is no service that is registered");
    }

    object? Fitting(TaskRunContext run, Found found)
    {
        try
        {
            return ValueConversion.To(found.Value, _parameter.ParameterType, run.Resources.Options.Json);
        }
        catch (FormatException e)
        {
            throw new UnpreparedException($"the parameter '{Name}' of task '{run.Task.Name}' has a value that does not fit: {e.Message}", Schema.IsPrivate || found.IsPrivate ? null : e.InnerException);
        }
    }

    /// <summary>Of a structure the default is told as null.</summary>
    object? Default() => _parameter.DefaultValue ?? (_parameter.ParameterType.IsValueType && Nullable.GetUnderlyingType(_parameter.ParameterType) is null
        ? Activator.CreateInstance(_parameter.ParameterType)
        : null);

    bool IsService(TaskRunContext run) => run.Resources.IsService(_parameter.ParameterType);
}

/// <summary>A parameter of a task, for those who call it or look at it.</summary>
/// <param name="Name">The name under which it is given.</param>
/// <param name="Type">Its type in C#.</param>
/// <param name="IsRequired">It has no default of its own.</param>
/// <param name="Source">Where it comes from when nobody gives it; null where its attributes say nothing.</param>
/// <param name="IsPrivate">What is given for it is not shown.</param>
public sealed record TaskParameter(string Name, string Type, bool IsRequired, string? Source, bool IsPrivate);

/// <summary>A run cannot begin: something that its handler needs is not there.</summary>
sealed class UnpreparedException(string what, Exception? inner = null) : Exception(what, inner);
