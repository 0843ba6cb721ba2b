using System.Collections.Concurrent;

namespace Belfry.Storage.Tests;

/// <summary>Calls wait, are claimed, end, and all of it is in the log: on every engine.</summary>
public abstract class WorkQueueTests
{
    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_call_waits_in_the_log_is_claimed_once_and_its_run_is_there_to_the_end()
    {
        await using QueueStore store = await NewStoreAsync();
        QueuedCall call = Call("add") with { Args = "[1,2]", Kwargs = "{\"round\":true}", Priority = 3 };
        Assert.True(await store.Queue.PutAsync(call, Cancel));
        TaskRun waiting = Assert.Single(await store.FindAsync(call.Id));
        Assert.Equal((RunState.Pending, "default", "[1,2]", 3), (waiting.State, waiting.Queue, waiting.Args, waiting.Priority));
        ClaimedCall claimed = Assert.Single(await store.Queue.ClaimAsync(Room(), Cancel));
        Assert.Equal(call, claimed.Call);
        Assert.Equal((1, "w1"), (claimed.Attempt, claimed.Worker));
        await store.Queue.EndAsync(claimed, Success(store, "3"));
        TaskRun ended = Assert.Single(await store.FindAsync(call.Id));
        Assert.Equal((RunState.Completed, "3", "w1"), (ended.State, ended.Result, ended.Worker));
        Assert.Empty(await store.Queue.WaitingAsync(Cancel));
        await NobodyIsClaimedAsync(store);
    }

    [Fact]
    [Trait("row", "40")]
    public async Task Calls_start_by_priority_then_by_their_due_instant_then_by_arrival()
    {
        await using QueueStore store = await NewStoreAsync();
        string[] tasks = ["low", "first", "second", "early", "high"];
        Instant now = store.Now;
        await PutAsync(store, Call("low") with { Priority = -1, Submitted = now });
        await PutAsync(store, Call("first") with { Submitted = now });
        await PutAsync(store, Call("second") with { Submitted = now });
        await PutAsync(store, Call("early") with { Eta = now - TimeSpan.FromHours(1) });
        await PutAsync(store, Call("high") with { Priority = 9, Submitted = now });
        IReadOnlyList<ClaimedCall> claimed = await store.Queue.ClaimAsync(Room(), Cancel);
        Assert.Equal(["high", "early", "first", "second", "low"], claimed.Select(call => call.Call.Task));
        Assert.Equal(tasks.Length, claimed.Count);
    }

    [Fact]
    public async Task A_call_for_later_starts_when_it_is_due_and_not_before()
    {
        await using QueueStore store = await NewStoreAsync();
        Instant due = store.Now + TimeSpan.FromMilliseconds(400);
        await PutAsync(store, Call("later") with { Eta = due });
        await PutAsync(store, Call("now"));
        Assert.Equal("now", Assert.Single(await store.Queue.ClaimAsync(Room(), Cancel)).Call.Task);
        Assert.Equal("later", Assert.Single(await store.Queue.ClaimAsync(Room(), Cancel)).Call.Task);
        Assert.InRange(store.Now.Micros, due.Micros, due.Micros + 2_000_000);
    }

    [Fact]
    public async Task A_call_that_expired_while_it_waited_is_cancelled_and_says_so()
    {
        await using QueueStore store = await NewStoreAsync();
        QueuedCall stale = Call("stale") with { Expires = store.Now - TimeSpan.FromSeconds(1) };
        await PutAsync(store, stale);
        await PutAsync(store, Call("fresh") with { Expires = store.Now + TimeSpan.FromHours(1) });
        Assert.Equal("fresh", Assert.Single(await store.Queue.ClaimAsync(Room(), Cancel)).Call.Task);
        TaskRun run = await store.EventuallyAsync(stale.Id, found => found.State.IsFinal());
        Assert.Equal((RunState.Cancelled, "expired"), (run.State, run.Reason));
    }

    [Fact]
    public async Task No_more_calls_of_a_queue_are_at_work_than_its_limit()
    {
        await using QueueStore store = await NewStoreAsync();
        for (int n = 0; n < 5; n++)
        {
            await PutAsync(store, Call("mail") with { Queue = "mail" });
        }
        await PutAsync(store, Call("other"));
        WorkRoom room = Room(new Dictionary<string, int> { ["mail"] = 2 });
        IReadOnlyList<ClaimedCall> first = await store.Queue.ClaimAsync(room, Cancel);
        Assert.Equal(["mail", "mail", "other"], first.Select(call => call.Call.Task).Order());
        Task<IReadOnlyList<ClaimedCall>> next = store.Queue.ClaimAsync(room, Cancel);
        ClaimedCall mail = first.First(call => call.Call.Task == "mail");
        Assert.False(next.IsCompleted);
        room.Leave("mail");
        await store.Queue.EndAsync(mail, Success(store, null));
        Assert.Equal("mail", Assert.Single(await next).Call.Task);
        Assert.Equal(2, (await store.Queue.WaitingAsync(Cancel))["mail"]);
    }

