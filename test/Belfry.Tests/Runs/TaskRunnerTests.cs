using Belfry.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using static Belfry.Conditions;

namespace Belfry.Tests.Runs;

public sealed class TaskRunnerTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("row", "36")]
    public async Task An_inline_body_runs_on_the_thread_of_its_caller()
    {
        await using var workshop = new Workshop(belfry => belfry.AddTask("count", Never, () => Environment.CurrentManagedThreadId, options => options.Execution = Execution.Inline));
        Task<RunOutcome> running = workshop.RunAsync("count");
        Assert.True(running.IsCompleted);
        Assert.Equal(Environment.CurrentManagedThreadId, (await running).Value);
    }

    [Fact]
    [Trait("row", "41")]
    public void A_limit_may_be_longer_than_any_timer()
    {
        using var real = new RunLimit(TimeSpan.FromDays(60), TimeProvider.System, CancellationToken.None);
        Assert.Null(real.Reason);
        var clock = new ManualClock();
        using var limit = new RunLimit(TimeSpan.FromDays(60.5), clock, CancellationToken.None);
        clock.Advance(TimeSpan.FromDays(60.4));
        Assert.Null(limit.Reason);
        clock.Advance(TimeSpan.FromDays(0.1));
        Assert.Equal("timeout", limit.Reason);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("row", "36")]
    public async Task An_async_body_leaves_its_caller_alone(bool longRunning)
    {
        using var let = new SemaphoreSlim(0);
        await using var workshop = new Workshop(belfry => belfry.AddTask(
            "count", Never, () => OnPoolAfter(let), options => options.LongRunning = longRunning));
        Task<RunOutcome> running = workshop.RunAsync("count");
        Assert.False(running.IsCompleted);
        let.Release();
        Assert.Equal(!longRunning, (await running).Value);
    }

    [Fact]
    [Trait("row", "5")]
    public async Task What_a_body_returns_is_its_result()
    {
        await using var workshop = new Workshop(belfry =>
        {
            belfry.AddTask("nothing", Never, () => { });
            belfry.AddTask("number", Never, () => 42);
            belfry.AddTask("task", Never, async () => await Task.Yield());
            belfry.AddTask("later", Never, async () =>
            {
                await Task.Yield();
                return new[] { "a", "b" };
            });
            belfry.AddTask("value", Never, () => new ValueTask<Priced>(new Priced("tin", 2.5m)));
            belfry.AddTask("valueless", Never, () => ValueTask.CompletedTask);
        });
        Assert.Null((await workshop.RunAsync("nothing")).Result);
        Assert.Equal("42", (await workshop.RunAsync("number")).Result);
        Assert.Null((await workshop.RunAsync("task")).Result);
        Assert.Equal("""["a","b"]""", (await workshop.RunAsync("later")).Result);
        Assert.Equal("""{"name":"tin","price":2.5}""", (await workshop.RunAsync("value")).Result);
        Assert.Null((await workshop.RunAsync("valueless")).Result);
    }

    [Fact]
    [Trait("row", "2")]
    public async Task A_failure_tells_class_message_and_place()
    {
        await using var workshop = new Workshop(belfry => belfry.AddTask("import", Never, ImportAsync));
        RunOutcome outcome = await workshop.RunAsync("import");
        Assert.Equal(EventKind.Failed, outcome.Kind);
        Assert.Equal("System.InvalidOperationException: no prices today", outcome.Exception);
        Assert.Contains("at Belfry.Tests.Runs.TaskRunnerTests.ImportAsync()", outcome.Traceback, StringComparison.Ordinal);
        Assert.Matches(@"^TaskRunnerTests\.ImportAsync, TaskRunnerTests\.cs:\d+$", outcome.Place);
        Assert.False(outcome.BeforeBody);
        (_, string text, Exception? error) = Assert.Single(workshop.Diary, record => record.Level == LogLevel.Error);
        Assert.StartsWith("Task 'import' failed, run run-1, attempt 2: System.InvalidOperationException: no prices today (TaskRunnerTests.ImportAsync,", text, StringComparison.Ordinal);
        Assert.IsType<InvalidOperationException>(error);
    }

    [Fact]
    [Trait("row", "4")]
    public async Task A_part_of_the_work_is_a_failure_that_keeps_its_result()
    {
        await using var workshop = new Workshop(belfry => belfry.AddTask("import", Never, void () => throw new PartialCompletionException("3 of 5 files", new { done = 3 })));
        RunOutcome outcome = await workshop.RunAsync("import");
        Assert.Equal((EventKind.Failed, "Belfry.PartialCompletionException: 3 of 5 files", """{"done":3}"""), (outcome.Kind, outcome.Exception, outcome.Result));
    }

    [Fact]
    [Trait("row", "44")]
    public async Task A_task_that_finds_nothing_to_do_is_skipped()
    {
        await using var workshop = new Workshop(belfry => belfry.AddTask("import", Never, void () => throw new TaskSkippedException("no file yet")));
        RunOutcome outcome = await workshop.RunAsync("import");
        Assert.Equal((EventKind.Skipped, "no file yet", null), (outcome.Kind, outcome.Reason, outcome.Exception));
        Assert.DoesNotContain(workshop.Diary, record => record.Level >= LogLevel.Warning);
    }

    [Fact]
    [Trait("row", "37")]
    public async Task A_body_that_obeys_its_timeout_is_cancelled_with_that_reason()
    {
        var clock = new ManualClock();
        await using var workshop = new Workshop(belfry => belfry.AddTask("wait", Never, (CancellationToken cancel) => Task.Delay(Timeout.Infinite, cancel)), clock: clock);
        Task<RunOutcome> running = workshop.RunAsync("wait");
        await clock.AdvanceWhenAskedAsync(TimeSpan.FromMinutes(30));
        RunOutcome outcome = await running;
        Assert.Equal((EventKind.Cancelled, "timeout"), (outcome.Kind, outcome.Reason));
        Assert.True(outcome.Released.IsCompleted);
    }

    [Fact]
    [Trait("row", "37")]
    public async Task A_body_that_returns_after_its_timeout_is_no_success()
    {
        var clock = new ManualClock();
        await using var workshop = new Workshop(
            belfry => belfry.AddTask("wait", Never, async (CancellationToken cancel) =>
            {
                await Task.Delay(Timeout.Infinite, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return "done all the same";
            }, options => options.Timeout = TimeSpan.FromSeconds(1)), clock: clock);
        Task<RunOutcome> running = workshop.RunAsync("wait");
        await clock.AdvanceWhenAskedAsync(TimeSpan.FromSeconds(1));
        RunOutcome outcome = await running;
        Assert.Equal((EventKind.Cancelled, "timeout", null), (outcome.Kind, outcome.Reason, outcome.Result));
    }

    [Fact]
    [Trait("row", "37")]
    public async Task A_body_that_ignores_its_timeout_is_cancelled_and_holds_its_slot_until_it_returns()
    {
        var clock = new ManualClock();
        using var let = new SemaphoreSlim(0);
        await using var workshop = new Workshop(
            belfry => belfry.AddTask("block", Never, () => let.Wait(CancellationToken.None), options => options.Timeout = TimeSpan.FromSeconds(1)), clock: clock);
        Task<RunOutcome> running = workshop.RunAsync("block");
        await clock.AdvanceWhenAskedAsync(TimeSpan.FromSeconds(1));
        await clock.AdvanceWhenAskedAsync(RunLimit.Grace);
        RunOutcome outcome = await running;
        Assert.Equal((EventKind.Cancelled, "timeout"), (outcome.Kind, outcome.Reason));
        Assert.False(outcome.Released.IsCompleted);
        Assert.Contains(workshop.Diary, record => record.Level == LogLevel.Warning && record.Text.Contains("holds its slot", StringComparison.Ordinal));
        let.Release();
        await outcome.Released.WaitAsync(Cancel);
    }

    [Fact]
    [Trait("row", "43")]
    public async Task A_permanent_task_has_no_timeout_and_ends_when_it_is_told_to()
    {
        var clock = new ManualClock();
        using var stop = new CancellationTokenSource();
        var began = new TaskCompletionSource();
        await using var workshop = new Workshop(belfry => belfry.AddTask("listen", Never, (CancellationToken cancel) =>
        {
            began.SetResult();
            return Task.Delay(Timeout.Infinite, cancel);
        }, options => options.Permanent = true), clock: clock);
        Task<RunOutcome> running = workshop.RunUntilAsync("listen", stop.Token);
        await began.Task.WaitAsync(Cancel);
        clock.Advance(TimeSpan.FromDays(1000));
        Assert.False(running.IsCompleted);
        await stop.CancelAsync();
        RunOutcome outcome = await running;
        Assert.Equal((EventKind.Cancelled, "terminated"), (outcome.Kind, outcome.Reason));
    }

    [Fact]
    [Trait("row", "3")]
    public async Task Cancellation_is_never_success()
    {
        using var stop = new CancellationTokenSource();
        await using var workshop = new Workshop(belfry =>
        {
            belfry.AddTask("own", Never, void () => throw new OperationCanceledException("somebody else's"));
            belfry.AddTask("angry", Never, async (CancellationToken cancel) =>
            {
                cancel.Register(() => throw new InvalidOperationException("at once"));
                await Task.Delay(Timeout.Infinite, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                throw new InvalidOperationException("not in the middle");
            });
        });
        Assert.Equal(EventKind.Failed, (await workshop.RunAsync("own")).Kind);
        Task<RunOutcome> running = workshop.RunUntilAsync("angry", stop.Token);
        await stop.CancelAsync();
        RunOutcome outcome = await running;
        Assert.Equal((EventKind.Cancelled, "terminated"), (outcome.Kind, outcome.Reason));
    }

    [Fact]
    public async Task A_result_that_cannot_be_written_is_a_failure_that_says_so()
    {
        await using var workshop = new Workshop(belfry => belfry.AddTask("circle", Never, () =>
        {
            var ring = new Ring();
            ring.Next = ring;
            return ring;
        }));
        RunOutcome outcome = await workshop.RunAsync("circle");
        Assert.Equal(EventKind.Failed, outcome.Kind);
        Assert.StartsWith("System.InvalidOperationException: the result, a Ring, cannot be written as JSON: A possible object cycle was detected", outcome.Exception, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handler_whose_constructor_throws_fails_before_its_body()
    {
        await using var workshop = new Workshop(
            belfry =>
            {
                belfry.AddTask("service", Never, typeof(Broken).GetMethod(nameof(Broken.Work))!);
                belfry.AddTask("parameter", Never, (Broken broken) => broken.Work());
            },
            services => services.AddScoped<Broken>());
        foreach ((string task, string what) in new[] { ("service", "Broken, which has the method of task 'service', cannot be made"), ("parameter", "the parameter 'broken' of task 'parameter' cannot be made") })
        {
            RunOutcome outcome = await workshop.RunAsync(task);
            Assert.Equal((EventKind.Failed, true, $"System.NotSupportedException: {what}: no driver"), (outcome.Kind, outcome.BeforeBody, outcome.Exception));
            Assert.Matches(@"^TaskRunnerTests\..+, TaskRunnerTests\.cs:\d+$", outcome.Place);
        }
    }

    [Fact]
    [Trait("row", "88")]
    public async Task A_body_reports_progress_and_what_it_is_about()
    {
        await using var workshop = new Workshop(belfry => belfry.AddTask("import", Never, (TaskRunContext run) =>
        {
            run.Report(40, "half of it");
            run.SetContext("prices", "daily", "7");
            return $"{run.Task.Name} {run.RunId} {run.Attempt}";
        }));
        Assert.Equal("import run-1 2", (await workshop.RunAsync("import")).Value);
        TaskEvent[] reports = [.. workshop.Reports];
        Assert.Equal((EventKind.Progress, 40.0, "half of it", 2), (reports[0].Kind, reports[0].Percent, reports[0].Text, reports[0].Attempt));
        Assert.Equal((EventKind.Context, new RunContext("prices", "daily", "7")), (reports[1].Kind, reports[1].Context));
    }

    [Fact]
    [Trait("row", "56")]
    public async Task Whoever_receives_records_of_a_run_and_throws_does_not_fail_it()
    {
        await using var workshop = new Workshop(
            belfry => belfry.AddTask("import", Never, (TaskRunContext run) => run.Logger.LogInformation("half of it")),
            services => services.AddLogging(logging => logging.AddProvider(new BrokenReceiver())));
        Assert.Equal((EventKind.Succeeded, null), (await workshop.RunAsync("import")) is var outcome ? (outcome.Kind, outcome.Exception) : default);
    }

    [Fact]
    public async Task Services_live_as_long_as_the_run()
    {
        await using var workshop = new Workshop(
            belfry =>
            {
                belfry.AddTask("scoped", Never, (Disposed first, IServiceProvider all) => ReferenceEquals(first, all.GetRequiredService<Disposed>()) ? first.Told : null);
                belfry.AddTask("made", Never, typeof(Made).GetMethod(nameof(Made.Work))!);
            },
            services => services.AddScoped<Disposed>());
        Assert.True((bool[])(await workshop.RunAsync("scoped")).Value! is [true]);
        Assert.True((bool[])(await workshop.RunAsync("made")).Value! is [true]);
    }

    [Fact]
    public async Task What_cannot_be_disposed_of_keeps_nothing_else_and_is_the_failure_of_the_run()
    {
        var known = new Disposed();
        await using var workshop = new Workshop(
            belfry => belfry.AddTask("stuck", Never, typeof(Stuck).GetMethod(nameof(Stuck.Work))!),
            services => services.AddScoped(_ => known));
        RunOutcome outcome = await workshop.RunAsync("stuck");
        Assert.Equal((EventKind.Failed, "System.InvalidOperationException: the door is stuck"), (outcome.Kind, outcome.Exception));
        Assert.True(known.Told[0]);
    }

    [Fact]
    public void Events_of_a_run_carry_what_was_ordered_and_how_it_ended()
    {
        TaskDefinition task = TaskDefinition.Of("import", Never, (string region, [Private] string key) => region + key);
        var order = new RunOrder { Source = "local", Id = "1", Attempt = 2, Kwargs = """{"region":"eu","key":"s3cret"}""", Args = """["s3cret"]""", Parent = "0", Root = "0", Queue = "fast" };
        TaskEvent started = RunEvents.Started(task, order, "app-1@here", new Instant(5));
        Assert.Equal(("import", "fast", "0", """{"region":"eu","key":"***"}""", """["***"]"""), (started.Task, started.Queue, started.Parent, started.Kwargs, started.Args));
        TaskEvent ended = RunEvents.Ended(task, order, new RunOutcome { Kind = EventKind.Succeeded, Result = "1", Runtime = TimeSpan.FromSeconds(2) }, "app-1@here", new Instant(7));
        Assert.Equal((EventKind.Succeeded, "1", 2.0, 2, "app-1@here"), (ended.Kind, ended.Result, ended.Runtime, ended.Attempt, ended.Worker));
    }

    static bool OnPoolAfter(SemaphoreSlim let)
    {
        let.Wait(CancellationToken.None);
        return Thread.CurrentThread.IsThreadPoolThread;
    }

    static async Task ImportAsync()
    {
        await Task.Yield();
        throw new InvalidOperationException("no prices today");
    }

    sealed record Priced(string Name, decimal Price);

    sealed class Ring
    {
        public Ring? Next { get; set; }
    }

    sealed class Broken
    {
        public Broken() => throw new NotSupportedException("no driver");

        public void Work()
        {
        }
    }

    sealed class Disposed : IDisposable
    {
        public bool[] Told { get; } = new bool[1];

        public void Dispose() => Told[0] = true;
    }

    sealed class Stuck : IDisposable
    {
        public void Work(Disposed service) => Assert.False(service.Told[0]);

        public void Dispose() => throw new InvalidOperationException("the door is stuck");
    }

    sealed class Made : IDisposable
    {
        readonly bool[] _told = new bool[1];

        public bool[] Work() => _told;

        public void Dispose() => _told[0] = true;
    }

    sealed class BrokenReceiver : ILoggerProvider, ILogger, IDisposable
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => throw new InvalidOperationException("no room for a scope");

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException("no mail server");

        public void Dispose()
        {
        }
    }
}
