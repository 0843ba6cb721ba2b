using Belfry.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry.Server;

/// <summary>Says at start which log this is, and at the end what is left in it.</summary>
sealed partial class LogDiary(RunLog log, BelfrySettings settings, TimeProvider clock, ILogger<LogDiary> logger) : IHostedService
{
    // What others left of the host's time may be nothing, and a commit takes a tenth of a second.
    static readonly TimeSpan LeastPatience = TimeSpan.FromSeconds(3);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        StoreStatus store = await log.Queries.StatusAsync(cancellationToken);
        if (!settings.Log.Enabled)
        {
            LogOff();
        }
        LogOpened(store.Url, store.Engine, store.Schema, store.EndedRuns + store.OpenRuns);
    }

    // It started first, so it stops last: the sources have gone, and only what waits in the log is still to be committed.
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        Task closed = log.DisposeAsync().AsTask();
        await Task.WhenAny(closed, Task.Delay(LeastPatience, clock, CancellationToken.None));
        try
        {
            await closed.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            LogLeft(log.Problem ?? "the disk is slow");
            return;
        }
        if (log.Problem is { } problem)
        {
            LogLeft(problem);
        }
        else
        {
            LogClosed();
        }
    }

    [LoggerMessage(101, LogLevel.Information, "The log is {Url}: {Engine}, schema {Schema}, {Runs} runs")]
    partial void LogOpened(string url, string engine, int schema, long runs);

    [LoggerMessage(103, LogLevel.Warning, "Nothing is captured: Log:Enabled is false")]
    partial void LogOff();

    [LoggerMessage(102, LogLevel.Information, "All that was received is committed; the log is closed")]
    partial void LogClosed();

    [LoggerMessage(104, LogLevel.Error, "What was received last could not be committed in time and is lost: {Problem}")]
    partial void LogLeft(string problem);
}
