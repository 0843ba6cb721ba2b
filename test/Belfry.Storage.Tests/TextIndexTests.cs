using System.Text;
using Belfry.Storage.Search;

namespace Belfry.Storage.Tests;

/// <summary>The full-text index changes how fast a search answers, never what.</summary>
public abstract class TextIndexTests
{
    const long Begin = 1_785_000_000_000_000, Week = 7 * 86_400 * 1_000_000L;
    static readonly string[] Scraps = ["invoice", "Northgate", "42", "317", "ÄPFEL", "äpfel", "ǅungla", "наука", "данные", "東京都", "🚀🚀", "𐐀𐐨", "K", "ſ", "İstanbul", "ß", "a\0b", "say \"x\"", "50%_", "\\n", "'", "  "];
    static readonly string[] Searches =
    [
        "invoice", "INVOICE", "nvoic", "42", "1", "äpfel", "ÄPFEL northgate", "наук", "НАУКА", "東京都", "京都", "🚀🚀", "🚀", "𐐨𐐀", "istanbul", "ſ", "K",
        "\"invoice 42\"", "\"'invoice\"", "inv*42", "*oic*gate*", "-invoice", "invoice -northgate", "NOT (invoice OR 317)", "invoice OR 317", "317 OR ab", "args:invoice", "kwargs:42,317",
        "result:north*", "-args:invoice", "task:import invoice", "task:imp* 317", "id:run-1*", "id:run-17", "run-17", "state:failed invoice", "state:completed invoice", "reason:invoice",
        "exception:ValueError invoice", "\"50%_\"", "\"\\n\"", "\"\"", "invoice runtime>1", "value*invoice", "(invoice northgate) OR (317 42)", "b2c3", "a1b2c3d4-0000",
    ];

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected abstract Task<LogStore> NewStoreAsync();

    /// <summary>How many runs are in the index, and how many are due, or wait to be reached.</summary>
    protected abstract Task<(long Runs, long Waiting)> CountAsync(LogStore store);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Any_search_finds_the_same_with_the_index_without_it_and_while_it_is_built(int seed)
    {
        var random = new Random(seed);
        await using LogStore store = await NewStoreAsync();
        await using (RunLog log = await store.OpenAsync())
        {
            await AppendAsync(log, random, 0, 150);
            await SameAsync(log, "without");
        }
        await using (RunLog log = await store.OpenAsync(options => options.FullTextIndex = true))
        {
            await SameAsync(log, "while it is built");
            await FollowedAsync(store, 100);
            await SameAsync(log, "with");
            await AppendAsync(log, random, 80, 140); // late ones, and changes of those that are in it
            await SameAsync(log, "while it follows");
            await FollowedAsync(store, 160);
            await SameAsync(log, "when it followed");
        }
        await using (RunLog log = await store.OpenAsync())
        {
            await AppendAsync(log, random, 200, 60); // by a process that does not keep it
            await SameAsync(log, "beside");
        }
        await using (RunLog log = await store.OpenAsync(options => options.FullTextIndex = true))
        {
            await log.RetainAsync(new RetentionPolicy { Age = Instant.Now(TimeProvider.System) - new Instant(Begin + (2 * Week)), FailureAge = TimeSpan.FromDays(900) }, Cancel);
            await SameAsync(log, "after retention");
        }
    }

    [Fact]
    public async Task Runs_of_one_instant_and_of_a_whole_week_apart_are_found_alike()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync(options => options.FullTextIndex = true);
        await log.AppendAsync([.. Enumerable.Range(0, 300).Select(n => Ended($"here-{n}", new Instant(Begin)))], Cancel);
        await FollowedAsync(store, 300);
        await log.AppendAsync([Ended("before", new Instant(Begin - (Week / 2))), Ended("after", new Instant(Begin + (Week / 2)))], Cancel);
        await FollowedAsync(store, 302);
        await SameAsync(log, "of one instant");

