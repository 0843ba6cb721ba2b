using Belfry.Storage.Sqlite.Writing;

namespace Belfry.Storage.Tests;

public sealed class TakenSpansTests
{
    [Fact]
    public void Behind_any_stretches_lies_what_a_walk_over_each_instant_finds()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var spans = new TakenSpans();
            var taken = new HashSet<long>();
            for (int n = 0; n < 60; n++)
            {
                long from = random.Next(100), to = from + random.Next(1, 8);
                spans.Add(from, to);
                taken.UnionWith(Enumerable.Range((int)from, (int)(to - from)).Select(at => (long)at));
                for (long at = -1; at < 110; at++)
                {
                    long behind = at;
                    while (taken.Contains(behind))
                    {
                        behind++;
                    }
                    Assert.Equal(behind, spans.Behind(at));
                }
            }
            Assert.Equal(taken.Count(at => !taken.Contains(at - 1)), spans.Count);
        }
    }

    [Fact]
    public void Runs_of_one_instant_are_one_stretch_and_of_very_many_stretches_the_older_ones_go()
    {
        var spans = new TakenSpans();
        for (long at = 0; at < 100_000; at++)
        {
            spans.Add(0, at + 1);
        }
        Assert.Equal((1, 100_000), (spans.Count, spans.Behind(0)));
        for (long at = 1; at <= 30_000; at++)
        {
            spans.Add(200_000 + (2 * at), 200_001 + (2 * at));
        }
        Assert.InRange(spans.Count, 1, 10_000);
        Assert.Equal(260_001, spans.Behind(260_000));
    }
}
