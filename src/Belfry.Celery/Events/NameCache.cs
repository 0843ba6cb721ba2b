using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Belfry.Celery.Events;

/// <summary>Gives the same string for the same bytes, so that a name that comes a million times is one object.</summary>
/// <remarks>
/// Each slot holds the last name that hashed to it: names that nobody sends any more are pushed out by others, and
/// the cache never grows beyond its slots, whatever is sent. For one thread.
/// </remarks>
sealed class NameCache(int slots)
{
    /// <summary>Longer names are not worth a slot.</summary>
    public const int LongestName = 200;

    readonly (byte[] Bytes, string Text)[] _slots = new (byte[], string)[(int)BitOperations.RoundUpToPowerOf2((uint)slots)];

    /// <summary>The text of some UTF-8 bytes.</summary>
    public string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > LongestName)
        {
            return Encoding.UTF8.GetString(utf8);
        }
        ref (byte[] Bytes, string Text) slot = ref _slots[Hash(utf8) & (uint)(_slots.Length - 1)];
        if (slot.Bytes is null || !utf8.SequenceEqual(slot.Bytes))
        {
            slot = (utf8.ToArray(), Encoding.UTF8.GetString(utf8));
        }
        return slot.Text;
    }

    /// <summary>Spreads bytes over slots.</summary>
    // Eight bytes at a time. Who sends names that collide costs us a string per event, nothing more, so no secret seed.
    public static uint Hash(ReadOnlySpan<byte> bytes)
    {
        const ulong odd = 0x9E3779B97F4A7C15;
        ulong hash = (ulong)bytes.Length;
        while (bytes.Length >= 8)
        {
            hash = BitOperations.RotateLeft((hash ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes)) * odd, 29);
            bytes = bytes[8..];
        }
        foreach (byte b in bytes)
        {
            hash = (hash ^ b) * odd;
        }
        return (uint)(hash >> 32);
    }
}

/// <summary>Gives the same string for texts that come again shortly after: an id comes with each event of a run, its arguments with two of them.</summary>
/// <remarks>Each slot holds the last text that hashed to it. For one thread.</remarks>
sealed class RecentTexts(int slots)
{
    const int Longest = 500;

    readonly string?[] _slots = new string?[(int)BitOperations.RoundUpToPowerOf2((uint)slots)];

    /// <summary>The text of some UTF-8 bytes.</summary>
    public string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > Longest)
        {
            return Encoding.UTF8.GetString(utf8);
        }
        ref string? slot = ref _slots[NameCache.Hash(utf8) & (uint)(_slots.Length - 1)];
        return slot is { } recent && Ascii.Equals(utf8, recent) ? recent : slot = Encoding.UTF8.GetString(utf8);
    }
}
