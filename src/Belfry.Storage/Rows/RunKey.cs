using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Belfry.Storage.Rows;

/// <summary>An id of a source in 16 bytes: those of the UUID, for any other text the first of its SHA-256.</summary>
/// <param name="Bits">The bytes, as a number.</param>
/// <param name="Source">Number of the source's name.</param>
readonly record struct RunKey(UInt128 Bits, int Source)
{
    const int Low = 45;

    /// <summary>
    /// The bits that index it: from the end, which is random in most versions of UUID, mixed with the beginning, which tells those
    /// apart that end in the machine's address.
    /// </summary>
    public long LowBits => (long)(((ulong)Bits ^ (((ulong)(Bits >> 64) * 0x9E3779B97F4A7C15) >> 19)) & ((1UL << Low) - 1));

    /// <summary>The key in the index: segment, then bits.</summary>
    public long InSegment(long segment) => (segment << Low) | LowBits;

    /// <summary>The first key that a segment can have.</summary>
    public static long FirstIn(long segment) => segment << Low;

    /// <summary>The segment of a key in the index.</summary>
    public static long SegmentOf(long key) => key >> Low;

    /// <summary>The bits of a key in the index.</summary>
    public static long LowBitsOf(long key) => key & ((1L << Low) - 1);

    /// <summary>The key of an id.</summary>
    public static RunKey Of(string id, int source)
    {
        Span<byte> bytes = stackalloc byte[32];
        if (!TryUuid(id, bytes))
        {
            SHA256.HashData(Encoding.UTF8.GetBytes(id), bytes);
        }
        return new RunKey(BinaryPrimitives.ReadUInt128BigEndian(bytes), source);
    }

    /// <summary>The id is a UUID in its canonical form.</summary>
    public static bool IsUuid(string? id) => id is not null && TryUuid(id, stackalloc byte[16]);

    /// <summary>Only the canonical form counts: what is stored as bytes must read back to the letter.</summary>
    public static bool TryUuid(string id, Span<byte> bytes) =>
        id.Length == 36
        && !id.AsSpan().ContainsAnyInRange('A', 'F')
        && Guid.TryParseExact(id, "D", out Guid uuid)
        && uuid.TryWriteBytes(bytes, bigEndian: true, out _);
}
