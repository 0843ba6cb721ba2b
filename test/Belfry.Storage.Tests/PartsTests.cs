using Belfry.Storage.Rows;
using Belfry.Storage.Search;
using Belfry.Storage.Sqlite.Writing;
using Belfry.Storage.Writing;

namespace Belfry.Storage.Tests;

/// <summary>The small parts on their own.</summary>
public sealed class PartsTests
{
    [Fact]
    public void An_id_that_was_stored_is_always_seen_and_one_that_was_not_nearly_never()
    {
        const int ofSegment = 32_768, segments = 80;
        var seen = new SeenIds();
        var random = new Random(4);
        long[] stored = [.. Enumerable.Range(0, segments * ofSegment).Select(_ => random.NextInt64(1L << 45))];
        for (int i = 0; i < stored.Length; i++)
        {
            seen.Add(stored[i], 1 + (i / ofSegment));
        }
        Assert.All(stored.Where((_, i) => i % 1000 == 0), id => Assert.True(seen.MayHave(id)));
        Assert.InRange(Enumerable.Range(0, 300_000).Count(_ => seen.MayHave(random.NextInt64(1L << 45))), 0, 9);

        long[] all = [.. Enumerable.Range(1, segments + 1)];
        Assert.Equal(all, seen.Among(all, stored[0])); // nobody has said yet that none of them changes
        seen.Sealed = segments;
        Assert.InRange(stored.Where((_, i) => i % 10_000 == 0).Average(id => seen.Among(all, id).Count), 25, 36);
        Assert.All(Enumerable.Range(0, stored.Length).Where(i => i % 1000 == 0), i => Assert.Contains(1 + (i / ofSegment), seen.Among(all, stored[i])));
        Assert.Equal([segments, segments + 1], seen.Among(all, -1));
    }

    [Fact]
    public void An_id_is_indexed_by_bits_that_differ_also_where_ids_end_in_the_address_of_their_machine()
    {
        string[] ids = [.. Enumerable.Range(0, 10_000).Select(n => $"{0xd5a0_0000 + (n * 10):x8}-c6f1-11f0-8de9-0242ac120002")]; // version 1, one a microsecond
        Assert.InRange(ids.Select(id => RunKey.Of(id, 1).LowBits).Distinct().Count(), 9_990, 10_000);
    }

    [Fact]
    public void The_places_of_open_runs_are_those_of_all_attempts_of_an_id()
    {
        var places = new OpenPlaces();
        RunKey one = RunKey.Of("one", 1), elsewhere = RunKey.Of("one", 2), other = RunKey.Of("other", 1);
        places.Add(one, 5);
        places.Add(one, 7);
        places.Add(one, 9);
        places.Add(other, 8);
        Assert.Equal([5, 7, 9], PlacesOf(one).Order());
        Assert.Empty(PlacesOf(elsewhere));
        Assert.Equal(9, places.Last);
        places.Remove(one, 5);
        Assert.Equal([7, 9], PlacesOf(one).Order());
        places.Remove(one, 7);
        places.Remove(one, 9);
        Assert.False(places.Has(one));
        Assert.Equal([8], PlacesOf(other));

        List<long> PlacesOf(RunKey key)
        {
            var found = new List<long>();
            places.Find(key, found);
            return found;
        }
    }

    [Fact]
    public async Task Chores_are_done_one_after_another_while_their_turn_lasts_and_the_rest_is_called_for()
    {
        int woken = 0;
        var clock = new Testing.ManualClock();
        var chores = new Chores(() => woken++);
        Task<int>[] asked = [.. Enumerable.Range(0, 4).Select(n => chores.DoAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                return n;
            },
            TestContext.Current.CancellationToken))];
        woken = 0;
        chores.Do(clock, clock.GetTimestamp(), TimeSpan.FromSeconds(3));
        Assert.Equal(3, asked.Count(chore => chore.IsCompleted));
        Assert.Equal(1, woken);
        chores.Do(clock, clock.GetTimestamp(), TimeSpan.Zero);
        Assert.Equal(Enumerable.Range(0, 4), await Task.WhenAll(asked));
        Assert.Equal(1, woken);
    }

    [Fact]
    public async Task An_index_that_stumbles_says_so_and_goes_on()
    {
        var index = new StumblingIndex();
        var clock = new Testing.ManualClock();
        Task indexing = new TextIndexing(index, clock, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance).RunAsync(TestContext.Current.CancellationToken);
        await clock.AdvanceWhenAskedAsync(TimeSpan.FromSeconds(10));
        await indexing;
        Assert.Equal(2, index.Turns);
    }

    [Theory]
    [InlineData("a.*.run", "a.b.c.run", true)]
    [InlineData("*run", "a.RUN", true)]
    [InlineData("a*a", "a", false)]
    [InlineData("*", "", true)]
    [InlineData("a*b*c", "aXbYc", true)]
    [InlineData("a*b*c", "aXcYb", false)]
    [InlineData("plain", "Plain", false)]
    public void A_star_stands_for_anything(string pattern, string text, bool expected) => Assert.Equal(expected, Glob.Matches(pattern, text));

    [Theory]
    [InlineData("NORTH", "the northgate", true)]
    [InlineData("é", "caf\u00c9", true)]
    [InlineData("xx", "x", false)]
    [InlineData("aab", "aaab", true)]
    [InlineData("did*answer", "It did not Answer", true)]
    [InlineData("answer*did", "It did not Answer", false)]
    [InlineData("*sync*", "a sync of stock", true)]
    [InlineData("ab*ba", "aba", false)]
    [InlineData("*", "", true)]
    [InlineData("", "x", true)]
    public void A_word_is_found_in_any_case(string word, string text, bool expected) =>
        Assert.Equal((expected, expected), (new Needle(word).IsIn(System.Text.Encoding.UTF8.GetBytes(text)), new Needle(word).IsIn(text)));

    sealed class StumblingIndex : ITextIndex
    {
        public int Turns { get; private set; }

        public Task<TextWork> WorkAsync(CancellationToken cancel) => ++Turns == 1 ? throw new InvalidOperationException("nobody foresaw this") : Task.FromResult(TextWork.Over);
    }
}
