using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry;

/// <summary>Makes methods tasks that can be called by themselves.</summary>
public static class CallingServices
{
    /// <summary>
    /// Registers all methods of a service as tasks that run when they are called: <c>client.CallAsync&lt;IReports&gt;(reports =&gt; reports.SendAsync(month))</c>.
    /// The service itself is registered as ever.
    /// </summary>
    /// <param name="builder">Registers tasks.</param>
    /// <param name="options">How they are run; as all tasks by default.</param>
    /// <remarks>A method is named after type and method, <c>IReports.SendAsync</c>, or as its <see cref="BelfryTaskAttribute"/> says; of overloads all but one need that.</remarks>
    public static void AddCalls<TService>(this BelfryBuilder builder, Action<TaskOptions>? options = null) => builder.AddCalls<TService>(Conditions.Never, options);

    /// <summary>The same, where failures are tried again: <c>AddCalls&lt;IReports&gt;(Retry(3, TimeSpan.FromSeconds(30), 2))</c>.</summary>
    /// <param name="builder">Registers tasks.</param>
    /// <param name="start">When they may start besides; a <c>retry</c> in it is for calls as well.</param>
    /// <param name="options">How they are run; as all tasks by default.</param>
    public static void AddCalls<TService>(this BelfryBuilder builder, Condition start, Action<TaskOptions>? options = null)
    {
        builder.Call(typeof(TService));
        IEnumerable<MethodInfo> methods = typeof(TService).GetInterfaces().Append(typeof(TService)).SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly));
        foreach (IGrouping<string, MethodInfo> named in methods.Where(method => !method.IsSpecialName).GroupBy(TaskNames.Of))
        {
            if (named.Count() > 1)
            {
                builder.Refuse($"AddCalls<{typeof(TService).Name}>: {named.Count()} methods are the task '{named.Key}': all but one need a name of their own, [BelfryTask(\"…\")]");
            }
            builder.AddTask(named.Key, start, named.First(), options);
        }
    }

    /// <summary>In a process that runs one task of another's: whoever asks for the client there learns why there is none.</summary>
    internal static void RefuseCalling(this IServiceCollection services) => services.AddSingleton<IBelfryClient>(_ =>
        throw new InvalidOperationException("A task that runs in a process of its own cannot call others: only the process that started it has the queue. Return what is to be done, and call from there."));

    /// <summary>The client and the worker.</summary>
    internal static void AddCalling(this IServiceCollection services)
    {
        services.TryAddSingleton<IWorkQueue>(provider => new MemoryWorkQueue(provider.GetRequiredService<IRunLogStore>().AppendAsync, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<RunningCalls>();
        services.AddSingleton<IBelfryClient, BelfryClient>();
        services.AddSingleton(provider => new QueueWorker(
            provider.GetRequiredService<IWorkQueue>(), provider.GetRequiredService<TaskRegistry>(), provider.GetRequiredService<TaskRunner>(),
            provider.GetRequiredService<IRunLogStore>(), provider.GetRequiredService<RunningCalls>(), Retries(provider), provider.GetRequiredService<BelfryOptions>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance,
            provider.GetService<ITaskBook>()));
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<QueueWorker>());
    }

    static CallRetries Retries(IServiceProvider provider)
    {
        BelfryOptions options = provider.GetRequiredService<BelfryOptions>();
        return new CallRetries(options, new TaskSurroundings(provider.GetService<IHostEnvironment>()?.EnvironmentName, provider.GetRequiredService<ConditionFunctions>()));
    }
}
