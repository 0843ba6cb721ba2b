using System.Threading.Channels;

namespace Belfry.Celery.Events;

/// <summary>Chunks that wait to be decoded, bounded in bytes. The writer never waits: it is told that there is no room, and drops.</summary>
/// <remarks>
/// Whoever reads slowly from Redis is cut off without a word and loses everything; so we always read, and lose, when memory is short, what we
/// know of and count. Having overflowed, the queue takes nothing until it is half empty: one gap instead of hundreds. One writer, one reader.
/// </remarks>
sealed class ChunkQueue(long limit)
{
    // Not SingleReader: others than its reader look at the oldest chunk.
    readonly Channel<EventChunk> _chunks = Channel.CreateUnbounded<EventChunk>(new UnboundedChannelOptions { SingleWriter = true });
    long _weight;
    bool _overflowing;

    /// <summary>Adds a chunk; false when there is no room for it.</summary>
    public bool TryAdd(EventChunk chunk)
    {
        long weight = Interlocked.Read(ref _weight);
        _overflowing = weight + chunk.Weight > limit || (_overflowing && weight > limit / 2);
        if (_overflowing)
        {
            return false;
        }
        Interlocked.Add(ref _weight, chunk.Weight);
        return _chunks.Writer.TryWrite(chunk);
    }

    /// <summary>Looks at the next chunk; from any thread.</summary>
    public bool TryPeek(out EventChunk? chunk) => _chunks.Reader.TryPeek(out chunk);

    /// <summary>Takes the next chunk.</summary>
    public bool TryTake(out EventChunk? chunk)
    {
        if (!_chunks.Reader.TryRead(out chunk))
        {
            return false;
        }
        Interlocked.Add(ref _weight, -chunk.Weight);
        return true;
    }

    /// <summary>Waits until there is one; false when there will be none any more.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken cancel) => _chunks.Reader.WaitToReadAsync(cancel);

    /// <summary>Nothing more will be added.</summary>
    public void Close() => _chunks.Writer.TryComplete();
}
