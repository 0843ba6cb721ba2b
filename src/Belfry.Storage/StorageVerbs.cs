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
        if (!BelfryBuilder.IsChild)
        {
            belfry.Services.RemoveAll<RunLog>().AddSingleton(services => Open(services, url, options));
            belfry.Services.RemoveAll<ITaskBook>().AddSingleton<ITaskBook>(services => new TaskBook(services.GetRequiredService<RunLog>()));
            belfry.Services.RemoveAll<IWorkQueue>().AddSingleton(services => services.GetRequiredService<RunLog>().Work); // calls wait in the store itself
        }
        return belfry.UseLog(services => new RunLogStore(services.GetRequiredService<RunLog>()));
    }

    static RunLog Open(IServiceProvider services, StoreUrl url, Action<RunLogOptions>? configure)
    {
        var options = new RunLogOptions { GroupWait = GroupWait };
        configure?.Invoke(options);
        ILoggerFactory loggers = services.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance;
        return RunLog.OpenAsync(url, options, services.GetRequiredService<TimeProvider>(), loggers, CancellationToken.None).GetAwaiter().GetResult(); // services are made without waiting
    }
}
