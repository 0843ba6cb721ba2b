using Belfry.Server.Access;
using Belfry.Server.Admin;
using Belfry.Server.Alerts;
using Belfry.Server.Api;
using Belfry.Server.Sources;
using Belfry.Server.Sources.Demo;
using Belfry.Server.Sources.Queues;
using Belfry.Storage;
using Belfry.Storage.Definitions;
using Belfry.Storage.Payloads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Belfry.Server;

/// <summary>Puts Belfry's server into an application.</summary>
public static class BelfryServer
{
    /// <summary>The rooms that keep tables in the store.</summary>
    internal static IReadOnlyList<TableScripts> Rooms { get; } = [AccessStore.Scripts, TaskBook.Scripts];

    /// <summary>Adds what the server needs. The log is opened when the host starts, before it listens; where tasks of this application log into a store already, it is that.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="settings">Settings without problems; null reads <c>belfry.json</c> and the environment.</param>
    /// <exception cref="SettingsException">It was to read them, and values are wrong.</exception>
    public static IServiceCollection AddBelfryServer(this IServiceCollection services, BelfrySettings? settings = null)
    {
        settings ??= BelfrySettings.Load(null, []);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(settings);
        services.TryAddSingleton(OpenLog);
        LogTasksHere(services);
        services.TryAddSingleton<ITaskBook>(provider => new TaskBook(provider.GetRequiredService<RunLog>()));
        services.AddSingleton(provider => provider.GetRequiredService<RunLog>().Queries);
        services.AddSingleton(provider => provider.GetRequiredService<RunLog>().Feed);
        services.AddHostedService<LogDiary>();
        services.AddSingleton(provider => new EventIntake(provider.GetRequiredService<RunLog>(), settings.Log.Enabled, [.. settings.Sources.Select(source => source.Name)]));
        services.AddSingleton<DeadLetters>().AddSingleton<LocalRuns>();
        services.AddSingleton<CeleryRuns>().AddSingleton<Families>();
        services.AddSingleton(provider => new Clusters(settings.Sources, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(new SecretMask(settings.Arguments.HiddenKeys));
        services.AddSingleton(provider => new QueueDesk(
            provider.GetRequiredService<Clusters>(), provider.GetRequiredService<RunLog>(), settings.Queues, AppMapping.ByName(settings.Apps), provider.GetRequiredService<TimeProvider>()));
        services.AddAccess(settings.Access);
        services.AddSingleton(settings.Retention.ToPolicy());
        services.AddSingleton(settings.Overdue);
        services.AddSingleton(settings.Admin).AddAdmin();
        services.AddHostedService<RetentionRounds>();
        if (settings.Log.Enabled)
        {
            services.AddCelerySources(settings.Sources, settings.LostAfter).AddQueueSamplers(settings.Sources);
        }
        if (settings.Demo)
        {
            services.AddSingleton(Random.Shared);
            services.AddHostedService<DemoSource>();
            services.AddSingleton(provider => ActivatorUtilities.CreateInstance<AlertMailer>(provider, settings.Mail));
            services.AddHostedService<DemoWatch>();
        }
        return services;
    }

    /// <summary>Adds its pages, its API and its health to the routes.</summary>
    /// <param name="routes">The application's routes.</param>
    /// <param name="path">Under which path; at the root by default.</param>
    /// <returns>The routes that were added. They ask for a login of their own: <c>.AllowAnonymous()</c> keeps a fallback policy of the application's away.</returns>
    public static RouteGroupBuilder MapBelfry(this IEndpointRouteBuilder routes, string path = "")
    {
        RouteGroupBuilder group = routes.MapGroup(path);
        Guard.Protect(group);
        group.MapAccess();
        group.MapApi();
        group.MapAdmin();
        return group;
    }

    /// <summary>Tasks of this application whose runs would stand in memory only stand in the server's log.</summary>
    static void LogTasksHere(IServiceCollection services)
    {
        ServiceDescriptor? known = services.LastOrDefault(service => service.ServiceType == typeof(IRunLogStore));
        if (!BelfryBuilder.IsChild && (known is null || known.ImplementationType == typeof(MemoryLog)))
        {
            services.LogTasks();
        }
    }

    /// <summary>The container wants it at once, and whoever asks for it needs it open: waiting here is what keeps the server from listening too early.</summary>
    static RunLog OpenLog(IServiceProvider provider)
    {
        var settings = provider.GetRequiredService<BelfrySettings>();
        var options = new RunLogOptions
        {
            Serves = true, Enabled = settings.Log.Enabled, HiddenKeys = settings.Arguments.HiddenKeys, TruncateNested = settings.Arguments.TruncateNested,
            Retention = settings.Retention.ToPolicy(), Apps = AppMapping.ByName(settings.Apps),
            FullTextIndex = settings.Log.FullTextIndex,
        };
        return RunLog.OpenAsync(
            StoreUrl.Parse(settings.Store), options, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILoggerFactory>(), CancellationToken.None)
            .GetAwaiter().GetResult();
    }
}
