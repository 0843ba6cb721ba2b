using Belfry.Storage.Postgres.Schema;
using Belfry.Testing;
using Npgsql;

namespace Belfry.Storage.Tests;

/// <summary>PostgreSQL: stores of older versions, retention that is interrupted, and one that somebody is in the way of.</summary>
public sealed class PostgresMishapTests(PostgresFixture postgres)
{
    const int Days = 45, RunsADay = 20;
    static readonly RetentionPolicy Month = new() { Age = TimeSpan.FromDays(30) };

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_store_of_an_older_version_is_brought_up_to_date_and_goes_on()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        TaskEvent open = new() { Source = "s", Id = "open", Kind = EventKind.Started, At = Now, Task = "t" };
        TaskEvent[] told = [open, open with { Id = "done", Kind = EventKind.Succeeded }, open with { Id = "failed", Kind = EventKind.Failed, Exception = "E()" }];
        await using (RunLog log = await store.OpenAsync())
        {
            await log.AppendAsync(told, Cancel);
        }
        // As version 3 left it: what later scripts made is gone, and only successes have keys.
        await store.ExecuteAsync("""
            DROP TABLE lease, touched, process, last_start, call, text_week, text_due, series, sample;
            DROP FUNCTION text_came;
            CREATE TABLE life_lock(id int8 PRIMARY KEY, version int8 NOT NULL);
            DELETE FROM run_key WHERE NOT EXISTS(SELECT 1 FROM run_done WHERE run_done.id = run_key.id);
            DELETE FROM schema_version WHERE number > 3
            """);
        Assert.Equal("1", await ((PostgresDatabase)store).SqlAsync("SELECT count(*) FROM belfry.run_key"));
        await using (RunLog log = await store.OpenAsync())
        {
            Assert.Equal(Migrations.Newest, (await log.Queries.StatusAsync(Cancel)).Schema);
            Assert.Equal("3", await ((PostgresDatabase)store).SqlAsync("SELECT count(*) FROM belfry.run_key WHERE attempt = 1"));
            await log.AppendAsync([.. told, open with { Kind = EventKind.Succeeded, At = Now + TimeSpan.FromSeconds(1) }, told[2] with { Id = "new" }], Cancel);
            Assert.Equal(RunState.Completed, Assert.Single(await log.Queries.FindAsync("open", null, Cancel)).State);
            Assert.Equal(4, (await log.Queries.CountAsync(new RunFilter(), 100, null, Cancel)).Runs);
        }
        Assert.Equal(0, (await StoreUpkeep.CheckRollupsAsync(store.Url, Cancel)).Mended);
    }

    [Fact]
    public async Task Retention_that_breaks_off_while_it_drops_a_day_is_finished_by_the_next()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        var database = (PostgresDatabase)store;
        int due = await FillAsync(log);
        await using (NpgsqlConnection inTheWay = await OpenAsync(store))
        {
            await using NpgsqlTransaction holding = await inTheWay.BeginTransactionAsync(Cancel);
            await ExecuteAsync(inTheWay, "SELECT 1 FROM belfry.run_key WHERE at = (SELECT min(at) FROM belfry.run_key) FOR UPDATE");
            bool detached = false;
            while (!detached) // on a busy machine it may not get the table within its patience: then it goes row by row, and stands at the same key
            {
                Task<RetentionResult> breaking = log.RetainAsync(Month, Cancel);
                await Eventually.HoldsAsync("a key is waited for", async () => await database.SqlAsync(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%run_key%' AND datname = current_database()") != "0");
                detached = await database.SqlAsync("SELECT count(*) FROM pg_class WHERE relname LIKE 'run_done_gone_%' AND relkind = 'r'") != "0";
                await database.SqlAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()");
                await Assert.ThrowsAsync<StoreException>(() => breaking);
            }
        }
        RetentionResult result = await log.RetainAsync(Month, Cancel);
        Assert.Equal((due, due), (result.Deleted, result.Keys));
        Assert.Equal("0", await database.SqlAsync("SELECT count(*) FROM pg_class WHERE relname LIKE 'run_done_gone_%'"));
        await IsWholeAsync(store, log, (Days * RunsADay) - due);
    }

    [Fact]
    public async Task Days_that_somebody_reads_all_the_time_are_deleted_row_by_row()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        var database = (PostgresDatabase)store;
        int due = await FillAsync(log);
        string days = await database.SqlAsync("SELECT count(*) FROM belfry.done_partition");
        await using (NpgsqlConnection reading = await OpenAsync(store))
        {
            await using NpgsqlTransaction holding = await reading.BeginTransactionAsync(Cancel);
            await ExecuteAsync(reading, "LOCK TABLE belfry.run_done IN ACCESS SHARE MODE");
            RetentionResult result = await log.RetainAsync(Month, Cancel);
            Assert.Equal((due, due), (result.Deleted, result.Keys));
        }
        Assert.Equal(days, await database.SqlAsync("SELECT count(*) FROM belfry.done_partition"));
        await IsWholeAsync(store, log, (Days * RunsADay) - due);
    }

    [Fact]
    public async Task A_full_disk_of_the_server_is_told_loses_nothing_and_is_over_when_there_is_room()
    {
        Assert.SkipUnless(Machine.IsRoot, "only root can mount a small disk");
        await using SmallDisk disk = await SmallDisk.MountAsync(megabytes: 16);
        Directory.CreateDirectory(disk.File("tables"));
        await ChildProcess.RunAsync("chown", ["postgres", disk.File("tables")]);
        await using PostgresServer server = await PostgresServer.StartAsync(); // it would not forget the disk
        await using PostgresDatabase store = await PostgresFixture.NewDatabaseAsync(server);
        await store.SqlAsync($"CREATE TABLESPACE small LOCATION '{disk.File("tables")}'");
        await store.SqlAsync("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_tablespace = small', current_database()); END $$");
        await using RunLog log = await store.OpenAsync();
        disk.Fill();
        var random = new Random(1);
        Task[] appends = [.. Enumerable.Range(0, 20).Select(n => log.AppendAsync(
            [new() { Source = "s", Id = $"run-{n}", Kind = EventKind.Succeeded, At = Now, Task = "t", Result = string.Concat(Enumerable.Range(0, 20_000).Select(_ => $"{random.Next(4096):x3}")) }], Cancel))];
        await Eventually.HoldsAsync("it is told", () => log.Problem is not null);
        Assert.Equal("the disk is full", log.Problem);
        Assert.Contains(appends, append => !append.IsCompleted);
        disk.Empty();
        await Task.WhenAll(appends).WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        Assert.Equal(20, (await log.Queries.PageAsync(new RunFilter(), 100, null, null, Cancel)).Items.Count);
    }

    static Instant Now => Instant.Now(TimeProvider.System);

    /// <summary>Successes of some weeks; gives how many are due.</summary>
    static async Task<int> FillAsync(RunLog log)
    {
        Instant now = Now;
        await log.AppendAsync([.. Enumerable.Range(0, Days * RunsADay).Select(n => new TaskEvent
        {
            Source = "s", Id = $"run-{n}", Kind = EventKind.Succeeded, At = now - TimeSpan.FromDays(n % Days) - TimeSpan.FromSeconds(n), Task = "t",
        })], Cancel);
        return (Days - 30) * RunsADay;
    }

    static async Task IsWholeAsync(LogStore store, RunLog log, int runs)
    {
        Assert.Equal(runs, (await log.Queries.CountAsync(new RunFilter(), 10_000, null, Cancel)).Runs);
        Assert.Equal($"{runs}", await ((PostgresDatabase)store).SqlAsync("SELECT count(*) FROM belfry.run_key"));
        Assert.Equal(0, (await StoreUpkeep.CheckRollupsAsync(store.Url, Cancel)).Mended);
    }

    static async Task<NpgsqlConnection> OpenAsync(LogStore store)
    {
        var connection = new NpgsqlConnection(store.Url.Server!);
        await connection.OpenAsync(Cancel);
        return connection;
    }

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancel);
    }
}
