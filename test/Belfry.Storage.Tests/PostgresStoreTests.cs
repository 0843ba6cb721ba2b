using Belfry.Storage.Postgres.Schema;
using Belfry.Testing;

namespace Belfry.Storage.Tests;

/// <summary>Opening a store on PostgreSQL: what is there, what is not, and whose.</summary>
public sealed class PostgresStoreTests(PostgresFixture postgres)
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("postgresql://u:p%40ss@db.example:5433/logs?sslmode=verify-full&sslrootcert=/etc/ca.pem", "postgresql://u@db.example:5433/logs")]
    [InlineData("postgres://u:secret@db/logs", "postgresql://u@db:5432/logs")]
    [InlineData("postgresql:///logs?host=/var/run/postgresql&user=me&password=secret", "postgresql://me@/logs")]
    [InlineData("POSTGRESQL://localhost/logs", "postgresql://localhost:5432/logs")]
    public void A_url_is_shown_without_its_password(string url, string shown)
    {
        var store = StoreUrl.Parse(url);
        Assert.Equal(shown, store.ToString());
        Assert.Equal(shown, store.Text);
        Assert.Null(store.Path);
    }

    [Theory]
    [InlineData("postgresql://u:secret@db/")]
    [InlineData("postgresql://u:secret@db/logs?sslmode=perhaps")]
    [InlineData("postgresql://u:secret@db/logs?colour=secret")]
    [InlineData("postgresql://u:secret@db:99999999/logs")]
    public void What_is_not_understood_of_a_url_is_said_without_the_password(string url) =>
        Assert.DoesNotContain("secret", Assert.Throws<FormatException>(() => StoreUrl.Parse(url)).ToString(), StringComparison.Ordinal);

    [Fact]
    public async Task Copying_a_log_takes_as_long_as_it_takes_whatever_the_patience_with_other_commands_is()
    {
        await using LogStore store = await postgres.NewStoreAsync(), other = await postgres.NewStoreAsync();
        await using (await store.OpenAsync())
        {
        }
        var database = (PostgresDatabase)store;
        var address = new Uri(database.FullUrl);
        var url = StoreUrl.Parse($"Host={address.Host};Port={address.Port};Database={address.AbsolutePath[1..]};Username=belfry;Password={PostgresServer.Password};Command Timeout=3");
        Task held = database.SqlAsync("BEGIN; LOCK TABLE belfry.run_kept; SELECT pg_sleep(4.5); COMMIT"); // counting a large log takes as long
        await Eventually.HoldsAsync("it is locked", async () => await database.SqlAsync("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1");
        await StoreUpkeep.CopyAsync(url, other.Url, [], TimeProvider.System, null, Cancel);
        await held;
    }

    [Fact]
    public async Task A_wrong_password_a_missing_database_and_a_server_that_is_not_there_are_said_in_a_sentence()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        string url = ((PostgresDatabase)store).FullUrl;
        string password = Uri.EscapeDataString(PostgresServer.Password);
        async Task<string> RefusedAsync(string other)
        {
            StoreException refused = await Assert.ThrowsAsync<StoreException>(() => RunLog.OpenAsync(
                StoreUrl.Parse(other), new RunLogOptions(), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, Cancel));
            Assert.DoesNotContain(PostgresServer.Password, refused.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain("wrong-one", refused.ToString(), StringComparison.Ordinal);
            return refused.Message;
        }
        Assert.Contains("password authentication failed for user \"belfry\"", await RefusedAsync(url.Replace(password, "wrong-one", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("database \"nowhere\" does not exist", await RefusedAsync(url[..url.LastIndexOf('/')] + "/nowhere"), StringComparison.Ordinal);
        Assert.Contains("refused", await RefusedAsync($"postgresql://u:wrong-one@127.0.0.1:{Machine.FreePort()}/x"), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_store_of_a_newer_Belfry_is_refused_by_name()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        await using (await store.OpenAsync())
        {
        }
        await ((PostgresDatabase)store).SqlAsync("INSERT INTO belfry.schema_version VALUES(999)");
        Assert.Contains($"schema 999; this version of Belfry knows up to {Migrations.Newest}.", (await Assert.ThrowsAsync<StoreException>(() => store.OpenAsync())).Message, StringComparison.Ordinal);
        Assert.Contains("schema 999", (await Assert.ThrowsAsync<StoreException>(() => RunQueries.OpenAsync(store.Url, TimeProvider.System, Cancel))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_may_not_create_schemas_can_be_given_one_and_a_right_that_is_taken_away_is_waited_for()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        var database = (PostgresDatabase)store;
        string user = $"u{Guid.NewGuid():n}";
        await database.SqlAsync($"CREATE ROLE {user} LOGIN PASSWORD 'x'");
        var url = StoreUrl.Parse(database.FullUrl.Replace($"belfry:{Uri.EscapeDataString(PostgresServer.Password)}", $"{user}:x", StringComparison.Ordinal));
        Task<RunLog> OpenAsync() => RunLog.OpenAsync(
            url, new RunLogOptions(), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, Cancel);
        Assert.Contains("permission denied for database", (await Assert.ThrowsAsync<StoreException>(OpenAsync)).Message, StringComparison.Ordinal);
        await database.SqlAsync($"CREATE SCHEMA belfry AUTHORIZATION {user}");
        await using (RunLog log = await OpenAsync())
        {
            TaskEvent ended = new() { Source = "s", Id = "i", Kind = EventKind.Succeeded, At = new Instant(5), Task = "t" };
            await log.AppendAsync([ended], Cancel);
            await database.SqlAsync("ALTER TABLE belfry.run_key RENAME TO elsewhere");
            Task waiting = log.AppendAsync([ended with { Id = "j" }], Cancel);
            await Eventually.HoldsAsync("the log says what is missing", () => log.Problem?.Contains("run_key", StringComparison.Ordinal) == true);
            await database.SqlAsync("ALTER TABLE belfry.elsewhere RENAME TO run_key");
            await waiting.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        }
        await database.SqlAsync($"DROP OWNED BY {user}; DROP ROLE {user}");
    }

    [Fact]
    public async Task A_schema_of_somebody_else_is_refused_and_left_as_it_is()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        await ((PostgresDatabase)store).SqlAsync("CREATE SCHEMA belfry; CREATE TABLE belfry.shopping(item text)");
        Assert.Contains("no log of Belfry's", (await Assert.ThrowsAsync<StoreException>(() => store.OpenAsync())).Message, StringComparison.Ordinal);
        Assert.Equal("1", await ((PostgresDatabase)store).SqlAsync("SELECT count(*) FROM pg_tables WHERE schemaname = 'belfry'"));
    }

    [Fact]
    public async Task Opening_for_reading_creates_nothing_and_reads_beside_a_server()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        Assert.Contains("no log of Belfry's", (await Assert.ThrowsAsync<StoreException>(() => RunQueries.OpenAsync(store.Url, TimeProvider.System, Cancel))).Message, StringComparison.Ordinal);
        Assert.Equal("0", await ((PostgresDatabase)store).SqlAsync("SELECT count(*) FROM pg_namespace WHERE nspname = 'belfry'"));
        await using RunLog log = await store.OpenAsync();
        await log.AppendAsync([new() { Source = "s", Id = "i", Kind = EventKind.Succeeded, At = new Instant(5), Task = "t" }], Cancel);
        using RunQueries beside = await RunQueries.OpenAsync(store.Url, TimeProvider.System, Cancel);
        Assert.Equal("i", (await beside.PageAsync(new RunFilter(), 5, null, null, Cancel)).Items.Single().Id);
        StoreStatus status = await beside.StatusAsync(Cancel);
        Assert.StartsWith("PostgreSQL 1", status.Engine, StringComparison.Ordinal);
        Assert.True(status is { Bytes: > 100_000, EndedRuns: 1, OpenRuns: 0 });
        Assert.Equal(Migrations.Newest, status.Schema);
        LogUsage usage = await beside.UsageAsync(Cancel);
        Assert.Equal((1, "t", 1), (usage.Runs, usage.Tasks.Single().Task, usage.Tasks.Single().Runs));
        Assert.InRange(usage.Tasks.Single().Bytes, 200, 1000);
        Assert.DoesNotContain("p%40ss", status.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Texts_that_PostgreSQL_does_not_take_are_kept_as_well_as_they_can_be()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        string longest = new('\u6f22', 1000);
        await log.AppendAsync(
        [
            new() { Source = "s\0s", Id = "zero\0", Kind = EventKind.Failed, At = new Instant(5), Task = "a\0b", Worker = "w\ud800", Exception = "E\0('x')", Args = "(\"\0\",)" },
            new() { Source = "s", Id = "long", Kind = EventKind.Succeeded, At = new Instant(6), Task = longest, Worker = longest, Queue = longest, App = longest },
        ],
            Cancel);
        log.Refuse("s\0", "what\0");
        TaskRun odd = (await log.Queries.FindAsync("zero\0", null, Cancel)).Single();
        Assert.Equal(("a\ufffdb", "(\"\0\",)", "E\0('x')"), (odd.Task, odd.Args, odd.Exception));
        Assert.Equal(longest, (await log.Queries.FindAsync("long", null, Cancel)).Single().Task);
        Assert.Null(log.Problem);
    }

    [Fact]
    public async Task Successes_lie_in_partitions_by_day_and_those_from_before_the_log_in_one()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        await using (RunLog log = await store.OpenAsync())
        {
            Instant now = Instant.Now(TimeProvider.System);
            await log.AppendAsync([.. Enumerable.Range(0, 200).Select(n => new TaskEvent
            {
                Source = "s", Id = $"{n}", Kind = EventKind.Succeeded, At = now - TimeSpan.FromDays(n), Task = "t",
            })], Cancel);
            Assert.Equal(200, (await log.Queries.PageAsync(new RunFilter(), 1000, null, null, Cancel)).Items.Count);
        }
        var database = (PostgresDatabase)store;
        Assert.Equal("139", await database.SqlAsync("SELECT count(*) FROM belfry.run_done_before"));
        Assert.Equal("61", await database.SqlAsync("SELECT count(DISTINCT tableoid) - 1 FROM belfry.run_done"));
    }

    [Fact]
    public async Task Retention_drops_whole_days_and_keeps_the_last_run_of_each_task_and_what_is_read_meanwhile_goes_on()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        await using RunLog log = await store.OpenAsync(), other = await store.OpenAsync();
        Instant now = Instant.Now(TimeProvider.System);
        TaskEvent Ended(int n, double daysAgo, string task) => new() { Source = "s", Id = $"run-{n}", Kind = EventKind.Succeeded, At = now - TimeSpan.FromDays(daysAgo), Task = task };
        await log.AppendAsync([.. Enumerable.Range(0, 4000).Select(n => Ended(n, n % 45, "busy")), Ended(9001, 44, "rare"), Ended(9002, 41, "rare")], Cancel);
        var database = (PostgresDatabase)store;
        Task<string> PartitionsAsync() => database.SqlAsync("SELECT count(*) FROM pg_inherits WHERE inhparent = 'belfry.run_done'::regclass");
        async Task<int> AllAsync() => (int)(await other.Queries.CountAsync(new RunFilter(), 10_000, null, Cancel)).Runs;
        int before = int.Parse(await PartitionsAsync(), System.Globalization.CultureInfo.InvariantCulture), due = Enumerable.Range(0, 4000).Count(n => n % 45 >= 30);
        Assert.Equal(4002, await AllAsync());

        RetentionResult result = await log.RetainAsync(new RetentionPolicy { Age = TimeSpan.FromDays(30) }, Cancel);

        Assert.Equal((due + 1, due + 1), (result.Deleted, result.Keys)); // of the rare ones the last stays
        Assert.Equal(before - 15 + 1, int.Parse(await PartitionsAsync(), System.Globalization.CultureInfo.InvariantCulture), 1.0);
        Assert.Equal("0", await database.SqlAsync("SELECT count(*) FROM pg_class WHERE relname LIKE 'run_done_gone%'"));
        Assert.Equal(4002 - due - 1, await AllAsync());
        Assert.Equal($"{4002 - due - 1}", await database.SqlAsync("SELECT count(*) FROM belfry.run_key"));
        Assert.Equal("run-9002", (await other.Queries.LastEndAsync("rare", null, [RunState.Completed], Cancel))?.Id);
        Assert.Single(await other.Queries.FindAsync("run-9002", null, Cancel));
        Assert.Empty(await other.Queries.FindAsync("run-9001", null, Cancel));

        // What comes late for such a day still finds its place, also from a process that knows the day's partition.
        await other.AppendAsync([Ended(9002, 41, "rare") with { Kind = EventKind.Started, At = now - TimeSpan.FromDays(41.1) }, Ended(9003, 44, "late")], Cancel);
        Assert.NotNull((await log.Queries.FindAsync("run-9002", null, Cancel)).Single().Started);
        Assert.Single(await log.Queries.FindAsync("run-9003", null, Cancel));
        Assert.Equal((0, 0), (await log.RetainAsync(new RetentionPolicy { Age = TimeSpan.FromDays(30) }, Cancel)) switch { var again => (again.Deleted, again.Keys) });
        Assert.Equal(0, (await StoreUpkeep.CheckRollupsAsync(store.Url, Cancel)).Mended);
    }
}
