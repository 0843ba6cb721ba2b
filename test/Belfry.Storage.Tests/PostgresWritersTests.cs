using System.Collections.Concurrent;
using Belfry.Testing;
using Belfry.Tests.Folding;
using Npgsql;

namespace Belfry.Storage.Tests;

/// <summary>Several processes on one PostgreSQL store, and a server that goes away.</summary>
public sealed class PostgresWritersTests(PostgresFixture postgres)
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, Soak.Count(6, 100))];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Three_writers_of_the_same_runs_agree_with_the_pure_function_in_rows_figures_and_last_ends(int seed)
    {
        await using LogStore store = await postgres.NewStoreAsync();
        var random = new Random(seed);
        List<List<TaskEvent>> lives = [.. Enumerable.Range(0, 120).Select(n => Lives.Random(random, n % 7 == 0 ? $"plain-{n}" : NewUuid(random)))];
        RunLog[] logs = [.. await Task.WhenAll(Enumerable.Range(0, 3).Select(n => store.OpenAsync(options => options.OpenRunsInMemory = n == 0 ? 0 : 100_000)))];
        await Task.WhenAll(logs.Select((log, n) => TellAsync(log, Share(lives, n, random.Next()), random.Next())));
        foreach (List<TaskEvent> life in lives.Where(life => life.Count > 0))
        {
            IReadOnlyList<TaskRun> found = await logs[seed % 3].Queries.FindAsync(life[0].Id, null, Cancel);
            Assert.Equal(Fold.Rows(life), found);
        }
        TaskRun[] rows = [.. lives.SelectMany(Fold.Rows)];
        await LastEndsAreThoseOfAsync(rows, logs[0].Queries);
        foreach (RunLog log in logs)
        {
            Assert.Null(log.Problem);
            await log.DisposeAsync();
        }
        await FiguresAreThoseOfTheRowsAsync(store);
    }

    [Fact]
    public async Task A_server_that_crashes_loses_nothing_that_was_acknowledged_and_the_log_goes_on_when_it_is_back()
    {
        await using PostgresServer server = await PostgresServer.StartAsync();
        await using PostgresDatabase store = await PostgresFixture.NewDatabaseAsync(server);
        await using RunLog log = await store.OpenAsync();
        var told = new List<Task>();
        for (int n = 0; n < 300; n++)
        {
            told.Add(log.AppendAsync([Event(n, EventKind.Started, 0), Event(n, EventKind.Succeeded, 5)], Cancel));
            if (n is 100 or 200)
            {
                await Task.WhenAny(told[n - 50], Task.Delay(TimeSpan.FromSeconds(20), Cancel));
                await server.CrashAsync();
                told.Add(log.AppendAsync([Event(1000 + n, EventKind.Started, 0)], Cancel));
                await Eventually.HoldsAsync("the log says that it cannot write", () => log.Problem is not null);
                await server.StartAgainAsync();
            }
        }
        await Task.WhenAll(told).WaitAsync(TimeSpan.FromSeconds(60), Cancel);
        Assert.Null(log.Problem);
        for (int n = 0; n < 300; n++)
        {
            Assert.Equal(Fold.Rows([Event(n, EventKind.Started, 0), Event(n, EventKind.Succeeded, 5)]), await log.Queries.FindAsync($"run-{n}", null, Cancel));
        }
        LogFigures figures = await log.Queries.FiguresAsync(new Instant(At), new Instant(At), [], Cancel);
        Assert.Equal((300, 2), (figures.States[RunState.Completed], figures.States[RunState.Running]));
    }

    [Fact]
    public async Task What_one_server_writes_reaches_those_who_watch_the_other_within_a_second_and_only_once()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        await using RunLog one = await store.OpenAsync(), other = await store.OpenAsync();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var heard = new ConcurrentQueue<RunChange>();
        Task watching = Task.Run(async () =>
        {
            await foreach (RunChange change in other.Feed.ReadAsync(null, end.Token))
            {
                heard.Enqueue(change);
            }
        }, Cancel);
        await Task.Delay(TimeSpan.FromSeconds(1), Cancel); // the other has asked for the first time

        long began = TimeProvider.System.GetTimestamp();
        await one.AppendAsync([Event(1, EventKind.Started, 0)], Cancel);
        await Eventually.HoldsAsync("the start is heard", () => heard.Any(change => change.Run is { Id: "run-1", State: RunState.Running }));
        await one.AppendAsync([Event(1, EventKind.Succeeded, 5), Event(2, EventKind.Failed, 6)], Cancel);
        await Eventually.HoldsAsync("both ends are heard", () => heard.Count >= 3);
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(10)); // 2 s, on a machine that does nothing else
        Assert.Equal([RunState.Completed, RunState.Failed], heard.Skip(1).Select(change => change.Run!.State).Order());

        await one.AppendAsync([.. Enumerable.Range(10, 1000).Select(n => Event(n, EventKind.Started, 0))], Cancel);
        await Eventually.HoldsAsync("a gap says that there was more", () => heard.Count >= 4);
        await other.AppendAsync([Event(3, EventKind.Started, 7)], Cancel);
        await Task.Delay(TimeSpan.FromSeconds(1.2), Cancel);
        Assert.Equal([false, false, false, true, false], heard.Select(change => change.Gap));
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watching);
    }

    [Fact]
    public async Task A_run_that_another_has_just_put_into_a_new_partition_is_not_stored_twice()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        await using RunLog one = await store.OpenAsync(), other = await store.OpenAsync();
        Instant begin = Instant.Now(TimeProvider.System) - TimeSpan.FromDays(20); // a day that has no partition yet
        TaskEvent Told(string id, EventKind kind, long after) => new() { Source = "s", Id = id, Kind = kind, At = new Instant(begin.Micros + after), Task = "t" };
        string inTheWay = new Guid(1, 0, 0, new byte[8]).ToString(), both = Guid.AllBitsSet.ToString();
        for (int n = 0; n < 10; n++)
        {
            await one.AppendAsync([Told(Guid.NewGuid().ToString(), EventKind.Started, 0)], Cancel); // until its statements are prepared
        }
        await using var holding = new NpgsqlConnection(store.Url.Server!);
        await holding.OpenAsync(Cancel);
        await using NpgsqlTransaction held = await holding.BeginTransactionAsync(Cancel);
        await using (var guard = new NpgsqlCommand($"INSERT INTO belfry.run_key(at, id, source, attempt) SELECT 1, '{inTheWay}', id, 1 FROM belfry.name WHERE text = 's'", holding, held))
        {
            Assert.Equal(1, await guard.ExecuteNonQueryAsync(Cancel));
        }
        // The first of these is looked for in the store; then the guards of the others are made, in the order of their ids, and that waits.
        Task waiting = one.AppendAsync(
            [Told(Guid.NewGuid().ToString(), EventKind.Started, 0), Told(inTheWay, EventKind.Submitted, 0), Told(both, EventKind.Submitted, 1)], Cancel);
        await Eventually.HoldsAsync("one waits for the guard", async () =>
        {
            await using var asking = new NpgsqlConnection(store.Url.Server!);
            await asking.OpenAsync(Cancel);
            await using var waits = new NpgsqlCommand("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'", asking);
            return (long)(await waits.ExecuteScalarAsync(Cancel))! > 0;
        });
        await other.AppendAsync([Told(both, EventKind.Started, 2), Told(both, EventKind.Succeeded, 3)], Cancel);
        await held.RollbackAsync(Cancel);
        await waiting;
        Assert.Equal(
            Fold.Rows([Told(both, EventKind.Submitted, 1), Told(both, EventKind.Started, 2), Told(both, EventKind.Succeeded, 3)]), await one.Queries.FindAsync(both, null, Cancel));
    }

    [Fact]
    public async Task What_two_servers_meet_for_the_first_time_gets_one_number_and_one_partition()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        RunLog[] logs = [.. await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => store.OpenAsync()))];
        await Task.WhenAll(logs.Select((log, n) => Task.WhenAll(Enumerable.Range(0, 40).Select(i => log.AppendAsync(
            [Event((n * 1000) + i, EventKind.Succeeded, i * 86_400_000_000) with { Source = $"s{i % 5}", Task = $"task-{i}", Worker = $"w{i}" }], Cancel)))));
        Assert.Equal(40, (await logs[0].Queries.NamesAsync(NameKind.Task, Cancel)).Count);
        Assert.Equal(160, (await logs[1].Queries.PageAsync(new RunFilter(), 1000, null, null, Cancel)).Items.Count);
        Assert.Equal(40, (await logs[2].Queries.WorkersAsync(Cancel)).Select(worker => worker.Name).Distinct().Count());
        foreach (RunLog log in logs)
        {
            await log.DisposeAsync();
        }
    }

    [Fact]
    public async Task Two_servers_that_delete_what_is_old_while_a_third_writes_delete_each_run_once_and_nothing_else()
    {
        var policy = new RetentionPolicy { Age = TimeSpan.FromDays(30) };
        await using LogStore store = await postgres.NewStoreAsync();
        RunLog[] logs = [.. await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => store.OpenAsync()))];
        Instant now = Instant.Now(TimeProvider.System);
        TaskEvent Ended(int n, double daysAgo) => Event(n, n % 3 == 0 ? EventKind.Failed : EventKind.Succeeded, 0) with { At = now - TimeSpan.FromDays(daysAgo) };
        await logs[0].AppendAsync([.. Enumerable.Range(0, 6000).Select(n => Ended(n, n % 2 == 0 ? 40 : 20))], Cancel);
        policy = policy with { FailureAge = policy.Age };
        Task<RetentionResult>[] rounds = [logs[0].RetainAsync(policy, Cancel), logs[1].RetainAsync(policy, Cancel)];
        for (int n = 6000; n < 6100; n++)
        {
            await logs[2].AppendAsync([Ended(n, 1)], Cancel);
        }
        RetentionResult[] results = await Task.WhenAll(rounds);
        Assert.Equal((3000, 3000), (results.Sum(result => result.Deleted), results.Sum(result => result.Keys)));
        Assert.Equal(3100, (await logs[2].Queries.CountAsync(new RunFilter(), 10_000, null, Cancel)).Runs);
        Assert.Equal(6100, (await logs[2].Queries.StatusAsync(Cancel)).EndedRuns); // as the figures have it, which stay
        foreach (RunLog log in logs)
        {
            Assert.Null(log.Problem);
            await log.DisposeAsync();
        }
    }

    const long At = 1_700_000_000_000_000;

    static TaskEvent Event(int n, EventKind kind, long after) =>
        new() { Source = "s", Id = $"run-{n}", Kind = kind, At = new Instant(At + after), Task = "t" };

    /// <summary>What one of three writers hears: most events are heard by one, some by two, and all in another order.</summary>
    static List<TaskEvent> Share(List<List<TaskEvent>> lives, int writer, int seed)
    {
        var random = new Random(seed);
        List<TaskEvent> share = [.. lives.SelectMany(life => life).Where((_, i) => i % 3 == writer || random.Next(4) == 0)];
        random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(share));
        return share;
    }

    static async Task TellAsync(RunLog log, List<TaskEvent> events, int seed)
    {
        var random = new Random(seed);
        for (int at = 0; at < events.Count;)
        {
            int size = Math.Min(random.Next(1, 30), events.Count - at);
            await log.AppendAsync(events.GetRange(at, size), Cancel);
            at += size;
        }
    }

    static async Task LastEndsAreThoseOfAsync(TaskRun[] rows, RunQueries queries)
    {
        foreach (IGrouping<(string, RunState), TaskRun> ends in rows
            .Where(run => run is { Task: not null, Finished: not null } && run.State.IsFinal() && run.State != RunState.Cancelled).GroupBy(run => (run.Task!, run.State)))
        {
            TaskRun? last = await queries.LastEndAsync(ends.Key.Item1, null, [ends.Key.Item2], Cancel);
            Assert.Equal(ends.Max(run => run.Finished!.Value.Micros), last?.Finished?.Micros);
        }
    }

    static async Task FiguresAreThoseOfTheRowsAsync(LogStore store) => Assert.Equal(0, (await StoreUpkeep.CheckRollupsAsync(store.Url, Cancel)).Mended);

    static string NewUuid(Random random)
    {
        var bytes = new byte[16];
        random.NextBytes(bytes);
        return new Guid(bytes).ToString();
    }
}
