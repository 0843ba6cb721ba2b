using System.Numerics;
using System.Runtime.CompilerServices;

namespace Belfry.Storage.Rollups;

/// <summary>
/// The buckets of durations that add up: 32 to each power of two of microseconds, so a percentile is at most 1.6 % off.
/// Written as pairs of numbers: the step to the next bucket that is not empty, and how many are in it.
/// </summary>
static class DurationBuckets
{
    /// <summary>Buckets of one power of two.</summary>
    public const int Sub = 1 << SubBits;

    /// <summary>So many powers of two have buckets.</summary>
    public const int Powers = 60;

    public const int SubBits = 5;

    /// <summary>The bucket of a duration.</summary>
    public static int Of(long micros)
    {
        ulong value = (ulong)Math.Max(0, micros);
        if (value < Sub)
        {
            return (int)value;
        }
        int exponent = BitOperations.Log2(value);
        return ((exponent - SubBits + 1) << SubBits) + (int)((value >> (exponent - SubBits)) & (Sub - 1));
    }

    /// <summary>The duration in the middle of a bucket.</summary>
    public static double MiddleOf(int bucket)
    {
        if (bucket < Sub)
        {
            return bucket;
        }
        int shift = (bucket >> SubBits) - 1;
        double low = (double)((ulong)(Sub + (bucket & (Sub - 1))) << shift);
        return low + (((1UL << shift) - 1) / 2.0);
    }

    /// <summary>The number that is written at a place, and the place behind it. Nearly all take one byte, and a report reads millions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Read(ReadOnlySpan<byte> written, ref int at)
    {
        byte first = written[at++];
        return first < 0x80 ? first : ReadLong(first, written, ref at);
    }

    static long ReadLong(byte first, ReadOnlySpan<byte> written, ref int at)
    {
        long value = first & 0x7F;
        for (int shift = 7; ; shift += 7)
        {
            byte next = written[at++];
            value |= (long)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }
}

/// <summary>Walks written buckets.</summary>
ref struct BucketReader(ReadOnlySpan<byte> written)
{
    readonly ReadOnlySpan<byte> _written = written;
    int _at;

    public int Bucket { get; private set; }

    public long Times { get; private set; }

    /// <summary>Goes to the next bucket; false at the end.</summary>
    public bool Next()
    {
        if (_at == _written.Length)
        {
            return false;
        }
        Bucket += (int)DurationBuckets.Read(_written, ref _at);
        Times = DurationBuckets.Read(_written, ref _at);
        return true;
    }
}
