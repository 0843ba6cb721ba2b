using Belfry.Storage.Moving;
using Belfry.Storage.Postgres;
using Belfry.Storage.Postgres.Moving;
using Belfry.Storage.Sqlite;
using Belfry.Storage.Sqlite.Moving;
using Belfry.Tests.Folding;

namespace Belfry.Storage.Tests;

/// <summary>A log that is copied into another store.</summary>
public sealed class MovingTests(PostgresFixture postgres)
{
    const int Plain = 9000;                   // enough for a dictionary
    const long Begin = 1_795_000_000_000_000; // as Lives has it

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("sqlite", "sqlite")]
    [InlineData("sqlite", "postgresql")]
    [InlineData("postgresql", "sqlite")]
    [InlineData("postgresql", "postgresql")]
    public async Task A_log_is_the_same_on_every_engine_it_is_copied_to_and_goes_on_there(string from, string to)
    {
        await using LogStore there = await NewStoreAsync(from);
        await using LogStore here = await NewStoreAsync(to);
        await FillAsync(there);

        var told = new Shares();
        StoreCopy copy = await StoreUpkeep.CopyAsync(there.Url, here.Url, [], TimeProvider.System, told, Cancel);

        Assert.Equal(1, told.Last.Share, 1);
        Assert.True(copy.Tables.Single(table => table.Name == "ended runs").Rows >= Plain);
        string[] some = ["names", "open runs", "minute", "rollup_mark", "worker", "source", "gap", "refusal", "deleted", "lacking", "dictionary", "series", "sample"];
        Assert.DoesNotContain(some, name => copy.Tables.Single(table => table.Name == name).Rows == 0);
        await using RunLog old = await OpenAsync(there);
        await using RunLog log = await OpenAsync(here);
        Assert.Equal(await StoryAsync(old), await StoryAsync(log));

        // Late events, known ones and new ones change both alike.
        TaskEvent[] more = [.. Lives.Random(new Random(3), "again-3"), .. Run(500, EventKind.Submitted, -50), .. Run(17, EventKind.Succeeded, 5), // the latter of a deleted run
            .. Run(Plain + 1, EventKind.Started, 0)];
        await old.AppendAsync(more, Cancel);
        await log.AppendAsync(more, Cancel);
        Assert.Equal(await StoryAsync(old), await StoryAsync(log));
        Assert.Equal(new Instant(Begin + 5000 - 50), (await log.Queries.FindAsync(IdOf(500), null, Cancel)).Single().Submitted);
        Assert.Empty(await log.Queries.FindAsync(IdOf(17), null, Cancel));
    }

    [Fact]
    public async Task Into_a_log_of_csv_nothing_is_copied_and_that_is_said()
    {
        await using var there = new LogFolder();
        await using (await there.OpenAsync())
        {
        }
        CopyRefusedException refused = await Assert.ThrowsAsync<CopyRefusedException>(
            () => StoreUpkeep.CopyAsync(there.Url, StoreUrl.Parse($"csv://{there.Folder}/copy"), [], TimeProvider.System, null, Cancel));
        Assert.Contains("nothing is copied into one", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sqlite", "postgresql")]
    [InlineData("postgresql", "sqlite")]
    public async Task A_call_that_waits_waits_in_the_copy_too(string from, string to)
    {
        await using LogStore there = await NewStoreAsync(from);
        await using LogStore here = await NewStoreAsync(to);
        var call = new QueuedCall { Id = Guid.CreateVersion7().ToString(), Task = "add", Submitted = new Instant(Begin), Queue = "sums", Args = "[1]", Priority = 2 };
        await using (RunLog old = await OpenAsync(there))
        {
            Assert.True(await old.Work.PutAsync(call, Cancel));
        }
        await StoreUpkeep.CopyAsync(there.Url, here.Url, [], TimeProvider.System, new Shares(), Cancel);
        await using RunLog log = await OpenAsync(here);
        Assert.Equal(call, Assert.Single(await log.Work.ClaimAsync(new WorkRoom("w", 5), Cancel)).Call);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgresql")]
    public async Task A_copy_that_was_stopped_is_no_log_and_goes_on_where_it_stopped(string to)
    {
        await using var there = new LogFolder();
        await using LogStore here = await NewStoreAsync(to);
        await using (RunLog log = await there.OpenAsync())
        {
            foreach (int[] chunk in Enumerable.Range(0, 45_000).Chunk(5000))
            {
                await log.AppendAsync([.. chunk.SelectMany(n => Run(n, EventKind.Succeeded, 5))], Cancel);
            }
        }
        for (int tries = 0; tries < 2; tries++)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            var told = new Shares { Told = share => stop.Cancel() };
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StoreUpkeep.CopyAsync(there.Url, here.Url, [], TimeProvider.System, told, stop.Token));

            Assert.Contains("not whole yet", (await Assert.ThrowsAsync<StoreException>(() => here.OpenAsync())).Message, StringComparison.Ordinal);
            Assert.Contains("migrate --store", (await Assert.ThrowsAsync<StoreException>(() => RunQueries.OpenAsync(here.Url, TimeProvider.System, Cancel))).Message, StringComparison.Ordinal);
        }
        await using var another = new LogFolder();
        await using (await another.OpenAsync())
        {
        }
        Assert.Contains(there.File, (await Assert.ThrowsAsync<CopyRefusedException>(() => StoreUpkeep.CopyAsync(another.Url, here.Url, [], TimeProvider.System, null, Cancel))).Message, StringComparison.Ordinal);

        StoreCopy copy = await StoreUpkeep.CopyAsync(there.Url, here.Url, [], TimeProvider.System, null, Cancel);

        Assert.Equal(45_000, copy.Tables.Single(table => table.Name == "ended runs").Rows);
        await using RunLog whole = await here.OpenAsync();
        Assert.Equal(45_000, (await whole.Queries.StatusAsync(Cancel)).EndedRuns);
        foreach (int n in (int[])[0, 19_999, 20_000, 44_999])
        {
            Assert.Equal(IdOf(n), (await whole.Queries.FindAsync(IdOf(n), null, Cancel)).Single().Id);
        }
    }

    [Fact]
    public async Task A_log_that_was_written_between_two_tries_is_not_taken_for_copied()
    {
        await using var there = new LogFolder();
        await using var here = new LogFolder();
        await using (RunLog log = await there.OpenAsync())
        {
            foreach (int[] chunk in Enumerable.Range(0, 25_000).Chunk(5000))
            {
                await log.AppendAsync([.. chunk.SelectMany(n => Run(n, EventKind.Succeeded, 5))], Cancel);
            }
        }
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        bool runs = false;
        var told = new Shares { Told = share => { if (share.Share > 0.9) { runs = true; stop.Cancel(); } } };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StoreUpkeep.CopyAsync(there.Url, here.Url, [], TimeProvider.System, told, stop.Token));
        Assert.True(runs);
        await using (RunLog log = await there.OpenAsync())
        {
            await log.AppendAsync(Run(5, EventKind.Submitted, -1), Cancel); // of a run that is copied already
        }
        CopyRefusedException refused = await Assert.ThrowsAsync<CopyRefusedException>(() => StoreUpkeep.CopyAsync(there.Url, here.Url, [], TimeProvider.System, null, Cancel));
        Assert.Contains("begin anew", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreException>(() => here.OpenAsync());
    }

    [Fact]
    public async Task A_target_that_holds_a_log_stays_as_it_is()
    {
        await using var there = new LogFolder();
        await FillAsync(there);
        foreach (string engine in (string[])["sqlite", "postgresql"])
        {
            await using LogStore here = await NewStoreAsync(engine);
            await using (RunLog log = await here.OpenAsync())
            {
                await log.AppendAsync(Run(1, EventKind.Started, 0), Cancel);
            }
            Assert.Contains("holds a log already", (await Assert.ThrowsAsync<CopyRefusedException>(() => StoreUpkeep.CopyAsync(there.Url, here.Url, [], TimeProvider.System, null, Cancel))).Message, StringComparison.Ordinal);
            await using RunLog still = await here.OpenAsync();
            Assert.Equal(1, (await still.Queries.StatusAsync(Cancel)).OpenRuns);
        }
        await Assert.ThrowsAsync<CopyRefusedException>(() => StoreUpkeep.CopyAsync(there.Url, there.Url, [], TimeProvider.System, null, Cancel));
    }

    [Fact]
    public async Task A_log_on_PostgreSQL_that_a_server_uses_is_refused_until_its_lease_is_over()
    {
        await using var there = (PostgresDatabase)await postgres.NewStoreAsync();
        await using var here = new LogFolder();
        await using (RunLog log = await there.OpenAsync())
        {
            await log.AppendAsync(Run(1, EventKind.Started, 0), Cancel);
        }
        await there.SqlAsync("INSERT INTO belfry.lease(name, holder, host, until) VALUES('s', gen_random_uuid(), 'web-1, process 7', (extract(epoch FROM clock_timestamp()) * 1000000)::int8 + 60000000)");
        StoreException refused = await Assert.ThrowsAsync<StoreException>(() => StoreUpkeep.CopyAsync(there.Url, here.Url, [], TimeProvider.System, null, Cancel));
        Assert.Contains("web-1, process 7", refused.Message, StringComparison.Ordinal);
        await there.SqlAsync("UPDATE belfry.lease SET until = 0");
        await StoreUpkeep.CopyAsync(there.Url, here.Url, [], TimeProvider.System, null, Cancel);
    }

    [Fact]
    public async Task No_table_of_either_engine_is_left_out()
    {
        await using var folder = new LogFolder();
        await using LogStore database = await postgres.NewStoreAsync();
        await using (await folder.OpenAsync())
        await using (await database.OpenAsync())
        {
        }
        using var file = new SqliteReader(Database.Open(folder.File, create: false), owned: true);
        using var server = new PostgresReader(PostgresStore.OpenForReading(database.Url), owned: true);

        Assert.Equal(Shapes(file), Shapes(server)); // copied as they are: the same tables with the same columns
        Assert.NotEmpty(file.Tables);
        // Left out on purpose, each because the copy makes its own; whatever is new is in neither list and fails above.
        string[] ofFile = ["call_args", "claim", "copy_mark", "last_end", "name", "open", "open_key", "run", "run_key", "segment"];
        string[] ofServer = ["call", "copy_mark", "done_partition", "last_end", "last_start", "lease", "name", "process", "run_done", "run_kept", "run_key", "run_open", "schema_version", "touched"];
        Assert.Equal(ofFile, SqliteReader.Own.Order(StringComparer.Ordinal));
        Assert.Equal(ofServer, CopiedTables.Own.Order(StringComparer.Ordinal));

        static IEnumerable<string> Shapes(ILogReader log) => log.Tables
            .Select(table => $"{table.Name}({string.Join(", ", table.Columns.Order(StringComparer.Ordinal))}) {table.Place}").Order(StringComparer.Ordinal);
    }

    [Fact]
    public void A_checksum_knows_no_order_but_every_change()
    {
        var table = new PlainTable("t", ["uid", "n"], null);
        Assert.Equal(Sum(["a", 1L], ["b", 2L]), Sum(["b", 2L], ["a", 1L]));
        Assert.NotEqual(Sum(["a", 1L], ["b", 2L]), Sum(["a", 2L], ["b", 1L]));
        Assert.NotEqual(Sum(["a", 1L]), Sum(["a", 1L], ["a", 1L], ["a", 1L]));
        Assert.NotEqual(Sum(["a", null]), Sum(["a", 0L]));

        string Sum(params object?[][] rows)
        {
            var sum = new Checksum();
            foreach (object?[] row in rows)
            {
                sum.Add(table, row);
            }
            return sum.Sum;
        }
    }

    async Task<LogStore> NewStoreAsync(string engine) => engine == "sqlite" ? new LogFolder() : await postgres.NewStoreAsync();

    static Task<RunLog> OpenAsync(LogStore store) => store.OpenAsync(clock: new ManualClock(DateTimeOffset.UnixEpoch.AddMicroseconds(Begin + 60_000_000)));

    /// <summary>Everything a log can have: lives of all kinds, strange ids and names, families, deleted runs, workers, gaps, refusals, a dictionary.</summary>
    static async Task FillAsync(LogStore store)
    {
        var random = new Random(11);
        await using RunLog log = await OpenAsync(store);
        TaskEvent[] told = [.. Enumerable.Range(0, 120).SelectMany(n => Lives.Random(random, $"plain-{n}")), .. Enumerable.Range(0, 20).SelectMany(n => Lives.Random(random, $"again-{n}"))];
        random.Shuffle(told);
        await log.AppendAsync(told, Cancel);
        foreach (int[] chunk in Enumerable.Range(0, Plain).Chunk(1000))
        {
            await log.AppendAsync([.. chunk.SelectMany(n => (TaskEvent[])[.. Run(n, EventKind.Started, 0), .. Run(n, EventKind.Succeeded, 5)])], Cancel);
        }
        await log.AppendAsync([
            .. Run(Plain, EventKind.Failed, 0).Select(item => item with { Id = "no uuid", Parent = "nor this", Root = "no uuid", Task = "with \0 in it", Exception = "ValueError('x')", Context = new RunContext("m", "t", "7") }),
            .. Run(Plain, EventKind.Started, 0).Select(item => item with { Id = "no uuid either", Parent = IdOf(3), Root = IdOf(3), Task = "täsk ☃" }),
            new() { Source = "s", Id = "", Kind = EventKind.WorkerHeartbeat, At = new Instant(Begin), Worker = "w@host", Beat = new WorkerBeat(7, 2.0, 1, 99, "py-celery 5.6") },
            .. Enumerable.Range(0, 30).SelectMany(n => Run(Plain + 10 + n, EventKind.Succeeded, 0)).Select(item => item with { Task = "often", Source = "other" }),
        ], Cancel);
        log.Refuse("s", "garbage", 3);
        await log.SampleAsync([new("s", SampleKinds.QueueLength, "täsk \0", new Instant(Begin), 4), new("s", SampleKinds.QueueOldestAge, "q", new Instant(Begin), 0.25), new("s", "fact", "w", new Instant(Begin), null, "so")], Cancel);
        log.Listen("s", "celery-redis", misses: true, listening: true, problem: "it hums");
        log.Miss("s", new Instant(Begin), new Instant(Begin + 5_000_000), "away");
        await log.AppendAsync(Run(0, EventKind.Started, 0), Cancel);
        await log.RetainAsync(new RetentionPolicy { Age = TimeSpan.FromDays(30), Count = Plain - 100 }, Cancel);
    }

    /// <summary>All that can be asked, as text.</summary>
    static async Task<string> StoryAsync(RunLog log)
    {
        RunQueries ask = log.Queries;
        var story = new List<string>();
        RunPage page = await ask.PageAsync(new RunFilter(), 1000, null, null, Cancel);
        while (true)
        {
            story.AddRange(page.Items.OrderBy(run => run.Id, StringComparer.Ordinal).Select(run => $"{run}".Replace('\0', '\uFFFD')));
            if (page.Next is null)
            {
                break;
            }
            page = await ask.PageAsync(new RunFilter(), 1000, page.Next, null, Cancel);
        }
        story.Sort(StringComparer.Ordinal);
        LogFigures figures = await ask.FiguresAsync(new Instant(Begin) - TimeSpan.FromHours(3), new Instant(Begin) + TimeSpan.FromHours(3), [], Cancel);
        story.Add($"{figures.Runs}");
        story.AddRange((await ask.WorkersAsync(Cancel)).Select(worker => $"{worker}"));
        story.AddRange((await ask.SourcesAsync(Cancel)).Select(source => $"{source}").Order(StringComparer.Ordinal));
        story.AddRange((await ask.GapsAsync(new Instant(0), new Instant(Begin * 2), Cancel)).Select(gap => $"{gap}"));
        story.AddRange((await ask.RefusalsAsync(Cancel)).Select(refusal => $"{refusal}").Order(StringComparer.Ordinal));
        foreach (string task in (string[])["report", "other", "t", "often"])
        {
            TaskRun? last = await ask.LastEndAsync(task, null, [RunState.Completed, RunState.Failed], Cancel);
            story.Add($"{task}: {last?.Finished}");
        }
        story.AddRange((await ask.LatestSamplesAsync(null, Cancel)).Select(sample => $"{sample}".Replace('\0', '\uFFFD')));
        story.AddRange((await ask.SamplesAsync("s", SampleKinds.QueueOldestAge, "q", new Instant(0), new Instant(Begin * 2), TimeSpan.FromMinutes(1), Cancel)).Select(point => $"{point}"));
        story.AddRange((await ask.ChildrenAsync("s", IdOf(3), 10, Cancel)).Select(run => run.Id));
        story.AddRange((await ask.FindAsync("no uuid", null, Cancel)).Select(run => $"{run.Parent} {run.Root} {run.Exception} {run.Context}"));
        return string.Join('\n', story);
    }

    static TaskEvent[] Run(int n, EventKind kind, long after) =>
    [
        new()
        {
            Source = "s", Id = IdOf(n), Kind = kind, At = new Instant(Begin + (n * 10) + after), Task = "t", Queue = "celery", Worker = kind == EventKind.Submitted ? null : "w@host",
            Args = kind == EventKind.Started ? $"('a long text that comes again and again', {n})" : null, Result = kind == EventKind.Succeeded ? $"{{'customer': {n}}}" : null,
        },
    ];

    static string IdOf(int n)
    {
        var bytes = new byte[16];
        new Random(n).NextBytes(bytes);
        return new Guid(bytes).ToString();
    }

    sealed class Shares : IProgress<CopyProgress>
    {
        public Action<CopyProgress>? Told { get; init; }

        public CopyProgress Last { get; private set; }

        public void Report(CopyProgress value)
        {
            Last = value;
            Told?.Invoke(value);
        }
    }
}
