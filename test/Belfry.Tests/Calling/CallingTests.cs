using System.Collections.Concurrent;
using Belfry.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using static Belfry.Conditions;

namespace Belfry.Tests.Calling;

/// <summary>"Call it now or later", as an application does it.</summary>
public sealed class CallingTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_call_by_name_runs_with_its_arguments_in_order_or_by_name_and_gives_its_result()
    {
        await using Counter counter = await Counter.OpenAsync(tasks => tasks.AddTask("add", Never, (int a, int b) => a + b));
        string inOrder = await counter.Client.CallAsync("add", new[] { 1, 2 }, cancel: Cancel), byName = await counter.Client.CallAsync("add", new { b = 40, a = 2 }, cancel: Cancel);
        Assert.Equal(3, await counter.Client.ResultAsync<int>(inOrder, Cancel));
        Assert.Equal(42, await counter.Client.ResultAsync<int>(byName, Cancel));
        TaskRun run = await counter.RunAsync(byName);
        Assert.Equal(("add", "default", "{\"b\":40,\"a\":2}", "42"), (run.Task, run.Queue, run.Kwargs, run.Result));
        Assert.NotNull(run.Submitted);
    }

    [Fact]
    public async Task A_typed_call_runs_the_method_of_the_service_with_what_its_arguments_were_when_it_was_called()
    {
        var reports = new Reports();
        await using Counter counter = await Counter.OpenAsync(tasks => tasks.AddCalls<IReports>(), services => services.AddSingleton<IReports>(reports));
        int month = 11;
        var report = new Report("sales", 2026);
        string id = await counter.Client.CallAsync<IReports>(service => service.SendAsync(report, month + 1, Cancel), cancel: Cancel);
        month = 0;
        Assert.Equal("sales 2026-12", await counter.Client.ResultAsync<string>(id, Cancel));
        Assert.Equal("IReports.SendAsync", (await counter.RunAsync(id)).Task);
        string named = await counter.Client.CallAsync<IReports>(service => service.Forget("old"), cancel: Cancel);
        await counter.Client.ResultAsync<object>(named, Cancel);
        Assert.Equal("forget reports", (await counter.RunAsync(named)).Task);
        Assert.Equal(["sales 2026-12", "old"], reports.Sent);
    }

    [Fact]
    public async Task What_is_no_task_here_cannot_be_called_and_the_message_says_what_to_do()
    {
        await using Counter counter = await Counter.OpenAsync(tasks => tasks.AddTask("known", Never, () => { }));
        ArgumentException unknown = await Assert.ThrowsAsync<ArgumentException>(() => counter.Client.CallAsync("unknown", cancel: Cancel));
        Assert.Contains("'unknown'", unknown.Message, StringComparison.Ordinal);
        ArgumentException typed = await Assert.ThrowsAsync<ArgumentException>(() => counter.Client.CallAsync<IReports>(service => service.Forget("x"), cancel: Cancel));
        Assert.Contains("AddCalls", typed.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(() => counter.Client.CallAsync<IReports>(service => Console.WriteLine(), cancel: Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => counter.Client.ResultAsync<int>("no-such-run", Cancel));
        var both = new CallOptions { Countdown = TimeSpan.FromSeconds(1), Eta = TimeProvider.System.GetUtcNow() };
        ArgumentException twice = await Assert.ThrowsAsync<ArgumentException>(() => counter.Client.CallAsync("known", options: both, cancel: Cancel));
        Assert.Contains("say one of them", twice.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_for_later_starts_later_and_one_that_expires_before_is_cancelled()
    {
        await using Counter counter = await Counter.OpenAsync(tasks => tasks.AddTask("work", Never, () => "done"));
        DateTimeOffset begin = TimeProvider.System.GetUtcNow();
        string later = await counter.Client.CallAsync("work", options: new CallOptions { Countdown = TimeSpan.FromMilliseconds(300) }, cancel: Cancel);
        string stale = await counter.Client.CallAsync("work", options: new CallOptions { Eta = begin.AddMilliseconds(200), Expires = begin.AddMilliseconds(50) }, cancel: Cancel);
        Assert.Equal("done", await counter.Client.ResultAsync<string>(later, Cancel));
        Assert.True((await counter.RunAsync(later)).Started!.Value.ToDateTimeOffset() >= begin.AddMilliseconds(300));
        CallFailedException expired = await Assert.ThrowsAsync<CallFailedException>(() => counter.Client.ResultAsync<string>(stale, Cancel));
        Assert.Equal((RunState.Cancelled, "expired"), (expired.Run.State, expired.Run.Reason));
    }

    [Fact]
    public async Task A_key_is_one_run_however_many_call_at_once()
    {
        int runs = 0;
        await using Counter counter = await Counter.OpenAsync(tasks => tasks.AddTask("bill", Never, () => Interlocked.Increment(ref runs)));
        var options = new CallOptions { IdempotencyKey = "order 7" };
        string[] ids = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(() => counter.Client.CallAsync("bill", options: options))));
        Assert.Equal(1, await counter.Client.ResultAsync<int>(Assert.Single(ids.Distinct()), Cancel));
        Assert.Equal(ids[0], await counter.Client.CallAsync("bill", options: options, cancel: Cancel));
        Assert.NotEqual(ids[0], await counter.Client.CallAsync("bill", options: new CallOptions { IdempotencyKey = "order 8" }, cancel: Cancel));
    }

    [Fact]
    public async Task Whoever_waits_for_a_failed_run_learns_why()
    {
        await using Counter counter = await Counter.OpenAsync(tasks => tasks.AddTask("fail", Never, () => { throw new InvalidOperationException("no such order"); }));
        string id = await counter.Client.CallAsync("fail", cancel: Cancel);
        CallFailedException failed = await Assert.ThrowsAsync<CallFailedException>(() => counter.Client.ResultAsync<int>(id, Cancel));
        Assert.Equal(RunState.Failed, failed.Run.State);
        Assert.Contains("no such order", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("row", "31")]
    public async Task A_call_that_fails_is_tried_again_as_its_condition_says_and_whoever_waits_gets_what_the_last_attempt_gave()
    {
        int tries = 0;
        await using Counter counter = await Counter.OpenAsync(tasks =>
        {
            tasks.AddTask("flaky", Retry(2, TimeSpan.FromMilliseconds(10)), (int least) => ++tries < least ? throw new InvalidOperationException("not yet") : tries);
            tasks.AddTask("out of its window", Retry(2) & Never, void () => throw new InvalidOperationException("never"));
        });
        string id = await counter.Client.CallAsync("flaky", 3, cancel: Cancel);
        Assert.Equal(3, await counter.Client.ResultAsync<int>(id, Cancel));
        IReadOnlyList<TaskRun> runs = await counter.RunsAsync(id);
        Assert.Equal([(1, RunState.Retried, "[3]"), (2, RunState.Retried, "[3]"), (3, RunState.Completed, "[3]")], runs.Select(run => (run.Attempt, run.State, run.Args)));
        Assert.True(runs[1].Started - runs[0].Finished >= TimeSpan.FromMilliseconds(10));
        tries = 0;
        string hopeless = await counter.Client.CallAsync("flaky", 9, cancel: Cancel);
        CallFailedException failed = await Assert.ThrowsAsync<CallFailedException>(() => counter.Client.ResultAsync<int>(hopeless, Cancel));
        Assert.Equal((3, RunState.Failed, 3), (failed.Run.Attempt, failed.Run.State, tries));
        string outside = await counter.Client.CallAsync("out of its window", cancel: Cancel);
        Assert.Equal(1, (await Assert.ThrowsAsync<CallFailedException>(() => counter.Client.ResultAsync<int>(outside, Cancel))).Run.Attempt);
    }

    [Fact]
    [Trait("row", "31")]
    public async Task A_call_that_times_out_is_tried_again_and_one_that_was_revoked_is_not()
    {
        int tries = 0;
        await using Counter counter = await Counter.OpenAsync(tasks =>
        {
            tasks.AddTask("slow", Retry(1), (CancellationToken cancel) => ++tries < 2 ? Task.Delay(Timeout.Infinite, cancel) : Task.CompletedTask, options => options.Timeout = TimeSpan.FromMilliseconds(50));
            tasks.AddTask("endless", Retry(1), (CancellationToken cancel) => Task.Delay(Timeout.Infinite, cancel));
        });
        string slow = await counter.Client.CallAsync("slow", cancel: Cancel), endless = await counter.Client.CallAsync("endless", cancel: Cancel);
        await counter.Client.ResultAsync<object>(slow, Cancel);
        Assert.Equal([(1, RunState.Cancelled, "timeout"), (2, RunState.Completed, null)], (await counter.RunsAsync(slow)).Select(run => (run.Attempt, run.State, run.Reason)));
        await Eventually.HoldsAsync("it is told to end", () => counter.Client.RevokeAsync(endless, Cancel));
        Assert.Equal(1, (await Assert.ThrowsAsync<CallFailedException>(() => counter.Client.ResultAsync<object>(endless, Cancel))).Run.Attempt);
    }

    [Fact]
    public async Task Methods_of_a_service_are_tried_again_where_that_was_said_when_they_were_registered()
    {
        var reports = new Reports { Failures = 2 };
        await using Counter counter = await Counter.OpenAsync(tasks => tasks.AddCalls<IReports>(Retry(2)), services => services.AddSingleton<IReports>(reports));
        string id = await counter.Client.CallAsync<IReports>(service => service.Forget("old"), cancel: Cancel);
        await counter.Client.ResultAsync<object>(id, Cancel);
        Assert.Equal(3, (await counter.RunAsync(id)).Attempt);
    }

    [Fact]
    public async Task A_call_is_revoked_while_it_waits_and_while_it_is_at_work()
    {
        var begun = new TaskCompletionSource();
        await using Counter counter = await Counter.OpenAsync(tasks =>
        {
            tasks.Options.QueueLimits["slow"] = 1;
            tasks.AddTask("slow", Never, async (CancellationToken stop) =>
            {
                begun.TrySetResult();
                await Task.Delay(Timeout.Infinite, stop);
            }, options => options.Queue = "slow");
        });
        string first = await counter.Client.CallAsync("slow", cancel: Cancel);
        await begun.Task.WaitAsync(Cancel);
        string second = await counter.Client.CallAsync("slow", cancel: Cancel);
        foreach (string id in new[] { second, first })
        {
            Assert.True(await counter.Client.RevokeAsync(id, Cancel));
            CallFailedException revoked = await Assert.ThrowsAsync<CallFailedException>(() => counter.Client.ResultAsync<object>(id, Cancel));
            Assert.Equal((RunState.Cancelled, "revoked"), (revoked.Run.State, revoked.Run.Reason));
        }
        Assert.Null((await counter.RunAsync(second)).Started);
        Assert.False(await counter.Client.RevokeAsync(first, Cancel));
    }

    [Fact]
    [Trait("row", "88")]
    public async Task Progress_is_told_by_name_and_context_from_anywhere_in_the_application()
    {
        var go = new TaskCompletionSource();
        await using Counter counter = await Counter.OpenAsync(tasks => tasks.AddTask("import", Never, async (TaskRunContext run, string file) =>
        {
            run.SetContext("File", null, file);
            await go.Task;
        }));
        string a = await counter.Client.CallAsync("import", "a", cancel: Cancel), b = await counter.Client.CallAsync("import", "b", cancel: Cancel);
        await Eventually.HoldsAsync("both runs have told what they are about", async () => (await counter.RunAsync(a)).Context is not null && (await counter.RunAsync(b)).Context is not null);
        Assert.True(await counter.Client.ReportProgressAsync("import", new RunContext("File", null, "a"), 40, "half of it, nearly", Cancel));
        Assert.False(await counter.Client.ReportProgressAsync("import", new RunContext("File", null, "c"), 40, cancel: Cancel));
        TaskRun run = await counter.RunAsync(a);
        Assert.Equal((40, "half of it, nearly"), (run.Percent, run.Text));
        Assert.True(run.Updated >= run.Submitted);
        Assert.Null((await counter.RunAsync(b)).Percent);
        go.SetResult();
        await counter.Client.ResultAsync<object>(a, Cancel);
        await counter.Client.ResultAsync<object>(b, Cancel);
        Assert.False(await counter.Client.ReportProgressAsync("import", null, 99, cancel: Cancel));
    }

    [Fact]
    public async Task A_private_argument_reaches_the_handler_and_not_the_log()
    {
        await using Counter counter = await Counter.OpenAsync(tasks => tasks.AddTask("login", Never, ([Private] string password) => password.Length));
        string id = await counter.Client.CallAsync("login", new { password = "swordfish" }, cancel: Cancel);
        Assert.Equal(9, await counter.Client.ResultAsync<int>(id, Cancel));
        Assert.DoesNotContain("swordfish", (await counter.RunAsync(id)).ToString(), StringComparison.Ordinal);
        ArgumentException hidden = await Assert.ThrowsAsync<ArgumentException>(() => counter.Client.CallAgainAsync(id, Cancel));
        Assert.Contains("does not show", hidden.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_called_again_by_hand_is_a_new_one_whose_parent_is_the_old()
    {
        await using Counter counter = await Counter.OpenAsync(tasks => tasks.AddTask("add", Never, (int a, int b) => a + b));
        string first = await counter.Client.CallAsync("add", new[] { 20, 1 }, cancel: Cancel);
        await counter.Client.ResultAsync<int>(first, Cancel);
        string second = await counter.Client.CallAgainAsync(first, Cancel);
        Assert.Equal(21, await counter.Client.ResultAsync<int>(second, Cancel));
        Assert.Equal((first, 1), ((await counter.RunAsync(second)).Parent, (await counter.RunAsync(second)).Attempt));
    }

    [Fact]
    public async Task A_process_that_ends_waits_for_what_is_at_work_and_leaves_what_will_not_end_for_the_next_attempt()
    {
        var begun = new CountdownEvent(2);
        await using Counter counter = await Counter.OpenAsync(tasks =>
        {
            tasks.AddTask("short", Never, async () =>
            {
                begun.Signal();
                await Task.Delay(300);
                return 1;
            });
            tasks.AddTask("long", Never, async (CancellationToken stop) =>
            {
                begun.Signal();
                await Task.Delay(Timeout.Infinite, stop);
            });
        });
        string ends = await counter.Client.CallAsync("short", cancel: Cancel), stays = await counter.Client.CallAsync("long", cancel: Cancel);
        begun.Wait(Cancel);
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await counter.StopAsync(late.Token);
        Assert.Equal(RunState.Completed, (await counter.RunAsync(ends)).State);
        Assert.Equal(RunState.Running, (await counter.RunAsync(stays)).State);
    }

    [Fact]
    public async Task A_body_that_does_not_listen_does_not_hold_up_the_end_of_its_process()
    {
        using ManualResetEventSlim begun = new(), free = new();
        var clock = new ManualClock();
        await using Counter counter = await Counter.OpenAsync(
            tasks => tasks.AddTask("deaf", Never, () =>
            {
                begun.Set();
                free.Wait();
            }),
            services => services.AddSingleton<TimeProvider>(clock));
        await counter.Client.CallAsync("deaf", cancel: Cancel);
        begun.Wait(Cancel);
        Task stopped = counter.StopAsync(new CancellationToken(canceled: true));
        try
        {
            await Eventually.HoldsAsync("the process has ended", () =>
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                return stopped.IsCompleted;
            });
        }
        finally
        {
            free.Set();
        }
    }

    [Fact]
    public async Task An_end_that_the_log_does_not_take_is_told()
    {
        var diary = new Diary();
        using var queue = new MemoryWorkQueue(
            (events, _) => events.Any(item => item.Kind == EventKind.Succeeded) ? Task.FromException(new IOException("the disk is full")) : Task.CompletedTask, TimeProvider.System);
        await using Counter counter = await Counter.OpenAsync(
            tasks => tasks.AddTask("work", Never, () => { }), services => services.AddSingleton<IWorkQueue>(queue).AddLogging(logging => logging.AddProvider(diary)));
        await counter.Client.CallAsync("work", cancel: Cancel);
        await Eventually.HoldsAsync("it is told", () => diary.Records.Any(record => record.Contains("of 'work' cannot be logged", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_key_whose_call_the_log_did_not_take_is_free_again()
    {
        bool isFull = true;
        using var queue = new MemoryWorkQueue((_, _) => isFull ? Task.FromException(new IOException("the disk is full")) : Task.CompletedTask, TimeProvider.System);
        QueuedCall call = new() { Id = CallIds.Of("bill", "customer 7"), Task = "bill", Submitted = Instant.Now(TimeProvider.System), IsKeyed = true };
        await Assert.ThrowsAsync<IOException>(() => queue.PutAsync(call, Cancel));
        isFull = false;
        Assert.True(await queue.PutAsync(call, Cancel));
        Assert.Equal(call, Assert.Single(await queue.ClaimAsync(new WorkRoom("w", 1), Cancel)).Call);
    }

    [Fact]
    public async Task Calls_are_refused_where_nothing_would_keep_them_and_that_is_told_when_they_are_registered()
    {
        RegistrationException refused = Assert.Throws<RegistrationException>(() => new ServiceCollection().AddBelfry(tasks =>
        {
            tasks.UseServer("http://127.0.0.1:9", "token");
            tasks.AddCalls<IReports>();
        }));
        Assert.Contains("AddCalls<IReports>", refused.Message, StringComparison.Ordinal);
        Assert.Contains("UseSqlite", refused.Message, StringComparison.Ordinal);
        using var folder = new TempFolder();
        await using ServiceProvider services = new ServiceCollection().AddBelfry(tasks =>
        {
            tasks.UseServer("http://127.0.0.1:9", "token", options => options.Folder = folder.Path);
            tasks.AddTask("work", Never, () => { });
        }).BuildServiceProvider();
        InvalidOperationException late = await Assert.ThrowsAsync<InvalidOperationException>(() => services.GetRequiredService<IBelfryClient>().CallAsync("work", cancel: Cancel));
        Assert.Contains("'work' cannot be called", late.Message, StringComparison.Ordinal);
    }

    /// <summary>What was logged.</summary>
    sealed class Diary : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Records { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Records.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }

    interface IReports
    {
        Task<string> SendAsync(Report report, int month, CancellationToken cancel);

        [BelfryTask("forget reports")]
        void Forget(string name);
    }

    sealed record Report(string Name, int Year);

    sealed class Reports : IReports
    {
        public List<string> Sent { get; } = [];

        public int Failures { get; set; }

        public Task<string> SendAsync(Report report, int month, CancellationToken cancel)
        {
            Sent.Add($"{report.Name} {report.Year}-{month}");
            return Task.FromResult(Sent[^1]);
        }

        public void Forget(string name)
        {
            if (Failures-- > 0)
            {
                throw new InvalidOperationException("the archive is closed");
            }
            Sent.Add(name);
        }
    }
}
