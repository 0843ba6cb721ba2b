using System.Numerics;

namespace Belfry.Storage.Rollups;

/// <summary>
/// Durations in buckets that add up: 32 to each power of two of microseconds, so a percentile is at most 1.6 % off.
/// Written as pairs of numbers: the step to the next bucket that is not empty, and how many are in it.
/// </summary>
sealed class DurationHistogram
{
    const int SubBits = 5, Sub = 1 << SubBits;

    // In order of their buckets, none of them empty. There are seldom more than fifty.
    (int Bucket, long Times)[] _buckets = new (int, long)[16];
    int _count;

    /// <summary>Adds durations, or takes them away with a negative count.</summary>
    public void Add(long micros, long times) => AddTo(BucketOf(micros), times);

    /// <summary>Adds what another has.</summary>
    public void Add(DurationHistogram other)
    {
        foreach ((int bucket, long times) in other.Filled)
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
        Span<byte> bytes = _count <= 100 ? stackalloc byte[1500] : new byte[_count * 15];
        int length = 0, last = 0;
        foreach ((int bucket, long times) in Filled)
        {
            Append(bytes, ref length, (ulong)(bucket - last));
            Append(bytes, ref length, (ulong)times);
            last = bucket;
        }
        return bytes[..length].ToArray();
    }

    /// <summary>The duration below which a share of all lies, in seconds; null when there are none.</summary>
    /// <param name="share">0 to 1; 0.95 for p95.</param>
    public double? Percentile(double share)
    {
        long total = 0;
        foreach ((_, long times) in Filled)
        {
            total += times;
        }
        long rank = Math.Max(1, (long)Math.Ceiling(share * total));
        foreach ((int bucket, long times) in Filled)
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

    ReadOnlySpan<(int Bucket, long Times)> Filled => _buckets.AsSpan(0, _count);

    void AddTo(int bucket, long times)
    {
        int at = _count;
        while (at > 0 && _buckets[at - 1].Bucket >= bucket)
        {
            at--;
        }
        if (at == _count || _buckets[at].Bucket != bucket)
        {
            Insert(at, bucket, times);
            return;
        }
        _buckets[at].Times += times;
        if (_buckets[at].Times <= 0)
        {
            Array.Copy(_buckets, at + 1, _buckets, at, --_count - at);
        }
    }

    void Insert(int at, int bucket, long times)
    {
        if (times <= 0)
        {
            return;
        }
        if (_count == _buckets.Length)
        {
            Array.Resize(ref _buckets, _count * 2);
        }
        Array.Copy(_buckets, at, _buckets, at + 1, _count++ - at);
        _buckets[at] = (bucket, times);
    }

    static void Append(Span<byte> bytes, ref int length, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            bytes[length++] = (byte)(value | 0x80);
        }
        bytes[length++] = (byte)value;
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
