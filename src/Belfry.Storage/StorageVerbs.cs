using Belfry.Storage.Definitions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Storage;

/// <summary>Says that the runs of tasks are logged on SQLite or PostgreSQL. A server in the same application uses the same log.</summary>
/// <remarks>
/// Ended runs stay for 30 days, failures for 90, unless <see cref="RunLogOptions.Retention"/> says otherwise; the last of each kind of a task always.
/// </remarks>
public static class StorageVerbs
{
    /// <summary>The task by which runs go that are too old: once an hour.</summary>
    public const string RetentionTask = "belfry.retention";

    // Starts and ends are waited for: a start that is due stands in the log before its body begins.
    static readonly TimeSpan GroupWait = TimeSpan.FromMilliseconds(20);

    /// <summary>In a file.</summary>
    /// <param name="belfry">The application's tasks.</param>
    /// <param name="path">Its path; it is created where needed.</param>
    /// <param name="options">How the log is kept.</param>
    /// <param name="deleteExisting">Begins with an empty one. Off by default.</param>
    /// <exception cref="ArgumentException">That is a connection string, not a path.</exception>
    public static BelfryBuilder UseSqlite(this BelfryBuilder belfry, string path, Action<RunLogOptions>? options = null, bool deleteExisting = false)
    {
        if (path.Split('=', 2) is [var key, var named] && key.Trim().ToUpperInvariant() is "DATA SOURCE" or "DATASOURCE" or "FILENAME")
        {
            throw new ArgumentException($"UseSqlite takes the path of a file, not a connection string: UseSqlite(\"{named.Split(';')[0].Trim()}\")", nameof(path));
        }
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
    /// <param name="url"><c>postgresql://USER:PASSWORD@HOST:PORT/DATABASE</c>, or a connection string of Npgsql's: <c>Host=db;Database=app;Username=belfry;Password=…</c>.</param>
    /// <param name="options">How the log is kept.</param>
    public static BelfryBuilder UsePostgreSql(this BelfryBuilder belfry, string url, Action<RunLogOptions>? options = null) => belfry.UseStore(StoreUrl.Parse(url), options);

    /// <summary>In any store that a URL names.</summary>
    /// <param name="belfry">The application's tasks.</param>
    /// <param name="url">The store.</param>
    /// <param name="options">How the log is kept.</param>
    public static BelfryBuilder UseStore(this BelfryBuilder belfry, StoreUrl url, Action<RunLogOptions>? options = null)
    {
        if (BelfryBuilder.IsChild)
        {
            return belfry; // only the parent writes
        }
        var chosen = new RunLogOptions { GroupWait = GroupWait, Retention = new RetentionPolicy { Age = TimeSpan.FromDays(30), FailureAge = TimeSpan.FromDays(90) } };
        options?.Invoke(chosen);
        bool isFirst = !belfry.Services.Any(service => service.ServiceType == typeof(RunLog));
        belfry.Services.RemoveAll<RunLog>().AddSingleton(services => Open(services, url, chosen)).LogTasks();
        if (isFirst && !chosen.Retention.KeepsAll)
        {
            belfry.AddTask(RetentionTask, Conditions.Hourly, (RunLog log, IServiceProvider services, CancellationToken cancel) =>
                RetainAsync(log, chosen.Retention, services, cancel));
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

    /// <summary>A server in the same application has a policy of its own, and looks after it.</summary>
    static async Task<long> RetainAsync(RunLog log, RetentionPolicy policy, IServiceProvider services, CancellationToken cancel) =>
        services.GetService<RetentionPolicy>() is null ? (await log.RetainAsync(policy, cancel)).Deleted : throw new TaskSkippedException("the server does it");

    static RunLog Open(IServiceProvider services, StoreUrl url, RunLogOptions options)
    {
        ILoggerFactory loggers = services.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance;
        // Services are made without waiting, and on a thread that the rest of the work may want to come back to.
        return Task.Run(() => RunLog.OpenAsync(url, options, services.GetRequiredService<TimeProvider>(), loggers, CancellationToken.None)).GetAwaiter().GetResult();
    }
}
