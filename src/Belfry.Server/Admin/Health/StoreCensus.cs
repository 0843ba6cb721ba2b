using Belfry.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Admin;

/// <summary>
/// Counts now and then what takes the room in the store, and what retention would delete of it. Counting ten million runs takes seconds,
/// so pages show the last count and its age, and never wait for one.
/// </summary>
sealed partial class StoreCensus(RunQueries queries, RetentionPolicy policy, TimeProvider clock, ILogger<StoreCensus> logger) : BackgroundService
{
    const int RestPerWork = 100; // of its time it counts for a hundredth
    static readonly TimeSpan ShortestRest = TimeSpan.FromMinutes(1), LongestRest = TimeSpan.FromHours(1);

    /// <summary>The last count; null until the first.</summary>
    public StoreCount? Latest { get; private set; }

    /// <summary>Counts once.</summary>
    public async Task CountAsync(CancellationToken cancel)
    {
        Instant now = Instant.Now(clock);
        Latest = new StoreCount(await queries.UsageAsync(cancel), await queries.PreviewAsync(policy, cancel), policy, now);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            long began = clock.GetTimestamp();
            await TryCountAsync(stoppingToken);
            long rest = Math.Clamp(RestPerWork * clock.GetElapsedTime(began).Ticks, ShortestRest.Ticks, LongestRest.Ticks);
            await Task.Delay(TimeSpan.FromTicks(rest), clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task TryCountAsync(CancellationToken cancel)
    {
        try
        {
            await CountAsync(cancel);
        }
        catch (Exception stopped) when (stopped is OperationCanceledException or ObjectDisposedException)
        {
            // the server stops
        }
        catch (Exception failed)
        {
            LogFailed(failed);
        }
    }

    [LoggerMessage(141, LogLevel.Warning, "What takes the room in the log could not be counted")]
    partial void LogFailed(Exception exception);
}

/// <summary>What takes the room in a store, as of one moment.</summary>
/// <param name="Usage">All runs, and those of each task.</param>
/// <param name="Preview">What retention would delete.</param>
/// <param name="Policy">How long runs are kept.</param>
/// <param name="At">When that was counted.</param>
public sealed record StoreCount(LogUsage Usage, RetentionPreview Preview, RetentionPolicy Policy, Instant At)
{
    /// <summary>Tasks that are listed.</summary>
    public const int MostTasks = 20;

    /// <summary>How long runs are kept: <c>30 d, failures 90 d, 1,000 of a task</c>.</summary>
    public string Kept => Policy is { Age: null, FailureAge: null, Count: null }
        ? "for ever"
        : string.Join(", ", new[]
        {
            Policy.Age is { } age ? Days(age) : "for ever",
            Policy.FailureAge is { } failures ? $"failures {Days(failures)}" : "failures for ever",
            Policy.Count is { } count ? $"at most {Format.Count(count)} of a task" : null,
        }.OfType<string>());

    static string Days(TimeSpan age) => age.Ticks % TimeSpan.TicksPerDay == 0 ? $"{Format.Count(age.Days)} d" : Format.Runtime(age.TotalSeconds);
}
