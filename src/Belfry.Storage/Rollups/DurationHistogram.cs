using System.Numerics;

namespace Belfry.Storage.Rollups;

/// <summary>
/// Durations in buckets that add up: 32 to each power of two of microseconds, so a percentile is at most 1.6 % off.
/// Written as pairs of numbers: the step to the next bucket that is not empty, and how many are in it.
/// </summary>
sealed class DurationHistogram
{
    const int SubBits = 5, Sub = 1 << SubBits;
    readonly SortedDictionary<int, long> _buckets = [];

    /// <summary>Adds durations, or takes them away with a negative count.</summary>
    public void Add(long micros, long times) => AddTo(BucketOf(micros), times);

    /// <summary>Adds what another has.</summary>
    public void Add(DurationHistogram other)
    {
        foreach ((int bucket, long times) in other._buckets)
        {
            AddTo(bucket, times);
        }
    }

    /// <summary>Adds what was written; an empty text adds nothing.</summary>
    public void Add(ReadOnlySpan<byte> written)
    {
        int bucket = 0;
        while (!written.IsEmpty)
        {
            bucket += (int)Read(ref written);
            AddTo(bucket, (long)Read(ref written));
        }
    }

    /// <summary>The buckets as bytes.</summary>
    public byte[] Write()
    {
        var bytes = new List<byte>(_buckets.Count * 3);
        int last = 0;
        foreach ((int bucket, long times) in _buckets)
        {
            Append(bytes, (ulong)(bucket - last));
            Append(bytes, (ulong)times);
            last = bucket;
        }
        return [.. bytes];
    }

    /// <summary>The duration below which a share of all lies, in seconds; null when there are none.</summary>
    /// <param name="share">0 to 1; 0.95 for p95.</param>
    public double? Percentile(double share)
    {
        long total = _buckets.Values.Sum(), rank = Math.Max(1, (long)Math.Ceiling(share * total));
        foreach ((int bucket, long times) in _buckets)
        {
            rank -= times;
            if (rank <= 0)
            {
                return MiddleOf(bucket) / 1e6;
            }
        }
        return null;
    }

    internal static int BucketOf(long micros)
    {
        ulong value = (ulong)Math.Max(0, micros);
        if (value < Sub)
        {
            return (int)value;
        }
        int exponent = BitOperations.Log2(value);
        return ((exponent - SubBits + 1) << SubBits) + (int)((value >> (exponent - SubBits)) & (Sub - 1));
    }

    internal static double MiddleOf(int bucket)
    {
        if (bucket < Sub)
        {
            return bucket;
        }
        int shift = (bucket >> SubBits) - 1;
        double low = (double)((ulong)(Sub + (bucket & (Sub - 1))) << shift);
        return low + (((1UL << shift) - 1) / 2.0);
    }

    void AddTo(int bucket, long times)
    {
        long sum = _buckets.GetValueOrDefault(bucket) + times;
        if (sum > 0)
        {
            _buckets[bucket] = sum;
        }
        else
        {
            _buckets.Remove(bucket);
        }
    }

    static void Append(List<byte> bytes, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }
        bytes.Add((byte)value);
    }

    static ulong Read(ref ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        for (int shift = 0, i = 0; ; shift += 7, i++)
        {
            value |= (ulong)(bytes[i] & 0x7F) << shift;
            if (bytes[i] < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return value;
            }
        }
    }
}
