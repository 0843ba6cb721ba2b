using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry;

/// <summary>Puts tasks into an application.</summary>
public static class BelfryServices
{
    /// <summary>Registers tasks; they run while the host does.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="tasks">Registers them, and says where runs are logged.</param>
    /// <exception cref="RegistrationException">Something can never work; the message has all of it.</exception>
    /// <remarks>It may be called several times; all tasks are of one scheduler.</remarks>
    public static IServiceCollection AddBelfry(this IServiceCollection services, Action<BelfryBuilder> tasks)
    {
        BelfryBuilder builder = Known(services) ?? Begin(services);
        tasks(builder);
        builder.Finish();
        return services;
    }

    static BelfryBuilder? Known(IServiceCollection services) =>
        services.FirstOrDefault(service => service.ServiceType == typeof(BelfryBuilder))?.ImplementationInstance as BelfryBuilder;

    static BelfryBuilder Begin(IServiceCollection services)
    {
        var options = new BelfryOptions();
        var registry = new TaskRegistry(options);
        var builder = new BelfryBuilder(services, options, registry);
        services.AddSingleton(builder).AddSingleton(options).AddSingleton(registry);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new RunResources(
            provider, options, new ReturnValues(registry, provider.GetService<IRunLogStore>), provider.GetRequiredService<TimeProvider>(),
            new QuietLogger(Loggers(provider).CreateLogger(RunRecords.Category))));
        services.AddSingleton(provider => new TaskRunner(provider.GetRequiredService<RunResources>()));
        services.AddSingleton(provider => new ConditionFunctions(provider.GetRequiredService<RunResources>(), registry));
        services.AddSingleton(Reporter);
        if (ChildHost.IsHere)
        {
            ChildHost.Register(services);
            services.RefuseCalling();
        }
        else
        {
            services.TryAddSingleton<IRunLogStore, MemoryLog>(); // by its type AddBelfryServer knows that nobody chose it
            services.AddSingleton(provider => new LatestRuns(provider.GetRequiredService<IRunLogStore>(), registry));
            services.AddSingleton(provider => new Scheduler(
                registry, options, provider.GetRequiredService<TaskRunner>(), provider.GetRequiredService<ConditionFunctions>(), provider.GetRequiredService<IRunLogStore>(),
                provider.GetRequiredService<TimeProvider>(), Loggers(provider), provider.GetService<IHostEnvironment>(), provider.GetService<ITaskBook>()));
            services.AddHostedService(provider => provider.GetRequiredService<Scheduler>());
            services.AddCalling();
        }
        return builder;
    }

    /// <summary>In a process that runs one task there is no log; functions are called, and nothing is written.</summary>
    static StatusReporter Reporter(IServiceProvider provider)
    {
        var resources = provider.GetRequiredService<RunResources>();
        IRunLogStore? log = provider.GetService<IRunLogStore>();
        ReportWriter writer = log is null
            ? new ReportWriter(null, null, resources.Logger)
            : new ReportWriter(new RunDiary(log, resources.Options, resources.Clock, resources.Logger), new CutOffReports(log, resources.Options), resources.Logger);
        return new StatusReporter(resources, writer);
    }

    /// <summary>An application without a host may have none.</summary>
    static ILoggerFactory Loggers(IServiceProvider provider) => provider.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance;
}