        static TaskEvent Ended(string id, Instant at) => new() { Source = "s", Id = id, Kind = EventKind.Succeeded, At = at, Task = "t", Args = "invoice 42" };
    }

    [Fact]
    public async Task Switched_off_it_goes_away_and_on_again_it_is_built_again()
    {
        await using LogStore store = await NewStoreAsync();
        for (int round = 0; round < 2; round++)
        {
            await using (RunLog log = await store.OpenAsync(options => options.FullTextIndex = true))
            {
                await AppendAsync(log, new Random(round), round * 500, 500);
                await FollowedAsync(store, 300);
                Assert.EndsWith(" runs, up to date", (await log.Queries.StatusAsync(Cancel)).TellTextIndex(true), StringComparison.Ordinal);
            }
            await using (RunLog log = await store.OpenAsync(options => options.FullTextIndex = false))
            {
                await UntilAsync(async () => await CountAsync(store) == (0, 0));
                await SameAsync(log, "off");
                Assert.Equal("off", (await log.Queries.StatusAsync(Cancel)).TellTextIndex(false));
            }
        }
    }

    [Fact]
    public async Task Weeks_most_of_whose_runs_are_gone_are_made_anew()
    {
        await using LogStore store = await NewStoreAsync();
        var clock = new ManualClock(DateTimeOffset.UnixEpoch.AddMicroseconds(Begin + (4 * Week)));
        await using (RunLog log = await store.OpenAsync(options => options.FullTextIndex = true))
        {
            await AppendAsync(log, new Random(7), 0, 600);
            await FollowedAsync(store, 500);
        }
        await using (RunLog log = await store.OpenAsync(clock: clock))
        {
            await log.RetainAsync(new RetentionPolicy { Age = TimeSpan.FromDays(8), FailureAge = TimeSpan.FromDays(300) }, Cancel);
        }
        await using (RunLog log = await store.OpenAsync(options => options.FullTextIndex = true))
        {
            await UntilAsync(async () => await CountAsync(store) is ({ } runs, 0) && runs < 400);
            await SameAsync(log, "anew");
        }
    }

    async Task FollowedAsync(LogStore store, int atLeast) => await UntilAsync(async () => await CountAsync(store) is ({ } runs, 0) && runs >= atLeast);

    static async Task UntilAsync(Func<Task<bool>> holds)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (!await holds())
        {
            Assert.InRange(TimeProvider.System.GetElapsedTime(began).TotalSeconds, 0, 60);
            await Task.Delay(20, Cancel);
        }
    }

    /// <summary>Every search gives what its own meaning takes of all runs, on pages of any size, and the count agrees.</summary>
    static async Task SameAsync(RunLog log, string when)
    {
        IReadOnlyList<TaskRun> all = (await log.Queries.PageAsync(new RunFilter(), 1000, null, null, Cancel)).Items;
        foreach (string text in Searches)
        {
            var filter = new RunFilter { Text = text };
            TaskRun[] expected = [.. all.Where(filter.ToPredicate())];
            var found = new List<TaskRun>();
            string? cursor = null;
            do
            {
                RunPage page = await log.Queries.PageAsync(filter, 17 + (expected.Length / 2), cursor, TimeSpan.FromMinutes(1), Cancel);
                found.AddRange(page.Items);
                cursor = page.Next;
            }
            while (cursor is not null);
            Assert.True(expected.SequenceEqual(found), $"{text} {when}: {found.Count} instead of {expected.Length}");
            Assert.Equal(expected.Length, (await log.Queries.CountAsync(filter, 10_000, TimeSpan.FromMinutes(1), Cancel)).Runs);
        }
    }

    /// <summary>Runs over three weeks, some of which end again, otherwise, when they come once more.</summary>
    static async Task AppendAsync(RunLog log, Random random, int first, int runs)
    {
        foreach (int[] chunk in Enumerable.Range(first, runs).Chunk(37))
        {
            await log.AppendAsync([.. chunk.SelectMany(n => Run(random, n))], Cancel);
        }
    }

    static IEnumerable<TaskEvent> Run(Random random, int n)
    {
        string id = n % 3 == 0 ? $"a1b2c3d4-0000-4000-8000-{n:x12}" : $"run-{n}";
        var at = new Instant(Begin + (n * 7919L % 1000 * (3 * Week / 1000)));
        yield return new TaskEvent
        {
            Source = "s", Id = id, Kind = EventKind.Started, At = at, Task = n % 2 == 0 ? "import" : $"shop.{Scraps[n % 5]}", Args = $"({Text(random)},)", Kwargs = $"{{'x': '{Text(random)}'}}", Worker = "w",
        };
        int end = random.Next(10);
        if (end < 9)
        {
            yield return new TaskEvent
            {
                Source = "s", Id = id, Kind = end == 0 ? EventKind.Failed : end == 1 ? EventKind.Cancelled : EventKind.Succeeded, At = at + TimeSpan.FromSeconds(1 + random.Next(3)),
                Result = end > 1 ? Text(random) : null, Exception = end == 0 ? $"ValueError('{Text(random)}')" : null, Reason = end == 1 ? Text(random) : null, Worker = "w",
            };
        }
    }

    static string Text(Random random) => string.Join(random.Next(2) == 0 ? " " : "", Enumerable.Range(0, random.Next(4)).Select(_ => Scraps[random.Next(Scraps.Length)]));
}