    [Fact]
    public async Task A_key_called_by_many_at_once_is_one_run_also_when_it_has_ended()
    {
        await using QueueStore store = await NewStoreAsync();
        QueuedCall call = Call("bill") with { IsKeyed = true };
        bool[] put = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => store.Queue.PutAsync(call with { Submitted = store.Now }, Cancel))));
        Assert.Single(put, isNew => isNew);
        ClaimedCall claimed = Assert.Single(await store.Queue.ClaimAsync(Room(), Cancel));
        Assert.False(await store.Queue.PutAsync(call, Cancel));
        await store.Queue.EndAsync(claimed, Success(store, null));
        Assert.False(await store.Queue.PutAsync(call, Cancel));
        await NobodyIsClaimedAsync(store);
        Assert.Single(await store.FindAsync(call.Id));
    }

    [Fact]
    public async Task A_waiting_call_can_be_revoked_and_one_at_work_cannot()
    {
        await using QueueStore store = await NewStoreAsync();
        QueuedCall gone = Call("gone"), taken = Call("taken");
        await PutAsync(store, gone);
        Assert.True(await store.Queue.RevokeAsync(gone.Id, Cancel));
        Assert.False(await store.Queue.RevokeAsync(gone.Id, Cancel));
        await PutAsync(store, taken);
        Assert.Equal("taken", Assert.Single(await store.Queue.ClaimAsync(Room(), Cancel)).Call.Task);
        Assert.False(await store.Queue.RevokeAsync(taken.Id, Cancel));
        TaskRun run = await store.EventuallyAsync(gone.Id, found => found.State.IsFinal());
        Assert.Equal((RunState.Cancelled, "revoked"), (run.State, run.Reason));
    }

    [Fact]
    public async Task A_call_that_is_given_back_waits_again_as_the_same_attempt()
    {
        await using QueueStore store = await NewStoreAsync();
        await PutAsync(store, Call("again"));
        IReadOnlyList<ClaimedCall> claimed = await store.Queue.ClaimAsync(Room(), Cancel);
        await store.Queue.ReleaseAsync(claimed);
        Assert.Equal(1, (await store.Queue.WaitingAsync(Cancel))["default"]);
        Assert.Equal(1, Assert.Single(await store.Queue.ClaimAsync(Room(), Cancel)).Attempt);
    }

    [Fact]
    public async Task A_call_of_a_task_that_nobody_knows_waits_for_somebody_who_does()
    {
        await using QueueStore store = await NewStoreAsync();
        await PutAsync(store, Call("python"));
        await PutAsync(store, Call("dotnet"));
        Assert.Equal("dotnet", Assert.Single(await store.Queue.ClaimAsync(new WorkRoom("w1", 100, null, task => task == "dotnet"), Cancel)).Call.Task);
        Assert.Equal("python", Assert.Single(await store.Queue.ClaimAsync(new WorkRoom("w2", 100, null, task => task == "python"), Cancel)).Call.Task);
    }

    [Fact]
    public async Task A_call_at_work_for_a_while_is_shown_as_running_and_ends_as_the_same_run()
    {
        await using QueueStore store = await NewStoreAsync();
        QueuedCall call = Call("slow");
        await PutAsync(store, call);
        ClaimedCall claimed = Assert.Single(await store.Queue.ClaimAsync(Room(), Cancel));
        CallEnd end = Success(store, "1");
        await store.Queue.BeginAsync(claimed, end.Started, Cancel);
        Assert.Equal(RunState.Running, Assert.Single(await store.FindAsync(call.Id)).State);
        await store.Queue.EndAsync(claimed, end);
        TaskRun run = Assert.Single(await store.FindAsync(call.Id));
        Assert.Equal((RunState.Completed, end.Started, end.Finished), (run.State, run.Started, run.Finished));
    }

    [Theory]
    [InlineData(EventKind.Failed, RunState.Failed)]
    [InlineData(EventKind.Cancelled, RunState.Cancelled)]
    [InlineData(EventKind.Skipped, RunState.Skipped)]
    public async Task What_the_log_says_of_a_call_is_what_its_events_fold_to(EventKind kind, RunState state)
    {
        await using QueueStore store = await NewStoreAsync();
        QueuedCall call = Call("fold") with { Args = "[\"x\"]", Parent = Guid.NewGuid().ToString(), Root = Guid.NewGuid().ToString(), Expires = store.Now + TimeSpan.FromHours(1) };
        await PutAsync(store, call);
        ClaimedCall claimed = Assert.Single(await store.Queue.ClaimAsync(Room(), Cancel));
        CallEnd end = Success(store, null) with { Kind = kind, Exception = kind == EventKind.Failed ? "ValueError('7')" : null, Reason = kind == EventKind.Failed ? null : "why" };
        await store.Queue.EndAsync(claimed, end);
        TaskRun run = Assert.Single(await store.FindAsync(call.Id));
        Assert.Equal(state, run.State);
        Assert.Equal(Fold.Rows([CallEvents.Submitted(call), CallEvents.Started(claimed, end.Started), CallEvents.Ended(claimed, end)]), [run]);
    }

    [Fact]
    public async Task A_call_that_is_to_be_retried_waits_as_the_next_attempt_until_that_is_due()
    {
        await using QueueStore store = await NewStoreAsync();
        QueuedCall call = Call("flaky") with { Queue = "mail", Priority = 2, Kwargs = """{"user":"ann","password":"swordfish"}""" };
        await PutAsync(store, call);
        ClaimedCall first = Assert.Single(await store.Queue.ClaimAsync(Room(), Cancel));
        CallEnd end = Success(store, null);
        Instant due = end.Finished + TimeSpan.FromMilliseconds(300);
        await store.Queue.EndAsync(first, end with { Kind = EventKind.Retried, Exception = "OSError: not yet", RetryAt = due });
        Assert.Equal(1, (await store.Queue.WaitingAsync(Cancel))["mail"]);
        ClaimedCall second = Assert.Single(await store.Queue.ClaimAsync(Room(), Cancel));
        Assert.InRange(store.Now.Micros, due.Micros, due.Micros + 3_000_000);
        Assert.Equal((2, call.Kwargs, "mail", 2), (second.Attempt, second.Call.Kwargs, second.Call.Queue, second.Call.Priority));
        await store.Queue.EndAsync(second, Success(store, "1"));
        IEnumerable<TaskRun> runs = (await store.FindAsync(call.Id)).OrderBy(run => run.Attempt);
        Assert.Equal([(1, RunState.Retried, "OSError: not yet"), (2, RunState.Completed, null)], runs.Select(run => (run.Attempt, run.State, run.Exception)));
        Assert.All(runs, run => Assert.Equal(store.IsInMemory, run.Kwargs!.Contains("swordfish", StringComparison.Ordinal)));
        Assert.Empty(await store.Queue.WaitingAsync(Cancel));
    }

    [Fact]
    public async Task A_call_of_which_a_process_of_its_own_died_runs_again_and_the_fifth_time_it_is_a_dead_letter()
    {
        await using QueueStore store = await NewStoreAsync();
        QueuedCall call = Call("crash") with { Args = "[1]" };
        await PutAsync(store, call);
        for (int attempt = 1; attempt <= CallEvents.MostDeaths; attempt++)
        {
            ClaimedCall claimed = Assert.Single(await store.Queue.ClaimAsync(Room(), Cancel));
            Assert.Equal((attempt, "[1]"), (claimed.Attempt, claimed.Call.Args));
            await store.Queue.EndAsync(claimed, Success(store, null) with { Kind = EventKind.Lost });
        }
        await NobodyIsClaimedAsync(store);
        IReadOnlyList<TaskRun> runs = await store.FindAsync(call.Id);
        Assert.Equal([.. Enumerable.Repeat("worker gone", 4), "dead letter"], runs.OrderBy(run => run.Attempt).Select(run => run.Reason));
    }

    [Fact]
    public async Task Attempts_that_failed_and_were_retried_do_not_make_a_call_a_dead_letter()
    {
        await using QueueStore store = await NewStoreAsync();
        QueuedCall call = Call("flaky");
        await PutAsync(store, call);
        for (int attempt = 1; attempt <= CallEvents.MostDeaths + 1; attempt++)
        {
            ClaimedCall claimed = Assert.Single(await store.Queue.ClaimAsync(Room(), Cancel));
            CallEnd end = Success(store, null);
            await store.Queue.EndAsync(claimed, end with { Kind = EventKind.Retried, RetryAt = end.Finished });
        }
        for (int deaths = 0; deaths < 2; deaths++)
        {
            ClaimedCall claimed = Assert.Single(await store.Queue.ClaimAsync(Room(), Cancel));
            Assert.Equal((CallEvents.MostDeaths + 2 + deaths, deaths), (claimed.Attempt, claimed.Deaths));
            await store.Queue.EndAsync(claimed, Success(store, null) with { Kind = EventKind.Lost });
        }
        TaskRun waiting = await store.EventuallyAsync(call.Id, run => run.Attempt == CallEvents.MostDeaths + 4);
        Assert.Equal(RunState.Pending, waiting.State);
    }

    /// <summary>Two processes upon one store.</summary>
    protected static async Task NoMoreAreAtWorkThanTheLimitAsync(IWorkQueue one, IWorkQueue other)
    {
        for (int n = 0; n < 5; n++)
        {
            Assert.True(await one.PutAsync(Call("mail") with { Queue = "mail" }, Cancel));
        }
        var limits = new Dictionary<string, int> { ["mail"] = 3 };
        WorkRoom small = new("one", 2, limits), large = new("other", 100, limits);
        IReadOnlyList<ClaimedCall> first = await one.ClaimAsync(small, Cancel);
        Assert.Equal(2, first.Count);
        Assert.Single(await other.ClaimAsync(large, Cancel));
        Task<IReadOnlyList<ClaimedCall>> next = other.ClaimAsync(large, Cancel);
        await Task.Delay(700, Cancel); // both look twice a second at what is in the store
        Assert.False(next.IsCompleted);
        small.Leave("mail");
        await one.EndAsync(first[0], new CallEnd(EventKind.Succeeded, first[0].Call.Submitted, first[0].Call.Submitted));
        Assert.Single(await next.WaitAsync(TimeSpan.FromSeconds(30), Cancel));
        Assert.Equal(1, (await one.WaitingAsync(Cancel))["mail"]);
    }

    protected static QueuedCall Call(string task) =>
        new() { Id = Guid.CreateVersion7().ToString(), Task = task, Submitted = Instant.Now(TimeProvider.System) };

    protected static WorkRoom Room(IReadOnlyDictionary<string, int>? limits = null) => new("w1", 100, limits);

    protected static CallEnd Success(QueueStore store, string? result) =>
        new(EventKind.Succeeded, store.Now, store.Now + TimeSpan.FromMilliseconds(5)) { Result = result };

    protected abstract Task<QueueStore> NewStoreAsync();

    static async Task PutAsync(QueueStore store, QueuedCall call) => Assert.True(await store.Queue.PutAsync(call, Cancel));

    static async Task NobodyIsClaimedAsync(QueueStore store)
    {
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        soon.CancelAfter(50);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.Queue.ClaimAsync(Room(), soon.Token));
    }
}

