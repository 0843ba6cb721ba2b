using System.Globalization;
using Belfry.Storage.Sqlite;
using Belfry.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Storage.Tests;

/// <summary>The work queue on SQLite: what outlives a process, and what a dead one leaves.</summary>
public sealed class SqliteWorkQueueTests : WorkQueueTests
{
    [Fact]
    public async Task Calls_wait_over_a_restart_with_all_that_was_said_of_them()
    {
        await using var folder = new LogFolder();
        QueuedCall call = Call("later") with { Queue = "mail", Priority = 2, Args = "[1]", Eta = Instant.Now(TimeProvider.System) + TimeSpan.FromMilliseconds(300) };
        await using (RunLog log = await folder.OpenAsync())
        {
            await log.Work.PutAsync(call, Cancel);
        }
        await using RunLog again = await folder.OpenAsync();
        Assert.Equal(1, (await again.Work.WaitingAsync(Cancel))["mail"]);
        Assert.Equal(call, Assert.Single(await again.Work.ClaimAsync(Room(), Cancel)).Call);
        Assert.True(Instant.Now(TimeProvider.System) >= call.Eta);
    }

    [Fact]
    public async Task Secrets_in_arguments_are_hidden_in_the_log_and_given_to_the_task_also_after_its_process_died()
    {
        await using var folder = new LogFolder();
        QueuedCall call = Call("login") with { Kwargs = """{"user":"ann","password":"swordfish"}""" };
        for (int attempt = 1; attempt <= 2; attempt++)
        {
            await using RunLog log = await folder.OpenAsync();
            if (attempt == 1)
            {
                await log.Work.PutAsync(call, Cancel);
            }
            ClaimedCall claimed = Assert.Single(await log.Work.ClaimAsync(Room(), Cancel)); // and never ended
            Assert.Equal((attempt, call.Kwargs), (claimed.Attempt, claimed.Call.Kwargs));
            TaskRun shown = (await log.Queries.FindAsync(call.Id, null, Cancel)).MaxBy(run => run.Attempt)!;
            Assert.DoesNotContain("swordfish", shown.Kwargs, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("row", "50")]
    public async Task The_next_attempt_at_a_call_that_failed_outlives_its_process_with_all_that_it_was_called_with()
    {
        await using var folder = new LogFolder();
        QueuedCall call = Call("login") with { Queue = "mail", Kwargs = """{"user":"ann","password":"swordfish"}""" };
        Instant due;
        await using (RunLog log = await folder.OpenAsync())
        {
            await log.Work.PutAsync(call, Cancel);
            ClaimedCall claimed = Assert.Single(await log.Work.ClaimAsync(Room(), Cancel));
            due = Instant.Now(TimeProvider.System) + TimeSpan.FromMilliseconds(500);
            await log.Work.EndAsync(claimed, new CallEnd(EventKind.Retried, call.Submitted, Instant.Now(TimeProvider.System)) { RetryAt = due });
        }
        await using RunLog again = await folder.OpenAsync();
        Assert.Equal(1, (await again.Work.WaitingAsync(Cancel))["mail"]);
        ClaimedCall next = Assert.Single(await again.Work.ClaimAsync(Room(), Cancel));
        Assert.Equal((2, 0, call.Kwargs, true), (next.Attempt, next.Deaths, next.Call.Kwargs, Instant.Now(TimeProvider.System) >= due));
    }

    [Fact]
    public async Task A_call_whose_process_dies_each_time_is_a_dead_letter_after_five_attempts()
    {
        await using var folder = new LogFolder();
        QueuedCall killer = Call("killer");
        for (int attempt = 1; attempt <= CallEvents.MostDeaths; attempt++)
        {
            await using RunLog log = await folder.OpenAsync();
            if (attempt == 1)
            {
                await log.Work.PutAsync(killer, Cancel);
            }
            Assert.Equal(attempt, Assert.Single(await log.Work.ClaimAsync(Room(), Cancel)).Attempt);
        }
        await using RunLog after = await folder.OpenAsync();
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        soon.CancelAfter(200);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => after.Work.ClaimAsync(Room(), soon.Token));
        TaskRun[] attempts = [.. (await after.Queries.FindAsync(killer.Id, null, Cancel)).OrderBy(run => run.Attempt)];
        Assert.Equal([1, 2, 3, 4, 5], attempts.Select(run => run.Attempt));
        Assert.All(attempts, run => Assert.Equal(RunState.Lost, run.State));
        Assert.All(attempts[..4], run => Assert.Equal(CallEvents.WorkerGone, run.Reason));
        Assert.True(CallEvents.IsDeadLetter(attempts[4]));
    }

    [Fact]
    public async Task A_claim_of_a_process_that_lives_is_left_alone_and_its_puts_are_seen_by_another_within_a_second()
    {
        await using var folder = new LogFolder();
        await using RunLog first = await folder.OpenAsync(), second = await folder.OpenAsync();
        QueuedCall mine = Call("mine"), yours = Call("yours");
        await first.Work.PutAsync(mine, Cancel);
        ClaimedCall claimed = Assert.Single(await first.Work.ClaimAsync(Room(), Cancel));
        Task<IReadOnlyList<ClaimedCall>> waiting = second.Work.ClaimAsync(new WorkRoom("w2", 10), Cancel);
        await first.Work.PutAsync(yours, Cancel);
        Assert.Equal("yours", Assert.Single(await waiting.WaitAsync(TimeSpan.FromSeconds(5), Cancel)).Call.Task);
        await first.Work.EndAsync(claimed, new CallEnd(EventKind.Succeeded, mine.Submitted, mine.Submitted));
        Assert.Equal(RunState.Completed, Assert.Single(await second.Queries.FindAsync(mine.Id, null, Cancel)).State);
    }

    [Fact]
    public async Task The_limit_of_a_queue_holds_for_all_processes_together()
    {
        await using var folder = new LogFolder();
        await using RunLog one = await folder.OpenAsync(), other = await folder.OpenAsync();
        await NoMoreAreAtWorkThanTheLimitAsync(one.Work, other.Work);
    }

    [Fact]
    public async Task What_the_file_refuses_for_its_own_sake_fails_alone_and_is_counted()
    {
        await using var folder = new LogFolder();
        await using RunLog log = await folder.OpenAsync(options => options.GroupWait = TimeSpan.FromMilliseconds(300));
        QueuedCall before = Call("before"), beside = Call("beside");
        await log.Work.PutAsync(before, Cancel);
        ClaimedCall claimed = Assert.Single(await log.Work.ClaimAsync(Room(), Cancel));
        await RefusePoisonAsync(folder);
        log.Refuse("s", "noted with them");
        Task poison = log.AppendAsync([Started("poison")], Cancel); // the log rests until 300 ms are over, so all of these are one group
        Task<bool> put = log.Work.PutAsync(beside, Cancel);
        Task ended = log.Work.EndAsync(claimed, new CallEnd(EventKind.Succeeded, before.Submitted, before.Submitted));
        Task good = log.AppendAsync([Started("good")], Cancel);
        await Task.WhenAll(put, ended, good).WaitAsync(TimeSpan.FromSeconds(20), Cancel);
        await Assert.ThrowsAsync<SqliteException>(() => poison.WaitAsync(TimeSpan.FromSeconds(20), Cancel));
        Assert.Equal(RunState.Running, Assert.Single(await log.Queries.FindAsync("good", null, Cancel)).State);
        Assert.Equal(RunState.Completed, Assert.Single(await log.Queries.FindAsync(before.Id, null, Cancel)).State);
        Assert.Equal("beside", Assert.Single(await log.Work.ClaimAsync(Room(), Cancel)).Call.Task);
        Assert.Empty(await log.Queries.FindAsync("poison", null, Cancel));
        await log.AppendAsync([Started("later")], Cancel); // refusals are written with the next group
        Assert.Equal(["events that could not be stored: SqliteException", "noted with them"], (await log.Queries.RefusalsAsync(Cancel)).Select(refusal => refusal.What).Order());
    }

    [Fact]
    public async Task A_group_that_fails_does_not_let_out_the_calls_that_a_group_before_it_let_in()
    {
        await using var folder = new LogFolder();
        await using RunLog log = await folder.OpenAsync();
        await log.Work.PutAsync(Call("slow"), Cancel);
        var room = new WorkRoom("w1", 1);
        Assert.Single(await log.Work.ClaimAsync(room, Cancel));
        await RefusePoisonAsync(folder);
        await Assert.ThrowsAnyAsync<Exception>(() => log.AppendAsync([Started("poison")], Cancel).WaitAsync(TimeSpan.FromSeconds(20), Cancel));
        Assert.Equal(0, room.Free);
    }

    [Fact]
    [Trait("row", "50")]
    public async Task Of_processes_that_are_killed_while_they_work_no_call_is_lost_and_none_runs_twice_as_the_same_attempt()
    {
        await using var folder = new LogFolder();
        var called = new HashSet<string>();
        var ran = new List<string>();
        var random = new Random(11);
        for (int process = 0; process < 3; process++)
        {
            await using ChildProcess doomed = Start(folder);
            await doomed.LineAsync(line => line.StartsWith("ran ", StringComparison.Ordinal), TimeSpan.FromMinutes(1));
            await Task.Delay(random.Next(100, 600), Cancel);
            doomed.Signal(9);
            await doomed.ExitAsync(TimeSpan.FromSeconds(10));
            string[] lines = doomed.Output.Split('\n');
            called.UnionWith(lines[..^1].Where(line => line.StartsWith("called ", StringComparison.Ordinal)).Select(line => line["called ".Length..]));
            ran.AddRange(lines[..^1].Where(line => line.StartsWith("ran ", StringComparison.Ordinal)).Select(line => line["ran ".Length..]));
        }
        await using RunLog log = await folder.OpenAsync();
        using var drained = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        Task worker = WorkAsync(log, line => ran.Add(line["ran ".Length..]), drained.Token);
        foreach (string id in called)
        {
            await Eventually.HoldsAsync($"run {id} has ended", async () => (await log.Queries.FindAsync(id, null, Cancel)).Any(run => run.State == RunState.Completed));
        }
        await drained.CancelAsync();
        await worker;
        Assert.NotEmpty(called);
        Assert.Equal(ran.Count, ran.Distinct().Count());
        Assert.Superset(called, ran.Select(line => line.Split(' ')[0]).ToHashSet());
        Assert.Contains(ran, line => line.EndsWith(" 2", StringComparison.Ordinal)); // some were at work when they were killed
    }

    /// <summary>The process that is killed: it calls and executes, and says what it has done.</summary>
    [Fact(Explicit = true)]
    public async Task It_calls_and_works()
    {
        await using RunLog log = await RunLog.OpenAsync(
            StoreUrl.Parse(Environment.GetEnvironmentVariable("BELFRY_QUEUE")!), new RunLogOptions(), TimeProvider.System, NullLoggerFactory.Instance, Cancel);
        using var console = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        TextWriter output = TextWriter.Synchronized(console);
        await output.WriteLineAsync();
        Task worker = WorkAsync(log, output.WriteLine, Cancel);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                QueuedCall call = Call("work");
                await log.Work.PutAsync(call, Cancel);
                output.WriteLine($"called {call.Id}");
                await Task.Delay(5);
            }
        })).Append(worker));
    }

    protected override async Task<QueueStore> NewStoreAsync()
    {
        var folder = new LogFolder();
        return new OnSqlite(folder, await folder.OpenAsync());
    }

    static TaskEvent Started(string id) => new() { Source = "s", Id = id, Kind = EventKind.Started, At = Instant.Now(TimeProvider.System), Task = "t" };

    static Task RefusePoisonAsync(LogFolder folder) =>
        folder.ExecuteAsync("CREATE TRIGGER refuse BEFORE INSERT ON open WHEN new.uid = 'poison' BEGIN SELECT RAISE(ABORT, 'no'); END");

    /// <summary>Executes what is called: each takes a few milliseconds.</summary>
    static async Task WorkAsync(RunLog log, Action<string> tell, CancellationToken cancel)
    {
        var room = new WorkRoom(string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId}"), 20);
        try
        {
            while (true)
            {
                foreach (ClaimedCall call in await log.Work.ClaimAsync(room, cancel))
                {
                    Instant begun = Instant.Now(TimeProvider.System);
                    tell($"ran {call.Call.Id} {call.Attempt}");
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
        catch (OperationCanceledException)
        {
            await Task.Delay(100, CancellationToken.None);
        }
    }

    static ChildProcess Start(LogFolder folder) => ChildProcess.Start(
        Environment.ProcessPath!, ["--explicit", "only", "--filter-method", $"*{nameof(SqliteWorkQueueTests)}.{nameof(It_calls_and_works)}"],
        environment: new Dictionary<string, string?> { ["BELFRY_QUEUE"] = folder.FullUrl });

    sealed class OnSqlite(LogFolder folder, RunLog log) : QueueStore
    {
        public override IWorkQueue Queue => log.Work;

        public override Task<IReadOnlyList<TaskRun>> FindAsync(string id) => log.Queries.FindAsync(id, null, TestContext.Current.CancellationToken);

        public override async ValueTask DisposeAsync()
        {
            await log.DisposeAsync();
            await folder.DisposeAsync();
        }
    }
}
