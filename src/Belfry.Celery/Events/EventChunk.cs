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
        byte[] buffer = ChunkBuffers.Rent(bytes.Length);
        bytes.CopyTo(buffer);
        return new EventChunk(buffer, bytes.Length, arrived, missing);
    }

    /// <summary>Gives the buffer back.</summary>
    public void Free() => ChunkBuffers.Return(Buffer);
}

/// <summary>Buffers for chunks. Of those of the usual size hundreds are under way when the log is behind, more than the shared pool would keep.</summary>
static class ChunkBuffers
{
    /// <summary>The usual size; larger ones are those of large messages.</summary>
    public const int Usual = 64 * 1024;

    const int Kept = 512; // 32 MB: as much as Redis holds for a slow subscriber
    static readonly ArrayPool<byte> Pool = ArrayPool<byte>.Create(Usual, Kept);

    public static byte[] Rent(int length) => PoolOf(length).Rent(length);

    public static void Return(byte[] buffer) => PoolOf(buffer.Length).Return(buffer);

    static ArrayPool<byte> PoolOf(int length) => length <= Usual ? Pool : ArrayPool<byte>.Shared;
}

/// <summary>The stream began anew, or lost something.</summary>
/// <param name="Reason">Why, in a few words; null for the very first begin, before which nothing was heard.</param>
/// <param name="Dropped">Messages dropped and counted.</param>
/// <param name="LastRead">When the last bytes before it were read; null when there were none.</param>
sealed record StreamBreak(string? Reason, long Dropped, Instant? LastRead);
