using Belfry.Storage.Search;
using Belfry.Storage.Sqlite.Writing;

namespace Belfry.Storage.Tests;

/// <summary>The small parts on their own.</summary>
public sealed class PartsTests
{
    [Fact]
    public void An_id_that_was_stored_is_always_seen_and_one_that_was_not_nearly_never()
    {
        var seen = new SeenIds();
        var random = new Random(4);
        long[] stored = [.. Enumerable.Range(0, 1_500_000).Select(_ => random.NextInt64(1L << 45))];
        foreach (long id in stored)
        {
            seen.Add(id);
        }
        Assert.All(stored.Where((_, i) => i % 1000 == 0), id => Assert.True(seen.MayHave(id)));
        Assert.InRange(Enumerable.Range(0, 100_000).Count(_ => seen.MayHave(random.NextInt64(1L << 45))), 0, 100);
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
}
