using Belfry.Testing;

namespace Belfry.Storage.Tests;

/// <summary>The suite on SQLite, and what only it can do.</summary>
public sealed class SqliteRunLogTests : RunLogTests
{
    [Fact]
    public async Task A_store_in_memory_does_the_same()
    {
        await using RunLog log = await RunLog.OpenAsync(StoreUrl.Parse("memory:"), new RunLogOptions(), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, TestContext.Current.CancellationToken);
        TaskEvent[] life = [.. Plain(1)];
        await log.AppendAsync(life, TestContext.Current.CancellationToken);
        Assert.Equal(Fold.Rows(life), (await log.Queries.PageAsync(new RunFilter(), 10, null, null, TestContext.Current.CancellationToken)).Items);
    }

    [Fact]
    public async Task Open_runs_are_found_by_id_and_parent_from_another_process_with_keys_or_without()
    {
        await using var folder = new LogFolder();
        TaskEvent Started(int n) => new() { Source = "s", Id = $"run-{n}", Kind = EventKind.Started, At = new Instant(n + 1), Task = "t", Parent = n > 0 ? $"run-{n / 2}" : null };
        await using (RunLog log = await folder.OpenAsync())
        {
            foreach (int[] chunk in Enumerable.Range(0, 9000).Chunk(3000)) // three segments of keys
            {
                await log.AppendAsync([.. chunk.Select(Started)], Cancel);
            }
            await log.AppendAsync([.. Enumerable.Range(0, 9000).Where(n => n % 3 == 0).Select(n => Started(n) with { Kind = EventKind.Succeeded, Parent = null })], Cancel);
            await FoundAsync();
        }
        await folder.ExecuteAsync("DELETE FROM open_key");
        await FoundAsync();
        await using (RunLog log = await folder.OpenAsync())
        {
            await log.AppendAsync([Started(1) with { Parent = "another" }], Cancel);
            await FoundAsync();
            Assert.Equal("run-1", (await log.Queries.ChildrenAsync("s", "run-0", 10, Cancel)).Single().Id);
        }
        using var database = Sqlite.Database.Open(folder.File, create: false);
        Assert.Equal(12_000, database.Number("SELECT count(*) FROM open_key"));

        async Task FoundAsync()
        {
            using RunQueries beside = await RunQueries.OpenAsync(folder.Url, TimeProvider.System, Cancel);
            foreach (int n in (int[])[1, 2, 3, 4095, 4097, 8191, 8192, 8999])
            {
                Assert.Equal(n % 3 == 0 ? RunState.Completed : RunState.Running, (await beside.FindAsync($"run-{n}", null, Cancel)).Single().State);
            }
            Assert.Equal(["run-8000", "run-8001"], (await beside.ChildrenAsync("s", "run-4000", 10, Cancel)).Select(run => run.Id));
            Assert.Empty(await beside.FindAsync("run-9000", null, Cancel));
        }
    }

    [Fact]
    public async Task What_another_process_stored_is_found_by_id_before_the_writer_has_noticed()
    {
        await using var folder = new LogFolder();
        TaskEvent Ended(int n) => new() { Source = "s", Id = $"run-{n}", Kind = EventKind.Succeeded, At = new Instant(n + 1), Task = "t", Parent = $"run-{n / 2}" };
        await using RunLog log = await folder.OpenAsync();
        await log.AppendAsync([.. Enumerable.Range(0, 20_000).Select(Ended)], Cancel);
        await using (RunLog other = await folder.OpenAsync())
        {
            foreach (int[] chunk in Enumerable.Range(20_000, 80_000).Chunk(8000)) // several segments of keys
            {
                await other.AppendAsync([.. chunk.Select(Ended)], Cancel);
            }
        }
        foreach (int n in (int[])[0, 19_999, 20_000, 40_000, 70_000, 99_999])
        {
            Assert.Equal($"run-{n}", (await log.Queries.FindAsync($"run-{n}", null, Cancel)).Single().Id);
        }
        Assert.Equal(["run-60000", "run-60001"], (await log.Queries.ChildrenAsync("s", "run-30000", 10, Cancel)).Select(run => run.Id));
        Assert.Empty(await log.Queries.FindAsync("run-100000", null, Cancel));
    }

