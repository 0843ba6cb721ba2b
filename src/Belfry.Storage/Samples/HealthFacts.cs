using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry.Storage;

/// <summary>What components of an application tell of their health.</summary>
public static class HealthFacts
{
    /// <summary>How often facts are read.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    /// <summary>A component tells something of its health, by name: <c>belfry.AddFact("feeds.up", (services, cancel) => …)</c>.</summary>
    /// <remarks>
    /// It is read when the application starts and then once a minute, and stands in the log beside those of Celery's workers: numbers and truth values as a history,
    /// anything else as the text that it is now. One that throws tells its exception as text. Needs a log in a store (<c>UseSqlite</c>, <c>UsePostgreSql</c>).
    /// </remarks>
    /// <param name="belfry">The application's tasks.</param>
    /// <param name="name">The component and what it tells.</param>
    /// <param name="read">Tells it; null for nothing just now.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public static BelfryBuilder AddFact(this BelfryBuilder belfry, string name, Func<IServiceProvider, CancellationToken, ValueTask<object?>> read)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (!BelfryBuilder.IsChild)
        {
            if (!belfry.Services.Any(service => service.ImplementationType == typeof(HealthFactReader)))
            {
                belfry.Services.AddHostedService<HealthFactReader>();
            }
            belfry.Services.AddSingleton(new HealthFact(name, read));
        }
        return belfry;
    }

    /// <summary>The same, of a function that needs nothing and answers at once.</summary>
    /// <param name="belfry">The application's tasks.</param>
    /// <param name="name">The component and what it tells.</param>
    /// <param name="read">Tells it; null for nothing just now.</param>
    public static BelfryBuilder AddFact(this BelfryBuilder belfry, string name, Func<object?> read) => belfry.AddFact(name, (_, _) => ValueTask.FromResult(read()));
}

/// <summary>Something that a component tells.</summary>
sealed record HealthFact(string Name, Func<IServiceProvider, CancellationToken, ValueTask<object?>> Read);

/// <summary>Reads the facts of this process each minute and writes them to the log.</summary>
sealed partial class HealthFactReader(
    IEnumerable<HealthFact> facts, IServiceProvider services, BelfryOptions options, TimeProvider clock, ILogger<HealthFactReader> logger) : BackgroundService
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        if (services.GetService<RunLog>() is not { } log)
        {
            LogNoStore();
            return;
        }
        while (!stoppingToken.IsCancellationRequested)
        {
            await RoundAsync(log, stoppingToken);
            await Task.Delay(HealthFacts.Every, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task RoundAsync(RunLog log, CancellationToken stop)
    {
        var samples = new List<Sample>();
        foreach (HealthFact fact in facts)
        {
            if (await ReadAsync(fact, stop) is { } value)
            {
                double? number = NumberOf(value);
                string? text = number is null ? Convert.ToString(value, CultureInfo.InvariantCulture) : null;
                samples.Add(WorkerFacts.Sample(options.Source, options.ProcessName, fact.Name, Instant.Now(clock), number, Excerpt.Of(text, WorkerFacts.LongestText)));
            }
        }
        try
        {
            await log.SampleAsync(samples, stop);
        }
        catch (Exception problem) when (problem is StoreException or OperationCanceledException or ObjectDisposedException)
        {
            if (!stop.IsCancellationRequested)
            {
                LogNotWritten(problem.Message);
            }
        }
    }

    /// <summary>A component that hangs or throws keeps nobody else from telling.</summary>
    async Task<object?> ReadAsync(HealthFact fact, CancellationToken stop)
    {
        try
        {
            return await fact.Read(services, stop).AsTask().WaitAsync(Patience, clock, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception problem)
        {
            return $"{problem.GetType().Name}: {problem.Message}";
        }
    }

    static double? NumberOf(object value) => value switch
    {
        bool yes => yes ? 1 : 0,
        TimeSpan span => span.TotalSeconds,
        byte or short or int or long or float or double or decimal or uint or ulong => Convert.ToDouble(value, CultureInfo.InvariantCulture) is var number && double.IsFinite(number) ? number : null,
        _ => null,
    };

    [LoggerMessage(641, LogLevel.Warning, "Health facts are told to nobody: runs of this application are not logged in a store")]
    partial void LogNoStore();

    [LoggerMessage(642, LogLevel.Warning, "Health facts could not be written: {Problem}; trying again in a minute")]
    partial void LogNotWritten(string problem);
}
