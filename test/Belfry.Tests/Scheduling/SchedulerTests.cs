using Belfry.Testing;
using Microsoft.Extensions.DependencyInjection;
using static Belfry.Conditions;

namespace Belfry.Tests.Scheduling;

/// <summary>The scheduler as an application has it: tasks, a log, a clock.</summary>
public sealed class SchedulerTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("row", "65")]
    public async Task With_a_clock_that_stands_nothing_happens_until_it_goes_on()
    {
        var clock = new ManualClock(new DateTimeOffset(2026, 3, 28, 23, 0, 0, TimeSpan.Zero));
        await using Belltower tower = await Belltower.OpenAsync(
            belfry =>
            {
                belfry.Options.TimeZone = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
                belfry.AddTask("nightly", Daily.After("02:30"), () => 1);
            },
            clock: clock);
        await tower.WorkingAsync();
        await GoAsync(clock, TimeSpan.FromMinutes(119));
        Assert.Empty(await tower.RunsAsync("nightly"));
        await GoAsync(clock, TimeSpan.FromMinutes(1)); // 01:00 UTC: the clock goes from 02:00 to 03:00, and 02:30 is 03:00
        TaskRun run = Assert.Single(await tower.EndedAsync("nightly"));
        Assert.Equal((new DateTimeOffset(2026, 3, 29, 1, 0, 0, TimeSpan.Zero), "local", RunState.Completed, "1"), (run.Started!.Value.ToDateTimeOffset(), run.Source, run.State, run.Result));
    }

    [Fact]
    [Trait("row", "31")]
    public async Task A_failure_is_retried_with_the_same_id_and_its_attempts_say_so()
    {
        int tries = 0;
        await using Belltower tower = await Belltower.OpenAsync(belfry => belfry.AddTask(
            "flaky", Daily | Retry(2), () => ++tries < 3 ? throw new InvalidOperationException("not yet") : tries));
        IReadOnlyList<TaskRun> runs = await tower.EndedAsync("flaky", 3);
        Assert.Equal([(1, RunState.Retried), (2, RunState.Retried), (3, RunState.Completed)], runs.Select(run => (run.Attempt, run.State)));
        Assert.Single(runs.Select(run => run.Id).Distinct());
        Assert.Equal("System.InvalidOperationException: not yet", runs[0].Exception);
    }

    [Fact]
    [Trait("row", "31")]
    public async Task The_last_attempt_has_failed_and_a_promise_that_cannot_be_kept_becomes_a_failure()
    {
        var noon = new ManualClock(new DateTimeOffset(2026, 6, 10, 12, 0, 0, TimeSpan.Zero)); // late in the evening the second attempt would be due tomorrow
        await using Belltower tower = await Belltower.OpenAsync(
            belfry =>
            {
                belfry.AddTask("broken", Daily | Retry(1), Fail);
                belfry.AddTask("put off", Daily | Retry(1, TimeSpan.FromHours(1)), Fail);
            },
            clock: noon);
        Assert.Equal([RunState.Retried, RunState.Failed], (await tower.EndedAsync("broken", 2)).Select(run => run.State));
        Assert.Equal(RunState.Retried, (await tower.EndedAsync("put off")).Single().State);
        await tower.Scheduler.DisableAsync("put off");
        await Eventually.HoldsAsync("it stands as failed", async () => (await tower.RunsAsync("put off")).Single() is { State: RunState.Failed });
        Assert.Contains(tower.Diary, record => record.Text.Contains("is not retried though it should have been: the task was disabled", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("row", "28")]
    public async Task A_task_starts_when_the_one_it_waits_for_has_ended()
    {
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.AddTask("third", AfterSuccess("second"), () => 3);
            belfry.AddTask("second", AfterSuccess("first"), () => 2);
            belfry.AddTask("first", Never, () => 1);
            belfry.AddTask("never", AfterFail("first"), () => 0);
        });
        await tower.Scheduler.RunNowAsync("first");
        Assert.Equal("3", (await tower.EndedAsync("third")).Single().Result);
        Assert.Empty(await tower.RunsAsync("never"));
    }

    [Fact]
    [Trait("row", "34")]
    public async Task A_function_of_ones_own_gets_services_and_is_known_in_texts_by_its_name()
    {
        var weather = new Weather();
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.Services.AddSingleton(weather);
            belfry.AddCondition(When("it rains", (Weather today) => today.IsWet, TimeSpan.FromMilliseconds(20)));
            belfry.AddTask("umbrella", "daily & when 'it rains'", () => { });
            belfry.AddTask("hat", "daily & !when 'it rains'", () => { });
        });
        await tower.EndedAsync("hat");
        Assert.Empty(await tower.RunsAsync("umbrella"));
        weather.IsWet = true;
        await tower.EndedAsync("umbrella");
    }

    [Fact]
    [Trait("row", "63")]
    public async Task A_new_condition_may_ask_about_tasks_that_nobody_asked_about()
    {
        var log = new MemoryLog(TimeProvider.System);
        Instant before = Instant.Now(TimeProvider.System);
        var done = new TaskEvent { Source = "cluster", Id = "1", Kind = EventKind.Succeeded, At = before, Task = "celery.task" };
        await log.AppendAsync([done], Cancel);
        await using Belltower tower = await Belltower.OpenAsync(
            belfry =>
            {
                belfry.ExpectTasks("celery.task");
                belfry.AddTask("after", Never, () => { });
            },
            log);
        await tower.WorkingAsync();
        tower.Tasks.Replace(tower.Tasks.Find("after")! with { Start = AfterSuccess("celery.task") });
        await tower.EndedAsync("after");
        await log.AppendAsync([done with { Id = "2", At = Instant.Now(TimeProvider.System) }], Cancel);
        await tower.EndedAsync("after", 2);
    }

    [Fact]
    [Trait("row", "34")]
    public async Task A_function_is_called_by_its_name_also_from_conditions_that_were_read_without_it()
    {
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.AddTask("umbrella", Condition.Parse("daily & when 'it rains'"), () => { });
            belfry.AddTask("walk", Daily, (CancellationToken cancel) => Task.Delay(Timeout.Infinite, cancel), options => options.End = Condition.Parse("when 'it rains'"));
            belfry.AddCondition(When("it rains", () => true));
        });
        await tower.EndedAsync("umbrella");
        Assert.Equal("end condition", (await tower.EndedAsync("walk")).Single().Reason);
    }

    [Fact]
    [Trait("row", "60")]
    public async Task A_condition_knows_parameters_by_the_values_that_handlers_get()
    {
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.Options.Parameters["region"] = From.Environment("BELFRY_REGION_THAT_NOBODY_SET").Or("eu");
            belfry.Options.Parameters["dry"] = true;
            belfry.Options.Parameters["unset"] = From.Environment("BELFRY_REGION_THAT_NOBODY_SET");
            belfry.AddTask("import", "daily & param 'region' is 'eu' & param 'dry' is 'true' & !param 'unset' exists", (string region, bool dry) => $"{region} {dry}");
        });
        Assert.Equal("\"eu True\"", (await tower.EndedAsync("import")).Single().Result);
    }

    [Fact]
    [Trait("row", "63")]
    public async Task Another_process_forecasts_by_the_options_of_this_one()
    {
        var book = new BreakableBook();
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.Services.AddSingleton<ITaskBook>(book);
            belfry.Options.AfterFinishAnyEnd = false;
            belfry.AddTask("load", Never, () => { });
            belfry.AddTask("then", AfterFinish("load"), () => { });
        });
        await tower.WorkingAsync();
        Instant now = Instant.Now(TimeProvider.System);
        TaskHistory terminated = TaskHistory.None.With(new PastRun(("local", "1"), 1, now - TimeSpan.FromMinutes(2), now - TimeSpan.FromMinutes(1), RunState.Cancelled, false));
        TaskForecast forecast = TaskForecast.Of(book.Booked.Single(task => task.Name == "then"), new Dictionary<string, TaskHistory> { ["load"] = terminated }, now);
        Assert.False(forecast.Why().Holds);
    }

    [Fact]
    [Trait("row", "63")]
    [Trait("row", "29")]
    public async Task A_new_condition_may_look_further_back_than_the_one_before()
    {
        var log = new MemoryLog(TimeProvider.System);
        Instant now = Instant.Now(TimeProvider.System);
        await log.AppendAsync([.. Enumerable.Range(1, 3).Select(day => new TaskEvent
        {
            Source = "local", Id = $"{day}", Attempt = 1, Kind = EventKind.Succeeded, At = now - TimeSpan.FromDays(day), Task = "load",
        })], Cancel);
        await using Belltower tower = await Belltower.OpenAsync(
            belfry =>
            {
                belfry.AddTask("load", Never, () => { });
                belfry.AddTask("other", Never, () => { });
            },
            log);
        await tower.WorkingAsync();
        tower.Tasks.Replace(tower.Tasks.Find("load")! with { Start = (Succeeded.InPast(TimeSpan.FromDays(10)) >= 3) & !(Succeeded.InPast(TimeSpan.FromDays(10)) > 3) });
        await tower.EndedAsync("load", 4);
        tower.Tasks.Replace(tower.Tasks.Find("other")! with { Start = (Succeeded.Of("load").InPast(TimeSpan.FromDays(10)) >= 4) & !Started });
        await tower.EndedAsync("other");
    }

    [Fact]
    [Trait("row", "63")]
    public async Task A_task_that_comes_changes_nothing_in_what_is_known_of_others()
    {
        var behind = new TaskCompletionSource(); // that load has ended does not come into the log before
        await using var log = new BreakableLog { Open = behind.Task };
        await using Belltower tower = await Belltower.OpenAsync(belfry => belfry.AddTask("load", Every("1 hour"), () => { }), log);
        try
        {
            await Eventually.HoldsAsync("it has ended", async () => (await tower.Scheduler.TaskAsync("load"))!.Status == RunState.Completed);
            tower.Tasks.Add(TaskDefinition.Of("then", AfterSuccess("load"), () => { }));
            await Eventually.HoldsAsync("the one that waited for it has started", async () => (await tower.RunsAsync("then")).Count == 1, TimeSpan.FromSeconds(5));
        }
        finally
        {
            behind.SetResult();
        }
        await tower.EndedAsync("then");
    }

    [Fact]
    [Trait("row", "63")]
    public async Task A_task_that_comes_while_the_log_cannot_be_read_is_looked_at_when_the_past_is_known()
    {
        await using var log = new BreakableLog();
        var clock = new ManualClock(TimeProvider.System.GetUtcNow());
        await log.AppendAsync([new TaskEvent { Source = "cluster", Id = "1", Kind = EventKind.Succeeded, At = Instant.Now(clock), Task = "celery.task" }], Cancel);
        await using Belltower tower = await Belltower.OpenAsync(belfry => belfry.AddTask("other", Never, () => { }), log, clock);
        await tower.WorkingAsync();
        log.IsUnreadable = true;
        int reads = log.Reads;
        tower.Tasks.Add(TaskDefinition.Of("after", AfterSuccess("celery.task"), () => { }));
        await Eventually.HoldsAsync("the past was to be read", () => log.Reads > reads);
        log.IsUnreadable = false;
        await clock.AdvanceWhenAskedAsync(TimeSpan.FromSeconds(2));
        await tower.EndedAsync("after");
    }

    [Theory]
    [InlineData(OverlapPolicy.Skip, 1, 1)]
    [InlineData(OverlapPolicy.Queue, 2, 1)]
    [InlineData(OverlapPolicy.Allow, 2, 2)]
    [InlineData(OverlapPolicy.Replace, 2, 1)]
    [Trait("row", "41")]
    public async Task What_is_due_while_a_run_is_at_work_goes_by_the_policy(OverlapPolicy policy, int starts, int atOnce)
    {
        int running = 0, most = 0;
        using var let = new SemaphoreSlim(0);
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.AddTask("other", Never, () => { });
            belfry.AddTask(
                "slow",
                AfterSuccess("other"),
                async (CancellationToken cancel) =>
                {
                    most = Math.Max(most, Interlocked.Increment(ref running));
                    try
                    {
                        await let.WaitAsync(cancel);
                    }
                    finally
                    {
                        Interlocked.Decrement(ref running);
                    }
                },
                options => options.Overlap = policy);
        });
        await tower.Scheduler.RunNowAsync("other");
        await Eventually.HoldsAsync("the first is at work", async () => (await tower.RunsAsync("slow")).Count == 1);
        await tower.Scheduler.RunNowAsync("other");
        await tower.EndedAsync("other", 2);
        if (policy is OverlapPolicy.Allow or OverlapPolicy.Replace)
        {
            await Eventually.HoldsAsync("the second is at work", async () => (await tower.RunsAsync("slow")).Count == 2);
        }
        let.Release(2);
        IReadOnlyList<TaskRun> runs = await tower.EndedAsync("slow", policy == OverlapPolicy.Skip ? 1 : starts);
        if (policy == OverlapPolicy.Skip)
        {
            starts = 2; // the other has succeeded since: that still holds when the run ends
            runs = await tower.EndedAsync("slow", 2);
        }
        Assert.Equal((starts, atOnce), (runs.Count, most));
        Assert.Equal(policy == OverlapPolicy.Replace ? (RunState.Cancelled, "replaced") : (RunState.Completed, null), (runs[0].State, runs[0].Reason));
    }

    [Fact]
    [Trait("row", "39")]
    public async Task Orders_run_once_each_with_their_own_parameters_also_while_disabled_and_on_hold()
    {
        var seen = new List<int>();
        await using Belltower tower = await Belltower.OpenAsync(belfry => belfry.AddTask("add", Always, (int number) => seen.Add(number), options => options.Disabled = true));
        await tower.Scheduler.HoldAsync();
        string[] ids = [await tower.Scheduler.RunNowAsync("add", new { number = 1 }), await tower.Scheduler.RunNowAsync("add", new Dictionary<string, object?> { ["number"] = 2 })];
        IReadOnlyList<TaskRun> runs = await tower.EndedAsync("add", 2);
        Assert.Equal(ids, runs.Select(run => run.Id));
        Assert.Equal([1, 2], seen);
        Assert.Equal("""{"number":1}""", runs[0].Kwargs);
        await Assert.ThrowsAsync<ArgumentException>(() => tower.Scheduler.RunNowAsync("nobody"));
    }

    [Fact]
    [Trait("row", "63")]
    [Trait("row", "39")]
    public async Task Hold_release_disable_and_enable_work_at_runtime()
    {
        await using Belltower tower = new(belfry =>
        {
            belfry.AddTask("a", Every("20 ms"), () => { });
            belfry.AddTask("b", Every("20 ms"), () => { });
        });
        await tower.Scheduler.HoldAsync();
        await tower.Scheduler.StartAsync(Cancel);
        await tower.WorkingAsync();
        Assert.Equal([false, false], (await tower.Scheduler.TasksAsync()).Select(task => task.IsDisabled));
        Assert.Empty(await tower.RunsAsync("a"));
        await tower.Scheduler.DisableAsync("b");
        await tower.Scheduler.ReleaseAsync();
        await tower.EndedAsync("a", 3);
        Assert.Empty(await tower.RunsAsync("b"));
        await tower.Scheduler.EnableAsync("b");
        await tower.EndedAsync("b", 3);
    }

    [Fact]
    [Trait("row", "63")]
    public async Task Tasks_come_change_and_go_while_it_is_at_work()
    {
        await using Belltower tower = await Belltower.OpenAsync(belfry => belfry.Options.DuplicateNames = DuplicateNames.Replace);
        await tower.WorkingAsync();
        tower.Tasks.Add(TaskDefinition.Of("late", Daily, () => { }));
        await tower.EndedAsync("late");
        tower.Tasks.Add(TaskDefinition.Of("late", Every("10 ms"), () => { }));
        await tower.EndedAsync("late", 4);
        tower.Tasks.Remove("late");
        await Eventually.HoldsAsync("it is gone", async () => await tower.Scheduler.TaskAsync("late") is null);
        Assert.Empty(await tower.Scheduler.TasksAsync());
    }

    [Fact]
    [Trait("row", "63")]
    public async Task A_run_can_be_terminated_by_its_id_and_by_its_task()
    {
        await using Belltower tower = await Belltower.OpenAsync(belfry => belfry.AddTask("endless", Never, Forever, options => options.Overlap = OverlapPolicy.Allow));
        string id = await tower.Scheduler.RunNowAsync("endless");
        await tower.Scheduler.RunNowAsync("endless");
        Assert.Equal(1, await tower.Scheduler.TerminateAsync(id));
        TaskRun ended = (await tower.EndedAsync("endless")).Single();
        Assert.Equal((id, RunState.Cancelled, "terminated"), (ended.Id, ended.State, ended.Reason));
        Assert.Equal(1, await tower.Scheduler.TerminateAsync("endless"));
        await tower.EndedAsync("endless", 2);
        Assert.Equal(0, await tower.Scheduler.TerminateAsync("endless"));
    }

    [Fact]
    [Trait("row", "38")]
    public async Task A_run_is_ended_when_its_end_condition_holds()
    {
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.AddTask("endless", Daily, Forever, options => options.End = AfterSuccess("bell"));
            belfry.AddTask("short", Daily, Forever, options => options.End = Running().MoreThan(TimeSpan.FromMilliseconds(50)));
            belfry.AddTask("bell", Never, () => { });
        });
        TaskRun run = (await tower.EndedAsync("short")).Single();
        Assert.Equal((RunState.Cancelled, "end condition"), (run.State, run.Reason));
        await tower.Scheduler.RunNowAsync("bell");
        Assert.Equal("end condition", (await tower.EndedAsync("endless")).Single().Reason);
    }

    [Fact]
    [Trait("row", "40")]
    public async Task Of_those_due_at_one_instant_the_higher_priority_starts_first()
    {
        var order = new List<string>();
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            foreach (int n in Enumerable.Range(0, 20))
            {
                belfry.AddTask($"task-{n}", Daily, () => order.Add($"task-{n}"), options => (options.Priority, options.Execution) = (n % 5, Execution.Inline));
            }
        });
        await tower.EndedAsync("task-0");
        Assert.Equal(order.OrderByDescending(name => int.Parse(name[5..]) % 5), order);
        Assert.Equal(20, order.Count);
    }

    [Fact]
    [Trait("row", "63")]
    public async Task Why_and_next_tell_what_is_to_come()
    {
        var clock = new ManualClock(new DateTimeOffset(2026, 6, 1, 9, 0, 0, TimeSpan.Zero));
        await using Belltower tower = await Belltower.OpenAsync(
            belfry =>
            {
                belfry.Options.TimeZone = TimeZoneInfo.Utc;
                belfry.AddTask("noon", Daily.After("12:00"), () => { });
            },
            clock: clock);
        Explanation why = await tower.Scheduler.WhyAsync("noon");
        Assert.Equal((false, new DateTimeOffset(2026, 6, 1, 12, 0, 0, TimeSpan.Zero)), (why.Holds, why.NextChange!.Value.ToDateTimeOffset()));
        IReadOnlyList<Instant> next = await tower.Scheduler.NextAsync("noon");
        Assert.Equal(20, next.Count);
        Assert.All(next.Select((at, day) => at - next[0] - TimeSpan.FromDays(day)), difference => Assert.Equal(TimeSpan.Zero, difference));
        Assert.Equal(why.NextChange, (await tower.Scheduler.TaskAsync("noon"))!.NextLook);
    }

    [Fact]
    [Trait("row", "63")]
    public async Task How_a_task_stands_that_is_only_called_is_known_too()
    {
        await using Belltower tower = await Belltower.OpenAsync(belfry => belfry.AddTask("resize", Retry(2), () => { }));
        Assert.Null((await tower.Scheduler.TaskAsync("resize"))!.Status);
        Instant at = Instant.Now(TimeProvider.System);
        TaskEvent called = new() { Source = "local", Id = "1", Kind = EventKind.Submitted, At = at, Task = "resize", Queue = "default" };
        await tower.Log.AppendAsync([called, called with { Kind = EventKind.Started }, called with { Kind = EventKind.Succeeded }], Cancel);
        TaskStanding standing = Assert.Single(await tower.Scheduler.TasksAsync());
        Assert.Equal((RunState.Completed, at, at), (standing.Status, standing.LastStart, standing.LastSuccess));
    }

    [Fact]
    [Trait("row", "57")]
    public async Task The_diary_of_the_scheduler_is_a_category_of_its_own()
    {
        Belltower tower = await Belltower.OpenAsync(belfry => belfry.AddTask("a", Daily, () => { }));
        await tower.EndedAsync("a");
        await tower.DisposeAsync();
        Assert.Equal(
            ["The scheduler started with 1 tasks", "The scheduler is stopping, 0 runs are at work", "The scheduler stopped; it had 1 tasks"],
            tower.Diary.Where(record => record.Category == "Belfry.Scheduler").Select(record => record.Text));
        Assert.Contains(tower.Diary, record => record.Category == "Belfry.Task" && record.Text.StartsWith("Task 'a' started", StringComparison.Ordinal));
    }

    static async Task GoAsync(ManualClock clock, TimeSpan by)
    {
        for (TimeSpan gone = TimeSpan.Zero; gone < by; gone += TimeSpan.FromMinutes(1))
        {
            await clock.AdvanceWhenAskedAsync(TimeSpan.FromMinutes(1));
        }
    }

    sealed class Weather
    {
        public bool IsWet { get; set; }
    }

    static void Fail() => throw new InvalidOperationException("no");

    static Task Forever(CancellationToken cancel) => Task.Delay(Timeout.Infinite, cancel);
}
