using Belfry.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Storage.Tests;

/// <summary>The work queue on PostgreSQL.</summary>
public sealed class PostgresWorkQueueTests(PostgresFixture postgres) : WorkQueueTests
{
    [Fact]
    public async Task Calls_put_by_one_process_are_taken_at_once_by_another_and_each_by_one_only()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        await using RunLog caller = await store.OpenAsync(), one = await store.OpenAsync(), other = await store.OpenAsync();
        Assert.True(caller.Work.IsShared);
        Task<IReadOnlyList<ClaimedCall>> waiting = one.Work.ClaimAsync(new WorkRoom("one", 1), Cancel);
        await Task.Delay(700, Cancel); // it has looked, and listens by now
        QueuedCall first = Call("add");
        long begin = TimeProvider.System.GetTimestamp();
        Assert.True(await caller.Work.PutAsync(first, Cancel));
        Assert.Equal(first, Assert.Single(await waiting).Call);
        Assert.InRange(TimeProvider.System.GetElapsedTime(begin).TotalSeconds, 0, 5); // without the bell it looks twice a second
        QueuedCall[] calls = [.. Enumerable.Range(0, 300).Select(_ => Call("add"))];
        Assert.All(await Task.WhenAll(calls.Select(call => caller.Work.PutAsync(call, Cancel))), Assert.True);
        async Task<List<ClaimedCall>> AllAsync(RunLog log, string worker)
        {
            var room = new WorkRoom(worker, 7);
            var all = new List<ClaimedCall>();
            while ((await log.Work.WaitingAsync(Cancel)).Count > 0)
            {
                using var soon = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
                soon.CancelAfter(TimeSpan.FromSeconds(1));
                try
                {
                    foreach (ClaimedCall call in await log.Work.ClaimAsync(room, soon.Token))
                    {
                        all.Add(call);
                        room.Leave(call.Call.Queue);
                        await log.Work.EndAsync(call, new CallEnd(EventKind.Succeeded, Instant.Now(TimeProvider.System), Instant.Now(TimeProvider.System)));
                    }
                }
                catch (OperationCanceledException)
                {
                    // the other has the rest
                }
            }
            return all;
        }
        List<ClaimedCall>[] taken = await Task.WhenAll(AllAsync(one, "one"), AllAsync(other, "other"));
        Assert.Equal(calls.Select(call => call.Id).Order(), taken.SelectMany(some => some).Select(call => call.Call.Id).Order());
        Assert.All(taken, some => Assert.NotEmpty(some));
        Assert.Equal(300, (await caller.Queries.CountAsync(new RunFilter { States = [RunState.Completed] }, 1000, null, Cancel)).Runs);
    }

    [Fact]
    [Trait("row", "68")]
    public async Task Calls_of_a_process_that_is_gone_are_lost_and_run_again_and_the_fifth_time_they_are_dead_letters()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        QueuedCall call = Call("crash") with { Args = "[\"x\"]", Kwargs = "{\"password\":\"secret\"}" };
        Assert.True(await log.Work.PutAsync(call, Cancel));
        for (int attempt = 1; attempt <= CallEvents.MostDeaths; attempt++)
        {
            ClaimedCall claimed = Assert.Single(await log.Work.ClaimAsync(Room(), Cancel));
            Assert.Equal((attempt, call.Args, call.Kwargs), (claimed.Attempt, claimed.Call.Args, claimed.Call.Kwargs));
            await store.ExecuteAsync("UPDATE call SET owner = gen_random_uuid()"); // nobody is there by that number
        }
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        soon.CancelAfter(1000);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => log.Work.ClaimAsync(Room(), soon.Token));
        IReadOnlyList<TaskRun> runs = await log.Queries.FindAsync(call.Id, null, Cancel);
        Assert.Equal([.. Enumerable.Repeat("worker gone", 4), "dead letter"], runs.Select(run => run.Reason));
        Assert.All(runs, run => Assert.Equal((RunState.Lost, "[\"x\"]"), (run.State, run.Args)));
        Assert.All(runs, run => Assert.DoesNotContain("secret", run.Kwargs, StringComparison.Ordinal));
        Assert.Empty(await log.Work.WaitingAsync(Cancel));
    }

    [Fact]
    public async Task The_limit_of_a_queue_holds_for_all_processes_together()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        await using RunLog one = await store.OpenAsync(), other = await store.OpenAsync();
        await NoMoreAreAtWorkThanTheLimitAsync(one.Work, other.Work);
    }

    [Fact]
    public async Task However_many_processes_ask_at_once_no_more_calls_of_a_queue_are_at_work_than_its_limit()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        await using RunLog one = await store.OpenAsync(), two = await store.OpenAsync(), three = await store.OpenAsync();
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => one.Work.PutAsync(Call("mail") with { Queue = "mail" }, Cancel))), Assert.True);
        int atWork = 0, most = 0, done = 0;
        using var all = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        async Task WorkAsync(RunLog log, string worker)
        {
            var room = new WorkRoom(worker, 10, new Dictionary<string, int> { ["mail"] = 4 });
            while (!all.IsCancellationRequested)
            {
                foreach (ClaimedCall call in await log.Work.ClaimAsync(room, all.Token))
                {
                    most = Math.Max(most, Interlocked.Increment(ref atWork));
                    _ = Task.Delay(5, CancellationToken.None).ContinueWith(
                        async _ =>
                        {
                            Interlocked.Decrement(ref atWork);
                            room.Leave(call.Call.Queue);
                            await log.Work.EndAsync(call, new CallEnd(EventKind.Succeeded, call.Call.Submitted, call.Call.Submitted));
                            Interlocked.Increment(ref done);
                        },
                        TaskScheduler.Default);
                }
            }
        }
        Task[] workers = [WorkAsync(one, "one"), WorkAsync(two, "two"), WorkAsync(three, "three")];
        await Eventually.HoldsAsync("all are done", () => done == 60);
        await all.CancelAsync();
        foreach (Task worker in workers)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => worker);
        }
        Assert.InRange(most, 1, 4);
    }

    [Fact]
    public async Task A_process_that_renews_its_row_no_longer_is_found_dead_with_what_it_had_in_hand_and_one_that_stops_is_not()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        await using (RunLog stopped = await store.OpenAsync())
        {
            Assert.Equal([true], await stopped.StartAsync([Claim("other", "leaver", "leaver-1", null)], TimeSpan.FromSeconds(30), Cancel));
        }
        Assert.Equal([true], await log.StartAsync([Claim("load", "us", "us-1", null)], TimeSpan.FromSeconds(30), Cancel));
        Assert.Equal([true], await log.StartAsync([Claim("save", "doomed", "doomed-1", null)], TimeSpan.FromSeconds(30), Cancel));
        await store.ExecuteAsync("INSERT INTO process(id, name, until) VALUES(gen_random_uuid(), 'doomed', 0)");
        long begin = TimeProvider.System.GetTimestamp();
        await Eventually.HoldsAsync("the dead process is found", async () => (await log.DeadRunsAsync("local", Cancel)).Count > 0);
        Assert.InRange(TimeProvider.System.GetElapsedTime(begin).TotalSeconds, 4, 30);
        TaskRun dead = Assert.Single(await log.DeadRunsAsync("local", Cancel));
        Assert.Equal(("doomed-1", RunState.Running), (dead.Id, dead.State));
        await log.AppendAsync([new() { Source = "local", Id = dead.Id, Kind = EventKind.Lost, At = dead.Updated, Attempt = 1, Worker = "doomed", Reason = "worker gone" }], Cancel);
        Assert.Empty(await log.DeadRunsAsync("local", Cancel));
    }

    [Fact]
    [Trait("row", "68")]
    public async Task Of_many_who_decided_upon_the_same_last_start_one_may_start_and_its_start_is_in_the_log()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        await using RunLog log = await store.OpenAsync(), other = await store.OpenAsync();
        Instant? last = null;
        for (int round = 0; round < 20; round++)
        {
            IReadOnlyList<bool>[] granted = await Task.WhenAll(Enumerable.Range(0, 6).Select(n => (n % 2 == 0 ? log : other).StartAsync(
                [Claim("load", $"p{n % 2}", $"run-{round}-{n}", last), Claim($"task-{n % 2}", $"p{n % 2}", $"own-{round}-{n}", null, byHand: true)], TimeSpan.FromSeconds(30), Cancel)));
            Assert.Single(granted, some => some[0]);
            Assert.All(granted, some => Assert.True(some[1]));
            IReadOnlyList<TaskRun> started = [.. (await log.Queries.PageAsync(new RunFilter { Tasks = ["load"] }, 100, null, null, Cancel)).Items];
            Assert.Equal(round + 1, started.Count);
            last = started.Max(run => run.Started!.Value);
        }
        Assert.Equal([false], await log.StartAsync([Claim("load", "p0", "late", last!.Value - TimeSpan.FromSeconds(1))], TimeSpan.FromSeconds(30), Cancel));
        Assert.Equal([true], await log.StartAsync([Claim("load", "p0", "of-another-source-known", last.Value + TimeSpan.FromSeconds(1))], TimeSpan.FromSeconds(30), Cancel));
    }

    [Fact]
    [Trait("row", "68")]
    public async Task Of_two_workers_of_which_one_is_killed_now_and_then_each_call_is_executed_and_none_twice_as_the_same_attempt()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        var random = new Random(3);
        var ran = new List<string>();
        ChildProcess[] workers = [await StartAsync(store), await StartAsync(store)];
        var called = new List<string>();
        for (int kill = 0; kill < (Soak.On ? 30 : 3); kill++)
        {
            QueuedCall[] calls = [.. Enumerable.Range(0, 300).Select(_ => Call("work"))];
            Assert.All(await Task.WhenAll(calls.Select(call => log.Work.PutAsync(call, Cancel))), Assert.True);
            called.AddRange(calls.Select(call => call.Id));
            await Task.Delay(random.Next(20, 300), Cancel);
            int doomed = random.Next(2);
            workers[doomed].Signal(9);
            await workers[doomed].ExitAsync(TimeSpan.FromSeconds(30));
            ran.AddRange(RanBy(workers[doomed]));
            await workers[doomed].DisposeAsync();
            workers[doomed] = await StartAsync(store);
        }
        await Eventually.HoldsAsync(
            "all calls have ended", async () => (await log.Queries.CountAsync(new RunFilter { States = [RunState.Completed] }, 100_000, null, Cancel)).Runs == called.Count, TimeSpan.FromMinutes(2));
        foreach (ChildProcess worker in workers)
        {
            worker.Signal(9);
            await worker.ExitAsync(TimeSpan.FromSeconds(30));
            ran.AddRange(RanBy(worker));
            await worker.DisposeAsync();
        }
        Assert.Equal(ran.Count, ran.Distinct().Count());
        Assert.Superset(called.ToHashSet(), ran.Select(line => line.Split(' ')[0]).ToHashSet());
        Assert.Empty(await log.Work.WaitingAsync(Cancel));
    }

    /// <summary>The process that is killed: it executes, and says what.</summary>
    [Fact(Explicit = true)]
    public async Task It_works()
    {
        await using RunLog log = await RunLog.OpenAsync(
            StoreUrl.Parse(Environment.GetEnvironmentVariable("BELFRY_WORKER")!), new RunLogOptions(), TimeProvider.System, NullLoggerFactory.Instance, Cancel);
        using var console = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        TextWriter output = TextWriter.Synchronized(console);
        output.WriteLine();
        output.WriteLine(Ready);
        var room = new WorkRoom($"process {Environment.ProcessId}", 20);
        while (true)
        {
            foreach (ClaimedCall call in await log.Work.ClaimAsync(room, Cancel))
            {
                Instant begun = Instant.Now(TimeProvider.System);
                output.WriteLine($"ran {call.Call.Id} {call.Attempt}");
                _ = Task.Delay(5, CancellationToken.None).ContinueWith(
                    _ =>
                    {
                        room.Leave(call.Call.Queue);
                        return log.Work.EndAsync(call, new CallEnd(EventKind.Succeeded, begun, Instant.Now(TimeProvider.System)));
                    },
                    TaskScheduler.Default);
            }
        }
    }

    protected override async Task<QueueStore> NewStoreAsync()
    {
        LogStore store = await postgres.NewStoreAsync();
        return new OnPostgres(store, await store.OpenAsync());
    }

    const string Ready = "works";

    static async Task<ChildProcess> StartAsync(LogStore store)
    {
        ChildProcess process = ChildProcess.Start(
            Environment.ProcessPath!, ["--explicit", "only", "--filter-method", $"*{nameof(PostgresWorkQueueTests)}.{nameof(It_works)}"],
            environment: new Dictionary<string, string?> { ["BELFRY_WORKER"] = store.FullUrl });
        await process.LineAsync(line => line == Ready, TimeSpan.FromMinutes(2));
        return process;
    }

    /// <summary>What a process said that it did; a line that was not written to its end is none.</summary>
    static IEnumerable<string> RanBy(ChildProcess process) =>
        process.Output.Split('\n').Where(line => line.StartsWith("ran ", StringComparison.Ordinal) && line.Split(' ').Length == 3).Select(line => line["ran ".Length..].Trim());

    static RunClaim Claim(string task, string process, string id, Instant? last, bool byHand = false) => new(
        new TaskEvent { Source = "local", Id = id, Kind = EventKind.Started, At = Instant.Now(TimeProvider.System), Attempt = 1, Task = task, Worker = process }, last, byHand);

    sealed class OnPostgres(LogStore store, RunLog log) : QueueStore
    {
        public override IWorkQueue Queue => log.Work;

        public override Task<IReadOnlyList<TaskRun>> FindAsync(string id) => log.Queries.FindAsync(id, null, TestContext.Current.CancellationToken);

        public override async ValueTask DisposeAsync()
        {
            await log.DisposeAsync();
            await store.DisposeAsync();
        }
    }
}
