using System.Runtime.CompilerServices;
using Belfry.Celery.Redis;
using Microsoft.Extensions.Logging;

namespace Belfry.Celery.Events;

/// <summary>The events of a cluster, as long as it stands: connects, reads, reconnects, and says what it missed.</summary>
/// <remarks>
/// Redis keeps nothing for who is not there. Every reconnection is therefore a gap, and so is every overflow of our own queue; a gap
/// begins 5 s before the last event, as sent, that was read: workers send in batches, and their clocks are not ours.
/// </remarks>
public sealed class EventSubscription : IAsyncDisposable
{
    const int BatchLimit = 8192;
    static readonly TimeSpan GapLead = TimeSpan.FromSeconds(5);

    readonly TimeProvider _clock;
    readonly ChunkQueue _queue;
    readonly SubscriptionReader _reader;
    readonly EventDecoder _decoder;
    Instant? _lastSent;

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

    /// <summary>How the connection does now.</summary>
    public SubscriptionStatus Status => _reader.Status;

    /// <summary>Everything that arrived until then has been decoded: now, unless some of it waits.</summary>
    public Instant ReadUntil => _queue.TryPeek(out EventChunk? next) ? next!.Arrived : Instant.Now(_clock);

    /// <summary>Batches of events as they come, until cancelled.</summary>
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

    /// <summary>Reads no more from the broker; what was read is still given out, and then <see cref="ReadAsync"/> ends.</summary>
    public void Stop() => _reader.Stop();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _reader.DisposeAsync();

    // A gap lies before the batch that it comes with.
    bool MayJoin(EventBatch batch) => batch.ReadUntil == default || (_queue.TryPeek(out EventChunk? next) && next!.Break is null);

    void Decode(EventChunk chunk, EventBatch batch)
    {
        if (chunk.Break is { } missing)
        {
            Mark(missing, chunk.Arrived, batch);
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
        NoteLastSent(batch, before);
        batch.ReadUntil = chunk.Arrived;
        chunk.Free();
    }

    void Mark(StreamBreak missing, Instant arrived, EventBatch batch)
    {
        batch.UnbrokenSince = arrived;
        if (missing.Reason is { } reason)
        {
            Instant from = Instant.Min(_lastSent ?? missing.LastRead ?? arrived, missing.LastRead ?? arrived) - GapLead;
            batch.Gap = new StreamGap(from, arrived, reason);
        }
        if (missing.Dropped > 0)
        {
            batch.Refuse("message dropped, the queue was full", missing.Dropped);
        }
    }

    void NoteLastSent(EventBatch batch, int from)
    {
        for (int i = from; i < batch.Events.Count; i++)
        {
            _lastSent = Instant.Max(_lastSent ?? batch.Events[i].Shown, batch.Events[i].Shown);
        }
    }
}

/// <summary>Bounds and times of a stream.</summary>
public sealed class SubscriptionOptions
{
    /// <summary>Bytes that may wait to be decoded before messages are dropped and counted; 128 MB by default (about 160,000 messages).</summary>
    public long QueueBytes { get; set; } = 128 * 1024 * 1024;

    /// <summary>How long to wait for a connection; 10 s by default.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often the broker is asked for a sign of life; 5 s by default. Silent for three times as long, it is given up.</summary>
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
