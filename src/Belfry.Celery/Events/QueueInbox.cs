using System.Threading.Channels;
using RabbitMQ.Client;

namespace Belfry.Celery.Events;

/// <summary>What was delivered and not yet taken by whoever writes the log, decoded. The broker's prefetch bounds it.</summary>
/// <remarks>One thread delivers, one takes. Messages are decoded where they lie in the client's buffers: nothing is copied.</remarks>
sealed class QueueInbox(string source, TimeProvider clock)
{
    const int BatchLimit = 8192;
    const int LongestMessage = 64 * 1024 * 1024;

    readonly Channel<bool> _signal = System.Threading.Channels.Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    readonly Lock _lock = new();

    // All under the lock.
    readonly EventDecoder _decoder = new(source);
    readonly GapMarker _gaps = new();
    readonly Queue<EventBatch> _full = new();
    EventBatch? _building;
    IChannel? _channel;
    Instant? _lastRead;
    bool _closed;

    /// <summary>Since when the oldest that nobody has taken waits; null when nothing does.</summary>
    public Instant? WaitingSince
    {
        get
        {
            lock (_lock)
            {
                return (_full.TryPeek(out EventBatch? oldest) ? oldest : _building)?.Begun;
            }
        }
    }

    /// <summary>What comes from now on comes over this channel.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="lost">Why what was sent before may be lost; null when it was kept.</param>
    public void Begin(IChannel channel, string? lost)
    {
        lock (_lock)
        {
            _channel = channel;
            bool first = _lastRead is null;
            Break(first ? null : lost, _lastRead).MissedBefore = first ? lost : null;
        }
        _signal.Writer.TryWrite(true);
    }

    /// <summary>Something was lost, or goes on being lost, since an instant that the first call gives.</summary>
    public Instant Lose(string reason, Instant? since)
    {
        Instant from;
        lock (_lock)
        {
            from = since ?? _gaps.LastSent ?? _lastRead ?? Instant.Now(clock);
            EventBatch batch = Break(reason, from);
            if (since is null)
            {
                batch.Refuse(reason);
            }
        }
        _signal.Writer.TryWrite(true);
        return from;
    }

    /// <summary>Takes a message in.</summary>
    public void Take(IChannel channel, ulong tag, IReadOnlyBasicProperties properties, ReadOnlySpan<byte> body)
    {
        Instant now = Instant.Now(clock);
        lock (_lock)
        {
            if (_closed || !ReferenceEquals(channel, _channel))
            {
                return;
            }
            EventBatch batch = Building(now);
            int before = batch.Events.Count;
            Decode(properties, body, now, batch);
            _gaps.NoteLastSent(batch, before);
            (batch.LastTag, batch.ReadUntil, _lastRead) = (tag, now, now);
        }
        _signal.Writer.TryWrite(true);
    }

    /// <summary>Takes the oldest batch out.</summary>
    public bool TryTake(out EventBatch? batch)
    {
        lock (_lock)
        {
            if (!_full.TryDequeue(out batch))
            {
                (batch, _building) = (_building, null);
            }
            return batch is not null;
        }
    }

    /// <summary>Waits until there may be a batch; false when there will be none any more.</summary>
    public async ValueTask<bool> WaitAsync(CancellationToken cancel) =>
        (await _signal.Reader.WaitToReadAsync(cancel).ConfigureAwait(false) && _signal.Reader.TryRead(out _)) || WaitingSince is not null;

    /// <summary>Nothing more is taken in.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
        }
        _signal.Writer.TryComplete();
    }

    void Decode(IReadOnlyBasicProperties properties, ReadOnlySpan<byte> body, Instant now, EventBatch batch)
    {
        if (body.Length > LongestMessage)
        {
            batch.Refuse($"message over {LongestMessage / 1024 / 1024} MB");
            return;
        }
        _decoder.Decode(body, properties.ContentType, properties.ContentEncoding, now, batch);
    }

    // A gap lies before the batch that it comes with.
    EventBatch Break(string? reason, Instant? lastRead)
    {
        Instant now = Instant.Now(clock);
        FinishBuilding();
        EventBatch batch = Building(now);
        _gaps.Mark(new StreamBreak(reason, 0, lastRead), now, batch);
        (batch.ReadUntil, _lastRead) = (now, _lastRead ?? now);
        return batch;
    }

    EventBatch Building(Instant now)
    {
        if (_building?.Events.Count >= BatchLimit)
        {
            FinishBuilding();
        }
        return _building ??= new EventBatch { Begun = now, Channel = _channel };
    }

    void FinishBuilding()
    {
        if (_building is not null)
        {
            _full.Enqueue(_building);
            _building = null;
        }
    }
}
