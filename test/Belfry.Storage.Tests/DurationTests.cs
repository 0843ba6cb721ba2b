using Belfry.Storage.Rollups;

namespace Belfry.Storage.Tests;

/// <summary>Durations that add up.</summary>
public sealed class DurationTests
{
    static readonly long[] All = [0, 1, 31, 32, 33, 1000, 1_000_000, 86_400_000_000, long.MaxValue / 4, long.MaxValue];

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.95)]
    [InlineData(0.99)]
    public void A_percentile_is_at_most_two_percent_off_however_the_durations_were_spread_over_cells(double share)
    {
        var random = new Random(11);
        long[] durations = [.. Enumerable.Range(0, 20_000).Select(_ => (long)Math.Exp(random.NextDouble() * 20))];
        var sum = new DurationSum();
        foreach (long[] cell in durations.Chunk(700))
        {
            sum.Add(Of(cell).Onto([]));
        }
        double exact = durations.Order().ElementAt((int)Math.Ceiling(share * durations.Length) - 1) / 1e6;
        Assert.InRange(sum.Percentile(share)!.Value, exact * 0.98, exact * 1.02);
    }

    [Fact]
    public void What_is_added_piece_by_piece_and_level_by_level_is_what_is_added_at_once()
    {
        var random = new Random(3);
        long[] durations = [.. All, .. Enumerable.Range(0, 500).Select(_ => random.NextInt64(100_000))];
        byte[] stored = [];
        var added = new DurationHistogram();
        foreach (long[] piece in durations.Chunk(17))
        {
            stored = Of(piece).Onto(stored);
            added.Add(Of(piece).Onto([]));
        }
        random.Shuffle(durations);
        Assert.Equal(Of(durations).Onto([]), stored);
        Assert.Equal(stored, added.Onto([]));
    }

    [Fact]
    public void What_is_taken_away_again_leaves_nothing_in_whatever_order_that_came()
    {
        var changes = new DurationHistogram();
        changes.Add(DurationBuckets.Of(1000), -1);
        changes.Add(DurationBuckets.Of(5000), 1);
        changes.Add(DurationBuckets.Of(5000), -1);
        Assert.Empty(changes.Onto(Of([1000]).Onto([])));
        Assert.Empty(changes.Onto([]));
        Assert.Equal(Of([7, 9_000_000]).Onto([]), changes.Onto(Of([7, 1000, 9_000_000]).Onto([])));
        Assert.Null(new DurationSum().Percentile(0.5));
    }

    static DurationHistogram Of(IEnumerable<long> durations)
    {
        var histogram = new DurationHistogram();
        foreach (long micros in durations)
        {
            histogram.Add(DurationBuckets.Of(micros), 1);
        }
        return histogram;
    }
}
