using Belfry.Celery;
using Belfry.Celery.Control;
using Belfry.Celery.Events;
using Belfry.Celery.Reconciling;
using Belfry.Celery.Results;
using Belfry.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Sources;

/// <summary>Listens to one Celery cluster and writes what it hears to the log. A broker that is down is waited for; the server never stops for it.</summary>
public sealed partial class CelerySource(
    SourceSettings settings, Cluster cluster, TimeSpan lostAfter, RunLog log, TimeProvider clock, Random random, ILoggerFactory loggers, CancellationToken started) : BackgroundService
{
    // Decoding goes on while so many batches wait for their commit; one more would only wait behind them.
    const int AppendsInFlight = 4;

    // Workers send in batches, and what came last may not have been committed: before a gap so much may be missing.
    static readonly TimeSpan Unread = TimeSpan.FromSeconds(5);

    static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    static readonly TimeSpan Stall = TimeSpan.FromSeconds(10);
    static readonly TimeSpan TimeToFinish = TimeSpan.FromSeconds(1);

    readonly ILogger _logger = loggers.CreateLogger<CelerySource>();

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The rest of the server does not wait for a broker; and a server that cannot start (its address is taken) must not have listened.
        await StartedAsync(stoppingToken);
        // Of several servers on one store one reads; what two would read is stored once, but workers would be judged and asked twice.
        await log.LeaseOf(RunLog.SourceLease(settings.Name)).WhileHeldAsync(ListenOnAsync, other => LogStandsBy(settings.Name, other), stoppingToken);
    }

    async Task ListenOnAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception problem)
            {
                LogStumbled(settings.Name, problem);
                await Task.Delay(Stall, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    async Task StartedAsync(CancellationToken stop)
    {
        await Task.Yield();
        if (started.CanBeCanceled)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(started, stop);
            await Task.Delay(Timeout.InfiniteTimeSpan, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task ListenAsync(CancellationToken cancel)
    {
        var watch = new WorkerWatch(settings.Name, log, lostAfter, ConnectedAsync(cluster.Control));
        watch.Learn(await log.Queries.WorkersAsync(cancel));
        SourceStatus? before = (await log.Queries.SourcesAsync(cancel)).FirstOrDefault(source => string.Equals(source.Name, settings.Name, StringComparison.Ordinal));
        using var reconciler = new Reconciler(settings, EvidenceOf(), cluster.Flags, watch, log, lostAfter, clock, loggers.CreateLogger<Reconciler>());
        await using IEventStream events = EventStreams.Of(cluster.Celery, new SubscriptionOptions(), clock, random, loggers);

        using var deadline = new CancellationTokenSource();
        using CancellationTokenRegistration stopping = cancel.Register(events.Stop);
        using CancellationTokenRegistration finishing = cancel.Register(() => deadline.CancelAfter(TimeToFinish / 2));
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task ticking = TickAsync(events, watch, reconciler, cluster.Control, ending.Token);
        Task reconciling = reconciler.RunAsync(ending.Token);
        try
        {
            await WriteAsync(events, watch, reconciler, before, deadline.Token);
        }
        finally
        {
            await ending.CancelAsync();
            await Task.WhenAll(ticking, reconciling);
        }
        cancel.ThrowIfCancellationRequested();
    }

    ClusterEvidence EvidenceOf() => new(cluster.Celery, cluster.Control, cluster.Queues, cluster.LikelyResults, clock);

    // Who is silent and cannot be found either is gone; who cannot be told from others is left in peace.
    static Func<IReadOnlyCollection<string>, CancellationToken, Task<IReadOnlySet<string>>> ConnectedAsync(RemoteControl control) => async (workers, cancel) =>
        (await control.FindAsync(workers, cancel)).Where(found => found.Value != Presence.Gone).Select(found => found.Key).ToHashSet(StringComparer.Ordinal);

    async Task WriteAsync(IEventStream events, WorkerWatch watch, Reconciler reconciler, SourceStatus? before, CancellationToken cancel)
    {
        var inFlight = new Queue<Task>();
        Task last = Task.CompletedTask;
        await foreach (EventBatch batch in events.ReadAsync(cancel))
        {
            Note(batch, events.Misses, watch, reconciler, ref before);
            while (inFlight.Count >= AppendsInFlight)
            {
                await inFlight.Dequeue().WaitAsync(cancel);
            }
            inFlight.Enqueue(last = AppendAsync(events, batch, last));
        }
        await Task.WhenAll(inFlight).WaitAsync(TimeToFinish, clock, CancellationToken.None);
    }

    void Note(EventBatch batch, bool misses, WorkerWatch watch, Reconciler reconciler, ref SourceStatus? before)
    {
        foreach ((string what, long times) in batch.Refused)
        {
            log.Refuse(settings.Name, what, times);
        }
        if (batch.Gap is { } gap)
        {
            log.Miss(settings.Name, gap.From, gap.To, gap.Reason);
            reconciler.Miss(new Gap(gap.From, gap.To));
        }
        if (batch.UnbrokenSince is { } since)
        {
            string? missed = misses || before?.Misses == true ? "Belfry was not listening" : batch.MissedBefore;
            if (missed is not null && before?.ListenedTo < since)
            {
                Instant from = before.ListenedTo - Unread;
                log.Miss(settings.Name, from, since, missed);
                reconciler.Miss(new Gap(from, since));
            }
            before = null;
            watch.Break(since);
        }
        watch.Hear(batch.Events, batch.ReadUntil);
        reconciler.Hear(batch.Events);
        cluster.Flags.Hear(batch.Events, batch.Gap is not null || batch.UnbrokenSince is not null);
    }

    // Not cancelled with the rest: what was read is finished, and the log itself says when it cannot.
    async Task AppendAsync(IEventStream events, EventBatch batch, Task before)
    {
        try
        {
            await log.AppendAsync(batch.Events, CancellationToken.None);
        }
        catch (ObjectDisposedException problem)
        {
            // Not acknowledged: a broker that keeps events will bring these again.
            LogRefusedByLog(settings.Name, batch.Events.Count, problem);
            return;
        }
        catch (Exception problem)
        {
            LogRefusedByLog(settings.Name, batch.Events.Count, problem);
            log.Refuse(settings.Name, "event that the log did not take", batch.Events.Count);
        }
        await before;
        await events.AcknowledgeAsync(batch);
    }

    async Task TickAsync(IEventStream events, WorkerWatch watch, Reconciler reconciler, RemoteControl control, CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(Tick, clock);
        var asker = new EventsAsker(settings, control, clock, _logger);
        Instant last = Instant.Now(clock);
        while (!cancel.IsCancellationRequested)
        {
            SubscriptionStatus status = events.Status;
            // Of a broker that keeps events for us counts what was read, lest a backlog that is lost with the broker count as heard.
            bool current = status.Listening && (events.Misses || Instant.Now(clock) - events.ReadUntil < Stall);
            log.Listen(settings.Name, events.Kind, events.Misses, current, status.Problem);
            reconciler.Listen(status.Listening);
            await asker.AskAsync(watch.TakeNewcomers(), status.Listening, cancel);
            Instant now = Instant.Now(clock);
            if (now - last > Stall)
            {
                // We slept, and so perhaps did the thread that reads: silence until here proves nothing.
                watch.Break(now);
            }
            last = now;
            await JudgeAsync(watch, reconciler, status.ListeningSince, events.ReadUntil, cancel);
            try
            {
                await timer.WaitForNextTickAsync(cancel);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    async Task JudgeAsync(WorkerWatch watch, Reconciler reconciler, Instant? listeningSince, Instant now, CancellationToken cancel)
    {
        try
        {
            reconciler.Doubt(await watch.JudgeAsync(listeningSince, now, cancel));
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // The loop sees it.
        }
        catch (Exception problem)
        {
            // Judged again at the next tick.
            LogNotJudged(settings.Name, problem);
        }
    }

    [LoggerMessage(2101, LogLevel.Error, "Listening to {Source} stopped unexpectedly and begins again")]
    partial void LogStumbled(string source, Exception problem);

    [LoggerMessage(2104, LogLevel.Information, "{Source} is read by another server, {Other}; this one stands by")]
    partial void LogStandsBy(string source, string other);

    [LoggerMessage(2102, LogLevel.Error, "The log did not take {Count} events of {Source}")]
    partial void LogRefusedByLog(string source, int count, Exception problem);

    [LoggerMessage(2103, LogLevel.Warning, "The workers of {Source} could not be judged; trying again")]
    partial void LogNotJudged(string source, Exception problem);
}
