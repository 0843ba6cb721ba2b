using System.Globalization;
using Belfry.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry.Server;

/// <summary>Deletes what retention lets go once an hour, whether events come or not; each round is a run of <c>belfry.retention</c> in the log.</summary>
sealed partial class RetentionRounds(RunLog log, RetentionPolicy policy, TimeProvider clock, ILogger<RetentionRounds> logger) : BackgroundService
{
    /// <summary>The source under which the server logs what it does itself.</summary>
    public const string Source = "belfry";

    /// <summary>The name of the task.</summary>
    public const string TaskName = "belfry.retention";

    /// <summary>How often.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromHours(1);

    /// <summary>The first round comes sooner: a server that is restarted every half hour must clear its log, too.</summary>
    public static readonly TimeSpan First = TimeSpan.FromMinutes(5);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => log.LeaseOf(TaskName).WhileHeldAsync(RoundsAsync, LogStandsBy, stoppingToken);

    async Task RoundsAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(First, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                timer.Period = Every;
                await RoundAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
            // the server stops; what was deleted is, the rest goes in the next round
        }
    }

    async Task RoundAsync(CancellationToken cancel)
    {
        var submitted = new TaskEvent
        {
            Source = Source, Id = Guid.CreateVersion7(clock.GetUtcNow()).ToString(), Kind = EventKind.Submitted, At = Instant.Now(clock), Task = TaskName, Attempt = 1,
        };
        log.Listen(Source, "server", misses: false, listening: true, problem: null);
        try
        {
            await log.AppendAsync([submitted, submitted with { Kind = EventKind.Started, Worker = Environment.MachineName }], cancel);
            TaskEvent end = await RetainAsync(submitted, cancel);
            await log.AppendAsync([end with { At = Instant.Now(clock), Worker = Environment.MachineName }], CancellationToken.None);
        }
        catch (Exception refused) when (refused is not OperationCanceledException)
        {
            // Where the store is damaged the log may not take these two; thrown, it would end the server.
            LogFailed(refused);
        }
    }

    /// <summary>A round that fails is a failed run; the next one tries again.</summary>
    async Task<TaskEvent> RetainAsync(TaskEvent run, CancellationToken cancel)
    {
        try
        {
            RetentionResult result = await log.RetainAsync(policy, cancel);
            if (result.Deleted > 0)
            {
                LogDeleted(result.Deleted);
            }
            string told = string.Create(CultureInfo.InvariantCulture, $"{{\"deleted\": {result.Deleted}, \"keys\": {result.Keys}, \"minutes\": {result.Minutes}, \"hours\": {result.Hours}}}");
            return run with { Kind = EventKind.Succeeded, Result = told };
        }
        catch (Exception stopped) when (stopped is OperationCanceledException or ObjectDisposedException)
        {
            return run with { Kind = EventKind.Cancelled, Reason = "the server stops" };
        }
        catch (Exception failed)
        {
            LogFailed(failed);
            return run with { Kind = EventKind.Failed, Exception = $"{failed.GetType().Name}: {failed.Message}", Traceback = failed.StackTrace };
        }
    }

    [LoggerMessage(121, LogLevel.Information, "Retention deleted {Runs} runs")]
    partial void LogDeleted(long runs);

    [LoggerMessage(123, LogLevel.Information, "Retention is done by another server, {Other}")]
    partial void LogStandsBy(string other);

    [LoggerMessage(122, LogLevel.Error, "Retention could not delete what is old; it tries again in an hour")]
    partial void LogFailed(Exception exception);
}
