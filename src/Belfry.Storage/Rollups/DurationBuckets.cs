using System.Numerics;

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
}

/// <summary>Walks written buckets.</summary>
ref struct BucketReader(ReadOnlySpan<byte> written)
{
    ReadOnlySpan<byte> _rest = written;

    public int Bucket { get; private set; }

    public long Times { get; private set; }

    /// <summary>Goes to the next bucket; false at the end.</summary>
    public bool Next()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }
        Bucket += (int)Read();
        Times = (long)Read();
        return true;
    }

    ulong Read()
    {
        ulong value = _rest[0];
        if (value < 0x80)
        {
            _rest = _rest[1..];
            return value;
        }
        value &= 0x7F;
        for (int shift = 7, i = 1; ; shift += 7, i++)
        {
            value |= (ulong)(_rest[i] & 0x7F) << shift;
            if (_rest[i] < 0x80)
            {
                _rest = _rest[(i + 1)..];
                return value;
            }
        }
    }
}