    [Fact]
    public async Task Keys_of_open_runs_go_when_none_of_their_neighbours_is_open_any_more_also_after_a_restart()
    {
        await using var folder = new LogFolder();
        using (Sqlite.Database database = await EndAllButAsync([5000]))
        {
            Assert.InRange(database.Number("SELECT count(*) FROM open_key"), 1, 4096); // those of the first 4,096 places are gone
        }
        await using (RunLog log = await folder.OpenAsync())
        {
            await log.AppendAsync([End(5000), Start(10_000)], Cancel); // its neighbours had ended before the restart
            Assert.Equal(RunState.Running, (await log.Queries.FindAsync("run-10000", null, Cancel)).Single().State);
            Assert.Equal(RunState.Completed, (await log.Queries.FindAsync("run-5000", null, Cancel)).Single().State);
            await log.AppendAsync([End(10_000)], Cancel);
        }
        using var after = Sqlite.Database.Open(folder.File, create: false);
        Assert.Equal((0, 0), (after.Number("SELECT count(*) FROM open_key"), after.Number("SELECT count(*) FROM open")));

        TaskEvent Start(int n) => new() { Source = "s", Id = $"run-{n}", Kind = EventKind.Started, At = new Instant(n + 1), Task = "t" };
        TaskEvent End(int n) => Start(n) with { Kind = EventKind.Succeeded, At = new Instant(n + 2) };
        async Task<Sqlite.Database> EndAllButAsync(int[] open)
        {
            await using RunLog log = await folder.OpenAsync();
            await log.AppendAsync([.. Enumerable.Range(0, 6000).Select(Start)], Cancel);
            foreach (int[] chunk in Enumerable.Range(0, 6000).Except(open).Chunk(1000))
            {
                await log.AppendAsync([.. chunk.Select(End)], Cancel);
            }
            return Sqlite.Database.Open(folder.File, create: false);
        }
    }

    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());
}

/// <summary>The large logs on SQLite.</summary>
public sealed class SqliteLargeLogTests : LargeLogTests
{
    protected override int Runs => 70_000; // two written segments of keys and a tail

    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());

    [Fact]
    [Trait("row", "119")]
    public async Task A_million_runs_of_ten_days_are_listed_counted_reported_and_previewed_within_seconds()
    {
        const int runs = 1_000_000, days = 10, group = 10_000;
        await using var folder = new LogFolder();
        var clock = new ManualClock(DateTimeOffset.UnixEpoch.AddMicroseconds(At(0)));
        Instant begin = clock.Now - TimeSpan.FromDays(days);
        await using RunLog log = await folder.OpenAsync(clock: clock);
        for (int first = 0; first < runs; first += group)
        {
            await log.AppendAsync([.. Enumerable.Range(first, group).Select(n => new TaskEvent
            {
                Source = "s", Id = IdOf(n), Kind = n % 50 == 0 ? EventKind.Failed : EventKind.Succeeded, At = begin + TimeSpan.FromDays((double)days * n / runs),
                Task = $"app.tasks.job_{n % 97}", Runtime = n % 60, Exception = n % 50 == 0 ? "ValueError()" : null,
            })], TestContext.Current.CancellationToken);
        }
        RunQueries ask = log.Queries;
        var policy = new RetentionPolicy { Age = TimeSpan.FromDays(days - 1), FailureAge = TimeSpan.FromDays(30) };
        await WithinSecondsAsync(async () => Assert.Equal(50, (await ask.PageAsync(new RunFilter(), 50, null, null, TestContext.Current.CancellationToken)).Items.Count));
        await WithinSecondsAsync(async () => Assert.Equal(50, (await ask.PageAsync(new RunFilter { Tasks = ["app.tasks.job_5"], States = [RunState.Failed] }, 50, null, null, TestContext.Current.CancellationToken)).Items.Count));
        await WithinSecondsAsync(async () => Assert.Single(await ask.FindAsync(IdOf(123_456), null, TestContext.Current.CancellationToken)));
        await WithinSecondsAsync(async () => Assert.True((await ask.CountAsync(new RunFilter(), 10_000, null, TestContext.Current.CancellationToken)).More));
        await WithinSecondsAsync(async () => Assert.Equal(runs, (await ask.FiguresAsync(begin - TimeSpan.FromHours(1), clock.Now, [], TestContext.Current.CancellationToken)).Runs));
        await WithinSecondsAsync(async () => Assert.Equal((runs, 97), ((await ask.UsageAsync(TestContext.Current.CancellationToken)) is var usage ? (int)usage.Runs : 0, usage.Tasks.Count)));
        await WithinSecondsAsync(async () => Assert.InRange((await ask.PreviewAsync(policy, TestContext.Current.CancellationToken)).Runs, 97_000, 99_000));

        static async Task WithinSecondsAsync(Func<Task> asked)
        {
            long began = TimeProvider.System.GetTimestamp();
            await asked();
            Assert.InRange(TimeProvider.System.GetElapsedTime(began).TotalSeconds, 0, 30); // some milliseconds, but for the last two; this only tells an answer from one that never comes, on a busy machine too
        }
    }
}

