namespace Belfry.Storage.Tests;

/// <summary>What is remembered for those who come back.</summary>
public sealed class RunFeedTests
{
    static readonly string Long = new('x', 1024 * 1024);

    [Theory]
    [InlineData(15_000, false, RunFeed.Remembered)]
    [InlineData(100, true, 32)]
    public async Task Of_changes_beyond_their_number_or_their_length_the_newest_are_remembered_behind_a_gap(int published, bool withLongResults, int remembered)
    {
        var feed = new RunFeed(new Instant(1000));
        foreach (int[] some in Enumerable.Range(0, published).Chunk(7))
        {
            feed.Publish([.. some.Select(number => new RunChange(0, Run($"{number}", withLongResults ? Long : null), null, Gap: false))]);
        }
        var read = new List<RunChange>();
        await foreach (RunChange change in feed.ReadAsync(999, TestContext.Current.CancellationToken))
        {
            read.Add(change);
            if (change.Number == 999 + published)
            {
                break;
            }
        }
        Assert.True(read[0].Gap);
        Assert.Equal(Enumerable.Range(published - remembered, remembered).Select(number => $"{number}"), read.Skip(1).Select(change => change.Run!.Id));
    }

    [Fact]
    public async Task A_change_that_is_longer_than_all_that_may_be_remembered_is_told()
    {
        var feed = new RunFeed(new Instant(1000));
        feed.Publish([new RunChange(0, Run("long", new string('x', (int)RunFeed.RememberedText + 1)), null, Gap: false)]);
        await using IAsyncEnumerator<RunChange> changes = feed.ReadAsync(999, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await changes.MoveNextAsync());
        Assert.Equal("long", changes.Current.Run?.Id);
    }

    static TaskRun Run(string id, string? result) =>
        new() { Source = "s", Id = id, Attempt = 1, State = RunState.Completed, At = new Instant(1), First = new Instant(1), Updated = new Instant(1), Result = result };
}
