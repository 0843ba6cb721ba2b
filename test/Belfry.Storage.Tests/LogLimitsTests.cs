using Belfry.Testing;

namespace Belfry.Storage.Tests;

/// <summary>What is too long, impossible or secret comes into the log as it may be, or not at all: on every engine.</summary>
public abstract class LogLimitsTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("row", "104")]
    public async Task Strange_events_are_kept_within_limits_and_counted()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        await log.AppendAsync(
        [
            new() { Source = "s", Id = "big", Kind = EventKind.Succeeded, At = new Instant(1), Task = "t", Args = new string('x', 10_000_000) },
            new() { Source = "s", Id = "past", Kind = EventKind.Succeeded, At = new Instant(-5), Task = "t" },
            new() { Source = "s", Id = "future", Kind = EventKind.Succeeded, At = Instant.From(new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero)), Task = "t" },
            new() { Source = "s", Id = new string('i', 5000), Kind = EventKind.Succeeded, At = new Instant(1), Task = "t" },
        ],
            Cancel);
        Assert.Equal(1_000_000, (await log.Queries.FindAsync("big", null, Cancel)).Single().Args!.Length);
        TaskRun future = (await log.Queries.FindAsync("future", null, Cancel)).Single();
        Assert.True(future.ClockOff);
        Assert.True(future.At <= Instant.Now(TimeProvider.System));
        Assert.True((await log.Queries.FindAsync("past", null, Cancel)).Single().ClockOff);
        Assert.Equal(4, (await log.Queries.RefusalsAsync(Cancel)).Count);
        Assert.Equal(3, (await log.Queries.StatusAsync(Cancel)).EndedRuns);
    }

    [Theory]
    [InlineData(true, "(1, [])", "{'a': [], 'b': 3}", "[]")]
    [InlineData(false, "(1, [2, 3])", "{'a': [1, 2], 'b': 3}", "[[], [], []]")]
    [Trait("row", "104")]
    public async Task Nested_data_are_emptied_where_that_is_wished(bool wished, string args, string kwargs, string result)
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync(options => options.TruncateNested = wished);
        await log.AppendAsync([new() { Source = "s", Id = "i", Kind = EventKind.Succeeded, At = new Instant(1), Task = "t", Args = "(1, [2, 3])", Kwargs = "{'a': [1, 2], 'b': 3}", Result = "[[], [], []]" }], Cancel);
        TaskRun run = (await log.Queries.FindAsync("i", null, Cancel)).Single();
        Assert.Equal((args, kwargs, result), (run.Args, run.Kwargs, run.Result));
        Assert.Equal(!wished, Again.ShowsArguments(run)); // nobody calls it again with an empty list that was none
        await log.AppendAsync([new() { Source = "s", Id = "j", Kind = EventKind.Succeeded, At = new Instant(2), Task = "t", Args = "([], {})", Result = "[[1]]", Extra = """{"colour": "red"}""" }], Cancel);
        TaskRun plain = (await log.Queries.FindAsync("j", null, Cancel)).Single();
        Assert.Equal(("""{"colour": "red"}""", true), (plain.Extra, Again.ShowsArguments(plain)));
        await log.AppendAsync([new() { Source = "s", Id = "k", Kind = EventKind.Succeeded, At = new Instant(3), Task = "t", Args = "([1],)", Extra = """{"colour": "red"}""" }], Cancel);
        TaskRun both = (await log.Queries.FindAsync("k", null, Cancel)).Single();
        Assert.Equal((wished ? """{"arguments_emptied": true, "colour": "red"}""" : """{"colour": "red"}""", !wished), (both.Extra, Again.ShowsArguments(both)));
    }

    [Theory]
    [InlineData(998)] // the cut, after 999 characters, goes through the middle of one
    [InlineData(4)]
    public async Task Halves_of_characters_in_names_harm_nobody_neither_at_once_nor_after_a_restart(int length)
    {
        string task = new string('x', length) + (length < 900 ? "\uD83D" : string.Concat(Enumerable.Repeat("\U0001F514", 10)));
        await using LogStore store = await NewStoreAsync();
        for (int life = 0; life < 2; life++)
        {
            await using RunLog log = await store.OpenAsync();
            for (int run = 0; run < 2; run++)
            {
                TaskEvent ended = new() { Source = "s", Id = $"{life} {run}", Kind = EventKind.Succeeded, At = new Instant(1 + run), Task = task, Worker = task };
                await log.AppendAsync([ended], Cancel).WaitAsync(TimeSpan.FromSeconds(20), Cancel);
                Assert.Single(await log.Queries.FindAsync(ended.Id, null, Cancel));
            }
        }
        using RunQueries after = await RunQueries.OpenAsync(store.Url, TimeProvider.System, Cancel);
        string stored = Assert.Single((await after.PageAsync(new RunFilter(), 10, null, null, Cancel)).Items.Select(run => run.Task!).Distinct());
        Assert.StartsWith(new string('x', length), stored, StringComparison.Ordinal);
        Assert.Equal(new Instant(2), (await after.LastEndAsync(stored, null, [RunState.Completed], Cancel))!.Finished);
    }

    [Fact]
    [Trait("row", "105")]
    public async Task A_secret_is_hidden_before_it_is_stored()
    {
        await using LogStore store = await NewStoreAsync();
        await using (RunLog log = await store.OpenAsync())
        {
            var failed = new TaskEvent { Source = "s", Id = "i", Kind = EventKind.Failed, At = new Instant(1), Task = "t", Kwargs = "{'password': 'hunter2'}", Exception = "Denied(token='hunter2')" };
            await log.AppendAsync([failed, failed with { Id = "j", Kind = EventKind.Succeeded, Args = "({'secret': 'hunter2'},)", Result = "redis://ann:hunter2@host" }], Cancel);
            await log.AppendAsync([failed with { Id = "k", Kind = EventKind.Progress, Text = "logged in, token=hunter2" }, failed with { Id = "k", Kind = EventKind.Cancelled, Reason = "no way to redis://ann:hunter2@host" }], Cancel);
            Assert.Equal("{'password': '‹hidden›'}", (await log.Queries.FindAsync("i", null, Cancel)).Single().Kwargs);
            Assert.Equal("redis://ann:‹hidden›@host", (await log.Queries.FindAsync("j", null, Cancel)).Single().Result);
        }
        Assert.Equal(0, await store.CountOfAsync("hunter2"u8.ToArray()));
    }

    [Fact]
    public async Task What_was_refused_is_told_in_whole_characters_however_long_it_is()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        log.Refuse("s", string.Concat(Enumerable.Repeat("\U0001F514", 200)), 3);
        await Eventually.HoldsAsync("it is counted", async () => (await log.Queries.RefusalsAsync(Cancel)).Count == 1);
        (string what, long times) = Assert.Single((await log.Queries.RefusalsAsync(Cancel)).Select(refusal => (refusal.What, refusal.Times)));
        Assert.Equal((string.Concat(Enumerable.Repeat("\U0001F514", 149)) + "…", 3), (what, times));
    }

    protected abstract Task<LogStore> NewStoreAsync();
}

/// <summary>The limits on SQLite.</summary>
public sealed class SqliteLogLimitsTests : LogLimitsTests
{
    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());
}

/// <summary>The limits on PostgreSQL.</summary>
public sealed class PostgresLogLimitsTests(PostgresFixture postgres) : LogLimitsTests
{
    protected override Task<LogStore> NewStoreAsync() => postgres.NewStoreAsync();
}
