using System.Runtime.CompilerServices;
using Belfry.Celery.Redis;
using Microsoft.Extensions.Logging;

namespace Belfry.Celery.Events;

/// <summary>The events of a cluster over Redis, published to whoever listens.</summary>
/// <remarks>
/// Redis keeps nothing for who is not there. Every reconnection is therefore a gap, and so is every overflow of our own queue; a gap
/// begins 5 s before the last event, as sent, that was read: workers send in batches, and their clocks are not ours.
/// </remarks>
public sealed class EventSubscription : IEventStream
{
    const int BatchLimit = 8192;

    readonly TimeProvider _clock;
    readonly ChunkQueue _queue;
    readonly SubscriptionReader _reader;
    readonly EventDecoder _decoder;
    readonly GapMarker _gaps = new();

    /// <summary>Begins to read at once, on a thread of its own.</summary>
    /// <param name="cluster">What to read.</param>
    /// <param name="options">Bounds and times.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="random">Spreads reconnections, so that many servers do not come back at the same instant.</param>
    /// <param name="logger">Takes connections and their loss.</param>
    public EventSubscription(CeleryCluster cluster, SubscriptionOptions options, TimeProvider clock, Random random, ILogger<EventSubscription> logger)
    {
        _clock = clock;
        _queue = new ChunkQueue(options.QueueBytes);
        _decoder = new EventDecoder(cluster.Source);
        _reader = new SubscriptionReader(cluster, options, _queue, clock, random, logger);
        _reader.Start();
    }

    /// <inheritdoc/>
    public string Kind => EventStreams.OverRedis;

    /// <inheritdoc/>
    public bool Misses => true;

    /// <inheritdoc/>
    public SubscriptionStatus Status => _reader.Status;

    /// <inheritdoc/>
    public Instant ReadUntil => _queue.TryPeek(out EventChunk? next) ? next!.Arrived : Instant.Now(_clock);

    /// <inheritdoc/>
    public async IAsyncEnumerable<EventBatch> ReadAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        int expected = 0;
        while (await _queue.WaitAsync(cancel).ConfigureAwait(false))
        {
            var batch = new EventBatch(expected);
            while (batch.Events.Count < BatchLimit && MayJoin(batch) && _queue.TryTake(out EventChunk? chunk))
            {
                Decode(chunk!, batch);
            }
            expected = batch.Events.Count + (batch.Events.Count / 8);
            yield return batch;
        }
    }

    /// <summary>Redis has forgotten it already.</summary>
    public Task AcknowledgeAsync(EventBatch batch) => Task.CompletedTask;

    /// <inheritdoc/>
    public void Stop() => _reader.Stop();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _reader.DisposeAsync();

    // A gap lies before the batch that it comes with.
    bool MayJoin(EventBatch batch) => batch.ReadUntil == default || (_queue.TryPeek(out EventChunk? next) && next!.Break is null);

    void Decode(EventChunk chunk, EventBatch batch)
    {
        if (chunk.Break is { } missing)
        {
            _gaps.Mark(missing, chunk.Arrived, batch);
        }
        int before = batch.Events.Count;
        ReadOnlySpan<byte> rest = chunk.Bytes;
        while (!rest.IsEmpty)
        {
            PubSubFrame frame = PubSubFrame.Read(rest);
            if (frame.IsMessage)
            {
                _decoder.Decode(frame.Payload, chunk.Arrived, batch);
            }
            rest = rest[frame.Length..];
        }
        _gaps.NoteLastSent(batch, before);
        batch.ReadUntil = chunk.Arrived;
        chunk.Free();
    }
}

/// <summary>Bounds and times of a stream.</summary>
public sealed class SubscriptionOptions
{
    /// <summary>Bytes from Redis that may wait to be decoded before messages are dropped and counted; 128 MB by default (about 160,000 messages).</summary>
    public long QueueBytes { get; set; } = 128 * 1024 * 1024;

    /// <summary>How long to wait for a connection; 10 s by default.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often Redis is asked for a sign of life, and RabbitMQ whether it takes messages; 5 s by default. A Redis that is silent for three times as long is given up.</summary>
    public TimeSpan PingInterval { get; set; } = TimeSpan.FromSeconds(5);
}

/// <summary>How a connection does.</summary>
/// <param name="ListeningSince">Since when it is subscribed and the broker answers; null while it is not.</param>
/// <param name="Problem">What is wrong, in a sentence for an operator; null when all is well, or before the first attempt.</param>
public sealed record SubscriptionStatus(Instant? ListeningSince, string? Problem)
{
    /// <summary>Subscribed, and the broker answers.</summary>
    public bool Listening => ListeningSince is not null;
}
