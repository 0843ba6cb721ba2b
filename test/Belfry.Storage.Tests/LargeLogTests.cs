namespace Belfry.Storage.Tests;

/// <summary>What only shows when there are many runs: on every engine.</summary>
public abstract class LargeLogTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Children_are_found_in_written_segments_in_memory_and_after_a_restart()
    {
        await using LogStore store = await NewStoreAsync();
        string parent = IdOf(1);
        await using (RunLog log = await store.OpenAsync())
        {
            await log.AppendAsync([.. Ended(0).Select(item => item with { Parent = parent }), .. Ended(1)], Cancel);
            foreach (int[] chunk in Enumerable.Range(2, 40_000).Chunk(5000))
            {
                await log.AppendAsync([.. chunk.SelectMany(n => Ended(n))], Cancel);
            }
            await log.AppendAsync([.. Ended(45_000).Select(item => item with { Parent = parent }), Event(45_001, EventKind.Started, 0) with { Parent = parent }], Cancel);
            await FamilyAsync(log);
        }
        await using (RunLog log = await store.OpenAsync())
        {
            await FamilyAsync(log);
        }

        async Task FamilyAsync(RunLog log)
        {
            Assert.Equal([IdOf(0), IdOf(45_000), IdOf(45_001)], (await log.Queries.ChildrenAsync("s", parent, 10, Cancel)).Select(run => run.Id));
            Assert.Equal(parent, (await log.Queries.FindAsync(parent, null, Cancel)).Single().Id);
        }
    }

    [Fact]
    public async Task Runs_are_found_by_id_and_changed_by_late_events_in_every_segment_before_and_after_a_restart()
    {
        await using LogStore store = await NewStoreAsync();
        await using (RunLog log = await store.OpenAsync())
        {
            foreach (int[] chunk in Enumerable.Range(0, Runs).Chunk(5000))
            {
                await log.AppendAsync([.. chunk.SelectMany(n => Ended(n))], Cancel);
            }
            await FindAsync(log, "1", Sample);
        }
        await using (RunLog log = await store.OpenAsync())
        {
            await FindAsync(log, "1", Sample);
            await log.AppendAsync([.. Sample.Select(n => Event(n, EventKind.Submitted, -50))], Cancel);
            await log.AppendAsync([.. Sample.SelectMany(n => Ended(n))], Cancel); // all of it again
            foreach (int n in Sample)
            {
                TaskRun run = (await log.Queries.FindAsync(IdOf(n), "s", Cancel)).Single();
                Assert.Equal(new Instant(At(n) - 50), run.Submitted);
                Assert.Equal(RunState.Completed, run.State);
            }
            Assert.Empty(await log.Queries.FindAsync(Guid.NewGuid().ToString(), null, Cancel));
            Assert.Equal(Runs, (await log.Queries.StatusAsync(Cancel)).EndedRuns);
            Assert.Equal(new RunCount(10_000, true), await log.Queries.CountAsync(new RunFilter(), 10_000, null, Cancel));
        }
    }

    [Fact]
    public async Task A_search_that_runs_out_of_time_says_how_far_it_looked_and_goes_on_from_there()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        await log.AppendAsync([.. Enumerable.Range(0, 5000).SelectMany(n => Ended(n))], Cancel);
        var filter = new RunFilter { Text = IdOf(3) };
        RunPage page = await log.Queries.PageAsync(filter, 10, null, TimeSpan.Zero, Cancel);
        Assert.Empty(page.Items);
        Assert.NotNull(page.ScannedTo);
        int steps = 0;
        while (page.Items.Count == 0 && page.Next is not null && steps++ < 100)
        {
            page = await log.Queries.PageAsync(filter, 10, page.Next, TimeSpan.Zero, Cancel);
        }
        Assert.Equal(IdOf(3), page.Items.Single().Id);
        Assert.True(steps > 1);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(3)]
    public async Task What_a_few_runs_say_is_found_in_quiet_times_and_in_bursts_newest_first(int size)
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        long[] instants =
        [
            .. Enumerable.Range(0, 40).Select(n => At(0) - (TimeSpan.FromDays(1).Ticks / 10 * n)), // one a day
            .. Enumerable.Range(1, 20_000).Select(n => At(n)),                                     // a burst
            .. Enumerable.Range(1, 3000).Select(n => At(n * 100_000)),                             // one a second
        ];
        bool Says(int n) => n % 1777 == 3 || n is 0 or 39;
        foreach (int[] chunk in Enumerable.Range(0, instants.Length).Chunk(5000))
        {
            await log.AppendAsync([.. chunk.SelectMany(n => Ended(n).Select(item => item with { At = new Instant(instants[n]), Kwargs = Says(n) ? "a needle" : "hay" }))], Cancel);
        }
        var found = new List<string>();
        string? cursor = null;
        do
        {
            RunPage page = await log.Queries.PageAsync(new RunFilter { Text = "NEEDLE" }, size, cursor, TimeSpan.FromMinutes(1), Cancel);
            found.AddRange(page.Items.Select(run => run.Id));
            cursor = page.Next;
        }
        while (cursor is not null);
        Assert.Equal(Enumerable.Range(0, instants.Length).Where(Says).OrderByDescending(n => instants[n]).Select(IdOf), found);
    }

    [Fact]
    public async Task Payloads_are_packed_with_a_dictionary_of_their_own_and_read_and_searched_as_before()
    {
        await using LogStore store = await NewStoreAsync();
        TaskEvent[] With(int n) => [.. Ended(n).Select(item => item with { Kwargs = $"{{'customer': {n}, 'region': 'eu-west', 'options': ['none', 'of', 'these']}}", Args = "('a long text that comes again and again', 5)" })];
        await using (RunLog log = await store.OpenAsync())
        {
            foreach (int[] chunk in Enumerable.Range(0, 9000).Chunk(1000))
            {
                await log.AppendAsync([.. chunk.SelectMany(With)], Cancel);
            }
        }
        await using (RunLog log = await store.OpenAsync())
        {
            foreach (int n in (int[])[0, 3999, 5000, 8999])
            {
                Assert.Equal(Fold.Rows(With(n)), await log.Queries.FindAsync(IdOf(n), null, Cancel));
            }
            Assert.Equal(IdOf(8123), (await log.Queries.PageAsync(new RunFilter { Text = "\"customer': 8123,\"" }, 10, null, null, Cancel)).Items.Single().Id);
            await log.AppendAsync([Event(8123, EventKind.Submitted, -7)], Cancel);
            Assert.Equal(Fold.Rows([.. With(8123), Event(8123, EventKind.Submitted, -7)]), await log.Queries.FindAsync(IdOf(8123), null, Cancel));
        }
        Assert.InRange(await store.CountOfAsync("again and again"u8.ToArray()), 1, 6000); // those before there was enough to learn from, and the dictionary
    }

    protected abstract int Runs { get; }

    protected abstract Task<LogStore> NewStoreAsync();

    int[] Sample => [.. ((int[])[0, 1, 31_000, 32_767, 32_768, 50_000, 65_535, 65_536, Runs - 1]).Where(n => n < Runs)];

    static async Task FindAsync(RunLog log, string result, int[] numbers)
    {
        foreach (int n in numbers)
        {
            Assert.Equal(result, (await log.Queries.FindAsync(IdOf(n), null, Cancel)).Single().Result);
        }
    }

    protected static long At(int n) => 1_795_000_000_000_000 + (n * 10);

    protected static string IdOf(int n)
    {
        var bytes = new byte[16];
        new Random(n).NextBytes(bytes);
        return new Guid(bytes).ToString();
    }

    static IEnumerable<TaskEvent> Ended(int n) => [Event(n, EventKind.Started, 0), Event(n, EventKind.Succeeded, 5) with { Result = "1" }];

    static TaskEvent Event(int n, EventKind kind, long after) =>
        new() { Source = "s", Id = IdOf(n), Kind = kind, At = new Instant(At(n) + after), Task = "t" };
}
