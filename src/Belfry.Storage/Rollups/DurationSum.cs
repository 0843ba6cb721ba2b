namespace Belfry.Storage.Rollups;

/// <summary>Adds up the durations of many cells: an array over the numbers of buckets, of which only the powers of two exist that occur.</summary>
sealed class DurationSum
{
    readonly long[]?[] _powers = new long[DurationBuckets.Powers][];

    /// <summary>Adds what was written; nothing when it is empty.</summary>
    public void Add(ReadOnlySpan<byte> written)
    {
        (int at, int bucket, int last) = (0, 0, -1);
        long[] power = [];
        while (at < written.Length)
        {
            bucket += (int)DurationBuckets.Read(written, ref at);
            if (bucket >> DurationBuckets.SubBits != last)
            {
                last = bucket >> DurationBuckets.SubBits;
                power = _powers[last] ??= new long[DurationBuckets.Sub];
            }
            power[bucket & (DurationBuckets.Sub - 1)] += DurationBuckets.Read(written, ref at);
        }
    }

    /// <summary>The duration below which a share of all lies, in seconds; null when there are none.</summary>
    /// <param name="share">0 to 1; 0.95 for p95.</param>
    public double? Percentile(double share)
    {
        long rank = Math.Max(1, (long)Math.Ceiling(share * Total()));
        for (int power = 0; power < _powers.Length; power++)
        {
            long[] times = _powers[power] ?? [];
            for (int sub = 0; sub < times.Length; sub++)
            {
                rank -= times[sub];
                if (rank <= 0)
                {
                    return DurationBuckets.MiddleOf((power << DurationBuckets.SubBits) + sub) / 1e6;
                }
            }
        }
        return null;
    }

    long Total()
    {
        long total = 0;
        foreach (long[] times in _powers.OfType<long[]>())
        {
            foreach (long some in times)
            {
                total += some;
            }
        }
        return total;
    }
}