/// <summary>An empty queue of a test's own, and what its log says.</summary>
public abstract class QueueStore : IAsyncDisposable
{
    public abstract IWorkQueue Queue { get; }

    /// <summary>It hides nothing.</summary>
    public virtual bool IsInMemory => false;

    public Instant Now => Instant.Now(TimeProvider.System);

    public abstract Task<IReadOnlyList<TaskRun>> FindAsync(string id);

    public async Task<TaskRun> EventuallyAsync(string id, Func<TaskRun, bool> holds)
    {
        while (true)
        {
            if ((await FindAsync(id)).FirstOrDefault(holds) is { } run)
            {
                return run;
            }
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public abstract ValueTask DisposeAsync();
}

/// <summary>In memory.</summary>
public sealed class MemoryWorkQueueTests : WorkQueueTests
{
    protected override Task<QueueStore> NewStoreAsync() => Task.FromResult<QueueStore>(new InMemory());

    sealed class InMemory : QueueStore
    {
        readonly ConcurrentQueue<TaskEvent> _log = [];
        readonly MemoryWorkQueue _queue;

        public InMemory() => _queue = new MemoryWorkQueue(Keep, TimeProvider.System);

        public override IWorkQueue Queue => _queue;

        public override bool IsInMemory => true;

        public override Task<IReadOnlyList<TaskRun>> FindAsync(string id) => Task.FromResult(Fold.Rows(_log.Where(item => item.Id == id)));

        public override ValueTask DisposeAsync()
        {
            _queue.Dispose();
            return ValueTask.CompletedTask;
        }

        Task Keep(IReadOnlyList<TaskEvent> events, CancellationToken cancel)
        {
            foreach (TaskEvent item in events)
            {
                _log.Enqueue(item);
            }
            return Task.CompletedTask;
        }
    }
}
