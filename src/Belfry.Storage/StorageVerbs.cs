using Belfry.Storage.Definitions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Storage;

/// <summary>Says that the runs of tasks are logged on SQLite or PostgreSQL. A server in the same application uses the same log.</summary>
public static class StorageVerbs
{
    // Starts and ends are waited for: a start that is due stands in the log before its body begins.
    static readonly TimeSpan GroupWait = TimeSpan.FromMilliseconds(20);

    /// <summary>In a file.</summary>
    /// <param name="belfry">The application's tasks.</param>
    /// <param name="path">Its path; it is created where needed.</param>
    /// <param name="options">How the log is kept.</param>
    /// <param name="deleteExisting">Begins with an empty one. Off by default.</param>
    public static BelfryBuilder UseSqlite(this BelfryBuilder belfry, string path, Action<RunLogOptions>? options = null, bool deleteExisting = false)
    {
        if (deleteExisting && !BelfryBuilder.IsChild)
        {
            foreach (string file in (string[])[path, $"{path}-wal", $"{path}-shm"])
            {
                File.Delete(file);
            }
        }
        return belfry.UseStore(StoreUrl.Parse($"sqlite://{path}"), options);
    }

    /// <summary>On a server, in the schema <c>belfry</c> of a database.</summary>
    /// <param name="belfry">The application's tasks.</param>
    /// <param name="url"><c>postgresql://USER:PASSWORD@HOST:PORT/DATABASE</c>.</param>
    /// <param name="options">How the log is kept.</param>
    public static BelfryBuilder UsePostgreSql(this BelfryBuilder belfry, string url, Action<RunLogOptions>? options = null) => belfry.UseStore(StoreUrl.Parse(url), options);

    /// <summary>In any store that a URL names.</summary>
    /// <param name="belfry">The application's tasks.</param>
    /// <param name="url">The store.</param>
    /// <param name="options">How the log is kept.</param>
    public static BelfryBuilder UseStore(this BelfryBuilder belfry, StoreUrl url, Action<RunLogOptions>? options = null)
    {
        if (!BelfryBuilder.IsChild) // only the parent writes
        {
            belfry.Services.RemoveAll<RunLog>().AddSingleton(services => Open(services, url, options)).LogTasks();
        }
        return belfry;
    }

    /// <summary>Runs of tasks, calls that wait, and what people switch stand in the <see cref="RunLog"/> that is a service.</summary>
    public static IServiceCollection LogTasks(this IServiceCollection services)
    {
        services.RemoveAll<IRunLogStore>().AddSingleton<IRunLogStore>(provider => new RunLogStore(provider.GetRequiredService<RunLog>()));
        services.RemoveAll<ITaskBook>().AddSingleton<ITaskBook>(provider => new TaskBook(provider.GetRequiredService<RunLog>()));
        return services.RemoveAll<IWorkQueue>().AddSingleton(provider => provider.GetRequiredService<RunLog>().Work); // calls wait in the store itself
    }

    static RunLog Open(IServiceProvider services, StoreUrl url, Action<RunLogOptions>? configure)
    {
        var options = new RunLogOptions { GroupWait = GroupWait };
        configure?.Invoke(options);
        ILoggerFactory loggers = services.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance;
        return RunLog.OpenAsync(url, options, services.GetRequiredService<TimeProvider>(), loggers, CancellationToken.None).GetAwaiter().GetResult(); // services are made without waiting
    }
}
