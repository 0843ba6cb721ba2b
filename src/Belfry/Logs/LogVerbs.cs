using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Belfry;

/// <summary>Says where the runs of tasks are logged. Of several the last one stands.</summary>
public static class LogVerbs
{
    /// <summary>In memory: the log is gone with the process. That is so where nothing is said, too.</summary>
    /// <param name="belfry">The application's tasks.</param>
    /// <param name="options">What it keeps.</param>
    public static BelfryBuilder UseMemory(this BelfryBuilder belfry, Action<MemoryLogOptions>? options = null)
    {
        var chosen = new MemoryLogOptions();
        options?.Invoke(chosen);
        return belfry.UseLog(services => new MemoryLog(chosen, services.GetRequiredService<TimeProvider>()));
    }

    /// <summary>In a folder, as a file of comma-separated values; for one process.</summary>
    /// <param name="belfry">The application's tasks.</param>
    /// <param name="folder">The folder; it is made where needed.</param>
    /// <param name="options">What it keeps.</param>
    /// <param name="deleteExisting">Begins with an empty one. Off by default.</param>
    public static BelfryBuilder UseCsv(this BelfryBuilder belfry, string folder, Action<MemoryLogOptions>? options = null, bool deleteExisting = false)
    {
        var chosen = new MemoryLogOptions();
        options?.Invoke(chosen);
        return belfry.UseLog(services => CsvLog.Open(folder, chosen, services.GetRequiredService<TimeProvider>(), deleteExisting));
    }

    /// <summary>In a store of one's own; it stays open when the application ends.</summary>
    public static BelfryBuilder UseLog(this BelfryBuilder belfry, IRunLogStore log)
    {
        belfry.Services.RemoveAll<IRunLogStore>().AddSingleton(log);
        return belfry;
    }

    /// <summary>In a store of one's own, opened when it is needed and closed with the application.</summary>
    public static BelfryBuilder UseLog(this BelfryBuilder belfry, Func<IServiceProvider, IRunLogStore> open)
    {
        if (!BelfryBuilder.IsChild) // only the parent writes
        {
            belfry.Services.RemoveAll<IRunLogStore>().AddSingleton(open);
        }
        return belfry;
    }
}