/// <summary>What is told of the index.</summary>
public sealed class TextIndexWordsTests
{
    [Theory]
    [InlineData(null, null, null, "off")]
    [InlineData(false, null, "no FTS5", "off")]
    [InlineData(false, 0L, null, "off, and being taken away")]
    [InlineData(true, null, null, "not made yet")]
    [InlineData(true, null, "no FTS5", "there is none: no FTS5")]
    [InlineData(true, 0L, null, "12,345 runs, up to date")]
    [InlineData(true, 1700L, null, "12,345 runs, 1,700 wait")]
    [InlineData(true, 0L, "no FTS5", "12,345 runs, and it stands still: no FTS5")]
    [InlineData(null, 0L, null, "12,345 runs, up to date")]
    public void They_say_whether_there_is_one_and_how_far_behind_it_is(bool? wanted, long? due, string? lacks, string told)
    {
        var store = new StoreStatus("memory:", "SQLite", 1, 0, null, 0, 0) { TextIndex = due is { } runs ? new TextIndexStatus(12_345, runs, WeeksMissing: false) : null, TextIndexLacks = lacks };
        Assert.Equal(told, store.TellTextIndex(wanted));
    }

    [Fact]
    public void Weeks_that_it_has_not_reached_are_told_of()
    {
        var whole = new TextWeek(2, 0, 3 * TextWeek.New(1).Begin, 5, 0);
        long in1 = TextWeek.New(1).Begin + 7, in2 = TextWeek.New(2).Begin + 7;
        Assert.True(TextIndexStatus.Of([], 0, oldest: 0, newest: 0).IsUpToDate);
        Assert.True(TextIndexStatus.Of([whole], 0, in2, in2).IsUpToDate);
        Assert.True(TextIndexStatus.Of([whole], 0, in1, in2).WeeksMissing);
        Assert.True(TextIndexStatus.Of([whole with { Filled = whole.Begin }], 0, in2, in2).WeeksMissing);
    }
}

/// <summary>The form of texts in an index.</summary>
public sealed class TextFoldTests
{
    [Fact]
    public void What_a_search_takes_for_the_same_letter_has_the_same_form()
    {
        string[] letters = [.. Enumerable.Range(0, 0x110000).Where(Rune.IsValid).Select(char.ConvertFromUtf32)];
        foreach (string letter in letters.Where(letter => letter != "\0"))
        {
            string form = TextFold.Of(letter);
            Assert.True(string.Equals(form, letter, StringComparison.OrdinalIgnoreCase) && form.Length == letter.Length, letter);
            // Whatever is the same as this letter is the same as its capital; so it is enough that small and capital letters have one form.
            Assert.All((string[])[letter.ToLowerInvariant(), letter.ToUpperInvariant()], other =>
                Assert.True(TextFold.Of(other) == form || !string.Equals(other, letter, StringComparison.OrdinalIgnoreCase), letter));
        }
        foreach (IGrouping<int, string> same in letters.GroupBy(StringComparer.OrdinalIgnoreCase.GetHashCode).Where(group => group.Skip(1).Any()))
        {
            Assert.All(
                from a in same from b in same where string.Equals(a, b, StringComparison.OrdinalIgnoreCase) && !(a + b).Contains('\0', StringComparison.Ordinal) select (a, b),
                pair => Assert.Equal(TextFold.Of(pair.a), TextFold.Of(pair.b)));
        }
    }
}
