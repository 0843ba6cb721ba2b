using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Belfry;

/// <summary>What all runs of a process share.</summary>
/// <param name="Services">The application's services.</param>
/// <param name="Options">The process's options.</param>
/// <param name="Returns">What tasks returned.</param>
/// <param name="Clock">The time.</param>
/// <param name="Logger">The logger of <c>Belfry.Task</c>.</param>
sealed record RunResources(IServiceProvider Services, BelfryOptions Options, ReturnValues Returns, TimeProvider Clock, QuietLogger Logger)
{
    /// <summary>Reported functions at work, by the ids of their runs, each with its start; taken out by their ends.</summary>
    public ConcurrentDictionary<string, TaskEvent> Reported { get; } = new();

    readonly IServiceProviderIsService? _known = Services.GetService<IServiceProviderIsService>();

    /// <summary>Somebody registered a service of that type. Of any type there is an empty list, which is none.</summary>
    public bool IsService(Type type) => _known?.IsService(Item(type)) == true;

    static Type Item(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IEnumerable<>) ? type.GetGenericArguments()[0] : type;
}
