namespace Belfry.Storage.Rollups;

/// <summary>What is added to the durations of a cell, or taken away: few buckets, in their order.</summary>
sealed class DurationHistogram
{
    const int LongestPair = 15; // bytes: a step takes at most 5, a number 10

    int[] _buckets = new int[8];
    long[] _times = new long[8];
    int _count;

    /// <summary>Adds durations to a bucket, or takes them away with a negative number.</summary>
    public void Add(int bucket, long times)
    {
        int at = _count > 0 && _buckets[_count - 1] < bucket ? ~_count : _buckets.AsSpan(0, _count).BinarySearch(bucket);
        if (at >= 0)
        {
            _times[at] += times;
        }
        else
        {
            Insert(~at, bucket, times);
        }
    }

    /// <summary>Adds what another has.</summary>
    public void Add(DurationHistogram other)
    {
        for (int i = 0; i < other._count; i++)
        {
            Add(other._buckets[i], other._times[i]);
        }
    }

    /// <summary>Adds what was written; nothing when it is empty.</summary>
    public void Add(ReadOnlySpan<byte> written)
    {
        var reader = new BucketReader(written);
        while (reader.Next())
        {
            Add(reader.Bucket, reader.Times);
        }
    }

    /// <summary>What was written before with this on top, as bytes. A bucket never holds less than none.</summary>
    public byte[] Onto(ReadOnlySpan<byte> stored)
    {
        int most = stored.Length + (_count * LongestPair);
        Span<byte> bytes = most <= 2048 ? stackalloc byte[2048] : new byte[most];
        (int length, int last) = (0, 0);
        var reader = new BucketReader(stored);
        bool more = reader.Next();
        for (int i = 0; more || i < _count;)
        {
            bool isStored = more && (i == _count || reader.Bucket <= _buckets[i]);
            bool isAdded = i < _count && (!more || _buckets[i] <= reader.Bucket);
            int bucket = isStored ? reader.Bucket : _buckets[i];
            long times = (isStored ? reader.Times : 0) + (isAdded ? _times[i] : 0);
            if (times > 0)
            {
                Append(bytes, ref length, (ulong)(bucket - last));
                Append(bytes, ref length, (ulong)times);
                last = bucket;
            }
            more = isStored ? reader.Next() : more;
            i += isAdded ? 1 : 0;
        }
        return bytes[..length].ToArray();
    }

    void Insert(int at, int bucket, long times)
    {
        if (_count == _buckets.Length)
        {
            Array.Resize(ref _buckets, _count * 2);
            Array.Resize(ref _times, _count * 2);
        }
        Array.Copy(_buckets, at, _buckets, at + 1, _count - at);
        Array.Copy(_times, at, _times, at + 1, _count++ - at);
        (_buckets[at], _times[at]) = (bucket, times);
    }

    static void Append(Span<byte> bytes, ref int length, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            bytes[length++] = (byte)(value | 0x80);
        }
        bytes[length++] = (byte)value;
    }
}
