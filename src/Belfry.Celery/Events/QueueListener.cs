using Belfry.Celery.RabbitMq;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Belfry.Celery.Events;

/// <summary>Connects to RabbitMQ, has our queue delivered to an inbox, watches its length, and connects again when the connection broke.</summary>
sealed partial class QueueListener(
    CeleryCluster cluster, SubscriptionOptions options, QueueInbox inbox, TimeProvider clock, Random random, ILogger logger) : IAsyncDisposable
{
    // Messages under way that are not committed yet: what RabbitMQ delivers at its fastest (30,000/s) in the 100 ms between two commits, and some more.
    const ushort Prefetch = 5_000;

    static readonly TimeSpan Steady = TimeSpan.FromSeconds(10);
    static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    readonly OwnQueue _queue = new(cluster);
    readonly CancellationTokenSource _stopping = new(), _disposing = new();
    Task _running = Task.CompletedTask;
    long _drainedAt = Instant.Now(clock).Micros;
    Instant? _fullSince;
    string? _alarm; // what the broker is short of

    /// <summary>How the connection does now.</summary>
    public SubscriptionStatus Status { get => Volatile.Read(ref field); private set => Volatile.Write(ref field, value); } = new(null, null);

    /// <summary>When the broker last had nothing left to deliver: what had been sent by then is in the inbox, or has gone through it.</summary>
    public Instant DrainedAt => new(Interlocked.Read(ref _drainedAt));

    /// <summary>Begins.</summary>
    public void Start() => _running = Task.Run(RunAsync);

    /// <summary>Has nothing more delivered. The connection stands until the end, for what is still to be acknowledged.</summary>
    public void Stop() => _stopping.Cancel();

    /// <summary>Closes the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _disposing.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stopping.Dispose();
        _disposing.Dispose();
    }

    async Task RunAsync()
    {
        for (int failures = 0; !_stopping.IsCancellationRequested; failures++)
        {
            long begun = clock.GetTimestamp();
            try
            {
                await ListenAsync(_stopping.Token).ConfigureAwait(false);
            }
            catch (Exception problem) when (_stopping.IsCancellationRequested)
            {
                Log.Stopped(logger, problem, cluster.Source);
            }
            catch (Exception problem)
            {
                NoteProblem(problem is BrokerException or IOException ? problem : RabbitException.Told(cluster.Broker, problem));
            }
            failures = clock.GetElapsedTime(begun) > Steady ? 0 : failures;
            await Task.Delay(Backoff.Delay(failures, random), clock, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        inbox.Close();
    }

    async Task ListenAsync(CancellationToken cancel)
    {
        await using var connection = new RabbitConnection(cluster.Broker, $"events of {cluster.Source}", options.ConnectTimeout);
        // Over a connection of its own: a broker with an alarm reads no more from one that has published, acknowledgements included.
        await using var publisher = new RabbitPublisher(cluster.Broker, $"mark of {cluster.Source}", options.ConnectTimeout);
        QueueFound found = await _queue.DeclareAsync(connection, cancel).ConfigureAwait(false);
        await using IChannel channel = await connection.OpenChannelAsync(confirms: false, cancel).ConfigureAwait(false);
        var consumer = new QueueConsumer(channel, inbox);
        channel.ChannelShutdownAsync += consumer.HandleChannelShutdownAsync;
        await channel.BasicQosAsync(0, Prefetch, global: false, cancel).ConfigureAwait(false);
        Instant now = Instant.Now(clock);
        inbox.Begin(channel, !found.Kept ? "what waited for us was lost: the broker was restarted, or our queue had expired" : _queue.IsFull(found.Waiting) ? Dropped : null);
        // Alone: a second server that took every other message would leave holes in both logs.
        string tag = await channel.BasicConsumeAsync(_queue.Name, autoAck: false, "", noLocal: false, exclusive: true, null, consumer, cancel).ConfigureAwait(false);
        await MarkAsync(connection, publisher, cancel).ConfigureAwait(false);
        Interlocked.Exchange(ref _drainedAt, now.Micros);
        Log.Listening(logger, cluster.Source, cluster.Broker.ToString(), _queue.Name, found.Waiting);
        try
        {
            await WatchAsync(connection, publisher, consumer.Ended, found, now, cancel).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            await channel.BasicCancelAsync(tag, noWait: true, CancellationToken.None).ConfigureAwait(false);
            inbox.Close();
            await Task.Delay(Timeout.InfiniteTimeSpan, _disposing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task WatchAsync(RabbitConnection connection, RabbitPublisher publisher, Task<string> ended, QueueFound found, Instant since, CancellationToken cancel)
    {
        await using IChannel channel = await connection.OpenChannelAsync(confirms: false, cancel).ConfigureAwait(false);
        Instant tended = since;
        while (true)
        {
            Instant asked = Instant.Now(clock);
            uint waiting = await _queue.WaitingAsync(channel, cancel).ConfigureAwait(false);
            NoteFull(waiting);
            Status = new SubscriptionStatus(since, ProblemOf(found, waiting));
            if (asked - tended > options.PingInterval)
            {
                await TendAsync(connection, publisher, cancel).ConfigureAwait(false);
                tended = asked;
            }
            if (await Task.WhenAny(ended, Task.Delay(Look, clock, cancel)).ConfigureAwait(false) == ended)
            {
                throw new IOException($"{cluster.Broker} was lost: {await ended.ConfigureAwait(false)}");
            }
            cancel.ThrowIfCancellationRequested();
            if (waiting == 0)
            {
                // Only now: what the broker had just sent has come meanwhile.
                Interlocked.Exchange(ref _drainedAt, asked.Micros);
            }
        }
    }

    async Task MarkAsync(RabbitConnection connection, RabbitPublisher publisher, CancellationToken cancel)
    {
        try
        {
            await _queue.MarkAsync(connection, publisher, cancel).ConfigureAwait(false);
            NoteAlarm(null);
        }
        catch (RabbitException refused) when (refused.Alarm is not null)
        {
            NoteAlarm(refused.Alarm);
        }
    }

    /// <summary>Keeps the mark, and learns by it whether the broker takes messages: it tells that to those who publish, and to nobody else.</summary>
    async Task TendAsync(RabbitConnection connection, RabbitPublisher publisher, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        over.CancelAfter(options.ConnectTimeout);
        try
        {
            await MarkAsync(connection, publisher, over.Token).ConfigureAwait(false);
        }
        catch (Exception problem) when (problem is BrokerException or IOException || (problem is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            // What is listened to stands, or tells for itself that it was lost.
        }
    }

    void NoteAlarm(string? alarm)
    {
        if (alarm is not null && _alarm is null)
        {
            Log.Alarmed(logger, cluster.Source, alarm);
        }
        _alarm = alarm;
    }

    string? ProblemOf(QueueFound found, uint waiting) =>
        _alarm is not null ? RabbitException.Blocked(cluster.Broker, _alarm, "Workers send no events until it has room; 'rabbitmq-diagnostics alarms' tells more.").Message
        : _fullSince is not null ? $"{_queue.Name} holds {waiting:N0} messages, as many as it may: the oldest are dropped"
        : found.AsWanted ? null
        : $"{_queue.Name} was made with other limits than those now set: delete it once it is empty, and it is made anew";

    void NoteFull(uint waiting)
    {
        bool full = _queue.IsFull(waiting);
        if (full && _fullSince is null)
        {
            Log.Full(logger, _queue.Name, cluster.Source, waiting);
            _fullSince = inbox.Lose(Dropped, null);
        }
        else if (!full && _fullSince is { } since)
        {
            // Once more when it ends: then the gap has its whole length.
            inbox.Lose(Dropped, since);
            _fullSince = null;
        }
    }

    string Dropped => $"events dropped by RabbitMQ: our queue was full ({cluster.EventQueueLimit:N0} messages)";

    void NoteProblem(Exception problem)
    {
        string said = problem is RabbitException { Code: Constants.AccessRefused } && problem.Message.Contains("exclusive use", StringComparison.Ordinal)
            ? $"another server reads {_queue.Name} at {cluster.Broker}: two with logs of their own need two queues (Sources:N:EventQueue)"
            : problem.Message;
        // Said once, not at every attempt.
        if (!string.Equals(Status.Problem, said, StringComparison.Ordinal))
        {
            Log.Lost(logger, cluster.Source, said);
        }
        Status = new SubscriptionStatus(null, said);
    }

    static partial class Log
    {
        [LoggerMessage(2011, LogLevel.Information, "Listening to {Source} at {Broker}: {Waiting} messages wait in {Queue}")]
        public static partial void Listening(ILogger logger, string source, string broker, string queue, uint waiting);

        [LoggerMessage(2012, LogLevel.Warning, "Lost {Source}: {Problem}. Trying again.")]
        public static partial void Lost(ILogger logger, string source, string problem);

        [LoggerMessage(2013, LogLevel.Debug, "Stopped listening to {Source}")]
        public static partial void Stopped(ILogger logger, Exception? problem, string source);

        [LoggerMessage(2015, LogLevel.Warning, "The broker of {Source} takes no messages: it is {Alarm}. Workers can send no events until it has room.")]
        public static partial void Alarmed(ILogger logger, string source, string alarm);

        [LoggerMessage(2014, LogLevel.Warning, "{Queue} of {Source} is full: {Waiting} messages wait, and RabbitMQ drops the oldest. Is the store slow, or the limit too low?")]
        public static partial void Full(ILogger logger, string queue, string source, uint waiting);
    }
}

/// <summary>Gets what RabbitMQ delivers on one channel.</summary>
sealed class QueueConsumer(IChannel channel, QueueInbox inbox) : IAsyncBasicConsumer
{
    readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Why nothing more will come.</summary>
    public Task<string> Ended => _ended.Task;

    /// <inheritdoc/>
    public IChannel? Channel => channel;

    /// <inheritdoc/>
    public Task HandleBasicDeliverAsync(
        string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey, IReadOnlyBasicProperties properties,
        ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
    {
        inbox.Take(channel, deliveryTag, properties, body.Span);
        return Task.CompletedTask;
    }

    /// <summary>The broker took the queue away.</summary>
    public Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        _ended.TrySetResult("our queue was deleted");
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task HandleChannelShutdownAsync(object channel, ShutdownEventArgs reason)
    {
        _ended.TrySetResult(RabbitException.Cause(reason));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task HandleBasicCancelOkAsync(string consumerTag, CancellationToken cancellationToken = default) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task HandleBasicConsumeOkAsync(string consumerTag, CancellationToken cancellationToken = default) => Task.CompletedTask;
}