/// <summary>Retention on SQLite.</summary>
public sealed class SqliteRetentionTests : RetentionTests
{
    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());
}

/// <summary>Pages on SQLite.</summary>
public sealed class SqlitePagingTests : PagingTests
{
    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());
}

/// <summary>The laws of the log on SQLite.</summary>
public sealed class SqliteLogLawTests : LogLawTests
{
    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());
}

/// <summary>Several processes on SQLite.</summary>
public sealed class SqliteProcessTests : ProcessTests
{
    [Fact]
    public async Task Without_libzstd_payloads_stay_as_they_are_and_a_log_that_is_packed_says_what_it_needs()
    {
        Assert.SkipUnless(Machine.IsRoot && Payloads.Zstd.IsPresent, "only root can hide a library from a process");
        CancellationToken cancel = TestContext.Current.CancellationToken;
        string library = (await File.ReadAllLinesAsync("/proc/self/maps", cancel)).First(line => line.Contains("libzstd.so", StringComparison.Ordinal)).Split(' ')[^1];
        await using var folder = new LogFolder();
        await using (ChildProcess writer = OtherWriter.Start(folder, OtherWriter.Endless, 0, library))
        {
            await writer.LineAsync(line => int.TryParse(line, System.Globalization.CultureInfo.InvariantCulture, out int runs) && runs > 5000, TimeSpan.FromMinutes(1));
            writer.Signal(9);
            await writer.ExitAsync();
        }
        Assert.Equal(0, Dictionaries());
        string args = $"({string.Join(", ", Enumerable.Range(0, 40))})";
        var end = new TaskEvent { Source = "s", Id = "", Kind = EventKind.Succeeded, At = Instant.Now(TimeProvider.System), Task = "t", Args = args };
        await using (RunLog log = await folder.OpenAsync())
        {
            Assert.Equal(Fold.Rows(OtherWriter.LifeOf(4321)), await log.Queries.FindAsync("run-4321", null, cancel));
            await log.AppendAsync([.. Enumerable.Range(0, 4500).Select(n => end with { Id = $"learnt-{n}", At = end.At - TimeSpan.FromSeconds(5000 - n) })], cancel);
            await log.AppendAsync([end with { Id = "packed" }], cancel);
        }
        Assert.Equal(1, Dictionaries());
        await using ChildProcess lacking = OtherWriter.Start(folder, OtherWriter.Newest, 0, library), having = OtherWriter.Start(folder, OtherWriter.Newest, 0);
        await lacking.LineAsync(line => line.Contains("install libzstd", StringComparison.Ordinal), TimeSpan.FromMinutes(1));
        await having.LineAsync(line => line == args, TimeSpan.FromMinutes(1));

        long Dictionaries()
        {
            using var database = Sqlite.Database.Open(folder.File, create: false);
            return database.Number("SELECT count(*) FROM dictionary");
        }
    }

    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());
}

/// <summary>The full-text index on SQLite.</summary>
public sealed class SqliteTextIndexTests : TextIndexTests
{
    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());

    protected override Task<(long Runs, long Waiting)> CountAsync(LogStore store)
    {
        using var database = Sqlite.Database.Open(((LogFolder)store).File, create: false);
        database.Execute("BEGIN");
        long runs = database.Number("SELECT coalesce(sum(runs), 0) FROM text_week");
        long waiting = database.Number("SELECT count(*) FROM text_due") + database.Number("SELECT count(*) FROM text_week WHERE filled < (week + 1) * 604800000000")
            + (runs == 0 ? 0 : database.Number("SELECT count(DISTINCT at / 604800000000) FROM run WHERE at / 604800000000 NOT IN (SELECT week FROM text_week)"));
        return Task.FromResult((runs, waiting));
    }
}
