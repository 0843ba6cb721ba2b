using System.Buffers;

namespace Belfry.Celery.Events;

/// <summary>Bytes of whole messages, as they came from the broker, on their way from the thread that reads to the one that decodes.</summary>
/// <param name="Buffer">Rented; given back once decoded.</param>
/// <param name="Length">How much of it counts.</param>
/// <param name="Arrived">When it was read.</param>
/// <param name="Break">Why what came before may be missing; null when nothing is.</param>
sealed record EventChunk(byte[] Buffer, int Length, Instant Arrived, StreamBreak? Break)
{
    /// <summary>The messages.</summary>
    public ReadOnlySpan<byte> Bytes => Buffer.AsSpan(0, Length);

    /// <summary>What it holds of the memory that is allowed; the record itself and its place in the queue included.</summary>
    public int Weight => Buffer.Length + 128;

    /// <summary>Takes bytes over into a buffer of their size, so that the queue never holds a large buffer for a small message.</summary>
    public static EventChunk CopyOf(ReadOnlySpan<byte> bytes, Instant arrived, StreamBreak? missing)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(bytes.Length);
        bytes.CopyTo(buffer);
        return new EventChunk(buffer, bytes.Length, arrived, missing);
    }

    /// <summary>Gives the buffer back.</summary>
    public void Free() => ArrayPool<byte>.Shared.Return(Buffer);
}

/// <summary>The stream began anew, or lost something.</summary>
/// <param name="Reason">Why, in a few words; null for the very first begin, before which nothing was heard.</param>
/// <param name="Dropped">Messages dropped and counted.</param>
/// <param name="LastRead">When the last bytes before it were read; null when there were none.</param>
sealed record StreamBreak(string? Reason, long Dropped, Instant? LastRead);
