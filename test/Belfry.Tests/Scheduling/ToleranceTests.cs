using Belfry.Testing;
using Microsoft.Extensions.DependencyInjection;
using static Belfry.Conditions;

namespace Belfry.Tests.Scheduling;

/// <summary>What goes wrong around tasks harms neither them nor the scheduler, unless the options say that it shall.</summary>
public sealed class ToleranceTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("row", "53")]
    public async Task A_condition_that_throws_is_logged_and_counts_as_false_and_runs_at_work_go_on()
    {
        bool broken = true;
        Condition weather = When("weather", () => broken ? throw new InvalidOperationException("no window") : true, TimeSpan.FromMilliseconds(20));
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.AddTask("umbrella", Daily & weather, () => { });
            belfry.AddTask("watch", Daily, () => Task.Delay(100), options => options.End = weather);
        });
        Assert.Equal(RunState.Completed, (await tower.EndedAsync("watch")).Single().State);
        Assert.Empty(await tower.RunsAsync("umbrella"));
        Assert.Contains(tower.Diary, record => record.Category == "Belfry.Scheduler" && record.Text.Contains("A condition of task 'umbrella' cannot be asked", StringComparison.Ordinal));
        broken = false;
        await tower.EndedAsync("umbrella");
    }

    [Fact]
    [Trait("row", "53")]
    public async Task A_condition_that_throws_stops_the_scheduler_where_that_is_wanted()
    {
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.Options.SilenceConditionErrors = false;
            belfry.AddTask("umbrella", When("weather", bool () => throw new InvalidOperationException("no window")), () => { });
        });
        InvalidOperationException stopped = await Assert.ThrowsAsync<InvalidOperationException>(() => tower.Scheduler.ExecuteTask!.WaitAsync(Cancel));
        Assert.Equal("a condition of task 'umbrella' cannot be asked: no window", stopped.Message);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("row", "54")]
    public async Task A_run_that_cannot_be_prepared_has_failed_and_others_go_on_or_the_scheduler_stops(bool silence)
    {
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.Options.SilencePrerunErrors = silence;
            belfry.AddTask("unprepared", Daily, (IMissing missing) => missing.ToString());
            belfry.AddTask("other", AfterFail("unprepared"), () => { });
        });
        TaskRun run = (await tower.EndedAsync("unprepared")).Single();
        Assert.Equal(RunState.Failed, run.State);
        Assert.Contains(nameof(IMissing), run.Exception, StringComparison.Ordinal);
        if (silence)
        {
            await tower.EndedAsync("other");
        }
        else
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => tower.Scheduler.ExecuteTask!.WaitAsync(Cancel));
        }
    }

    [Fact]
    [Trait("row", "55")]
    [Trait("row", "56")]
    public async Task While_the_log_cannot_be_written_tasks_go_on_and_afterwards_it_has_everything()
    {
        await using var log = new BreakableLog();
        await using Belltower tower = await Belltower.OpenAsync(Tick, log);
        await tower.EndedAsync("tick", 2);
        log.IsBroken = true;
        await Eventually.HoldsAsync("it is out of sync", () => tower.Scheduler.LogProblem == "the disk is full");
        int before = s_ticks;
        await Eventually.HoldsAsync("it ticks on", () => s_ticks > before + 5);
        log.IsBroken = false;
        await Eventually.HoldsAsync("it is in sync", () => tower.Scheduler.LogProblem is null);
        await tower.Scheduler.ShutDownAsync();
        Assert.Equal(s_ticks, (await tower.RunsAsync("tick")).Count(run => run.State == RunState.Completed));
        Assert.Single(tower.Diary, record => record.Text.StartsWith("The log of runs cannot be written and is out of sync; tasks go on: ", StringComparison.Ordinal));
        Assert.Single(tower.Diary, record => record.Text.StartsWith("The log of runs is in sync again", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("row", "55")]
    public async Task An_event_that_the_log_never_takes_keeps_no_other_from_it()
    {
        await using var log = new BreakableLog { Poison = "bad" };
        await using Belltower tower = await Belltower.OpenAsync(
            belfry =>
            {
                Tick(belfry);
                belfry.AddTask("bad", Never, () => { });
            },
            log);
        await tower.EndedAsync("tick", 2);
        await tower.Scheduler.RunNowAsync("bad");
        await Eventually.HoldsAsync(
            "it was out of sync, if only for a moment", () => tower.Diary.Any(record => record.Text.EndsWith("is out of sync; tasks go on: this cannot be written", StringComparison.Ordinal)));
        await Eventually.HoldsAsync("it is in sync", () => tower.Scheduler.LogProblem is null);
        await tower.Scheduler.ShutDownAsync();
        Assert.Equal(s_ticks, (await tower.RunsAsync("tick")).Count(run => run.State == RunState.Completed));
        Assert.Single(tower.Diary, record => record.Text.Contains("of 'bad', and others not, so it is dropped", StringComparison.Ordinal));
        Assert.Single(tower.Diary, record => record.Text.StartsWith("The log of runs is in sync again; 1 events were dropped", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("row", "55")]
    [Trait("row", "39")]
    public async Task While_a_log_of_several_processes_cannot_be_written_nothing_starts_and_what_people_ordered_waits()
    {
        await using var log = new BreakableLog { IsShared = true };
        await using Belltower tower = await Belltower.OpenAsync(
            belfry =>
            {
                belfry.Options.LogRetryDelay = TimeSpan.Zero;
                belfry.AddTask("load", Never, () => { });
            },
            log);
        await tower.WorkingAsync();
        log.IsBroken = true;
        string id = await tower.Scheduler.RunNowAsync("load");
        await Eventually.HoldsAsync("it was tried again and again", () => log.Refused > 20, TimeSpan.FromSeconds(10));
        Assert.Equal("the disk is full", tower.Scheduler.LogProblem);
        log.IsBroken = false;
        Assert.Equal(id, (await tower.EndedAsync("load")).Single().Id);
        await Eventually.HoldsAsync("it is in sync", () => tower.Scheduler.LogProblem is null);
        Assert.Single(tower.Diary, record => record.Text.StartsWith("The log of runs cannot be written and is out of sync; no task is started: ", StringComparison.Ordinal));
        Assert.Single(tower.Diary, record => record.Text.StartsWith("The log of runs is in sync again", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("row", "55")]
    public async Task A_log_that_cannot_be_written_stops_the_scheduler_where_that_is_wanted()
    {
        await using var log = new BreakableLog();
        await using Belltower tower = await Belltower.OpenAsync(
            belfry =>
            {
                Tick(belfry);
                belfry.Options.SilenceLoggingErrors = false;
            },
            log);
        await tower.EndedAsync("tick", 2);
        log.IsBroken = true;
        RunLogException stopped = await Assert.ThrowsAsync<RunLogException>(() => tower.Scheduler.ExecuteTask!.WaitAsync(Cancel));
        Assert.Equal("the log of runs cannot be written: the disk is full", stopped.Message);
    }

    [Fact]
    [Trait("row", "49")]
    public async Task A_write_that_fails_is_tried_again_as_often_as_is_said()
    {
        await using var log = new BreakableLog { Failures = 3 };
        await using Belltower tower = await Belltower.OpenAsync(
            belfry =>
            {
                belfry.Options.LogRetryDelay = TimeSpan.FromMilliseconds(1);
                belfry.AddTask("once", Daily, () => { });
            },
            log);
        await tower.EndedAsync("once");
        Assert.DoesNotContain(tower.Diary, record => record.Text.Contains("out of sync", StringComparison.Ordinal));
        Assert.Equal(0, log.Failures);
    }

    [Fact]
    [Trait("row", "56")]
    public async Task Whoever_receives_records_and_throws_harms_nobody()
    {
        await using Belltower tower = await Belltower.OpenAsync(Tick, onRecord: category =>
        {
            if (category == "Belfry.Scheduler")
            {
                throw new InvalidOperationException("no mail server");
            }
        });
        Assert.All(await tower.EndedAsync("tick", 3), run => Assert.Equal(RunState.Completed, run.State));
    }

    [Fact]
    public async Task What_was_missed_while_the_scheduler_is_busy_is_read_once_however_often_it_is_said()
    {
        var log = new BreakableLog();
        using ManualResetEventSlim busy = new(), free = new();
        await using Belltower tower = await Belltower.OpenAsync(
            belfry =>
            {
                belfry.AddTask("load", Never, () => { });
                belfry.AddTask("then", AfterSuccess("load"), () => { });
                belfry.AddTask("busy", Never, () => Wait(busy, free), options => options.Execution = Execution.Inline);
            },
            log);
        await tower.WorkingAsync();
        await tower.Scheduler.RunNowAsync("busy");
        busy.Wait(Cancel);
        int before = log.Reads;
        for (int n = 0; n < 1000; n++)
        {
            log.Miss();
        }
        free.Set();
        await tower.EndedAsync("busy");
        await tower.Scheduler.TasksAsync();
        Assert.InRange(log.Reads - before, 1, 2);
    }

    [Fact]
    public async Task What_was_missed_and_cannot_be_read_is_read_when_it_can_be()
    {
        var log = new BreakableLog();
        var clock = new ManualClock(TimeProvider.System.GetUtcNow());
        await using Belltower tower = await Belltower.OpenAsync(
            belfry =>
            {
                belfry.AddTask("load", Never, () => { });
                belfry.AddTask("then", AfterSuccess("load"), () => { });
            },
            log,
            clock);
        await tower.WorkingAsync();
        log.IsUnreadable = true;
        int before = log.Reads;
        log.Miss();
        await Eventually.HoldsAsync("it was to be read", () => log.Reads == before + 1);
        log.IsUnreadable = false;
        await clock.AdvanceWhenAskedAsync(TimeSpan.FromSeconds(2));
        await Eventually.HoldsAsync("it was read", () => log.Reads == before + 2);
    }

    [Fact]
    public async Task Whoever_asks_a_scheduler_that_ends_is_answered()
    {
        var log = new BreakableLog { IsUnreadable = true };
        await using Belltower tower = await Belltower.OpenAsync(belfry => belfry.AddTask("load", Never, () => { }), log);
        await Eventually.HoldsAsync("it has begun, and looks into no mail before it has read the log", () => log.Reads > 0);
        Task<string> ordered = tower.Scheduler.RunNowAsync("load");
        await tower.Scheduler.StopAsync(Cancel);
        await ordered.WaitAsync(TimeSpan.FromSeconds(10), Cancel);
    }

    [Fact]
    public async Task Whoever_asks_a_scheduler_that_is_stopped_before_it_began_is_told_so()
    {
        await using var tower = new Belltower(belfry => belfry.AddTask("load", Never, () => { }));
        Task<string> ordered = tower.Scheduler.RunNowAsync("load");
        await tower.Scheduler.StopAsync(Cancel);
        await Assert.ThrowsAsync<InvalidOperationException>(() => ordered.WaitAsync(TimeSpan.FromSeconds(10), Cancel));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_people_switched_is_known_also_when_the_book_could_not_be_read_whole_at_first(bool tookTooLong)
    {
        var book = new BreakableBook { Failure = tookTooLong ? new TaskCanceledException("the store took too long") : new IOException("the disk fails") };
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.Services.AddSingleton<ITaskBook>(book);
            belfry.AddTask("load", Never, () => { });
        });
        await tower.WorkingAsync();
        book.Failures = 1;
        await book.DisableAsync("load", true, Cancel);
        await Eventually.HoldsAsync("it is switched off", async () => (await tower.Scheduler.TaskAsync("load"))!.IsDisabled, TimeSpan.FromSeconds(10));
    }

    static void Wait(ManualResetEventSlim busy, ManualResetEventSlim free)
    {
        busy.Set();
        free.Wait(Cancel);
    }

    [Fact]
    [Trait("row", "37")]
    public async Task Whatever_a_body_does_is_logged_and_the_scheduler_goes_on()
    {
        using var let = new SemaphoreSlim(0);
        await using Belltower tower = await Belltower.OpenAsync(
            belfry =>
            {
                belfry.Services.AddTransient<Unmakeable>();
                belfry.AddTask("cannot be made", Daily, (Unmakeable service) => service.GetHashCode());
                belfry.AddTask("blocks", Daily, () => let.Wait(TestContext.Current.CancellationToken), options => options.Timeout = TimeSpan.FromMilliseconds(20));
                belfry.AddTask("returns what cannot be written", Daily, () => new Loop());
                belfry.AddTask("throws at once", Daily, () => Throw());
                belfry.AddTask("other", AfterAllFail("cannot be made", "returns what cannot be written", "throws at once"), () => { });
            });
        await tower.EndedAsync("other");
        Assert.Contains("no wood", (await tower.EndedAsync("cannot be made")).Single().Exception, StringComparison.Ordinal);
        Assert.Contains("cannot be written as JSON", (await tower.EndedAsync("returns what cannot be written")).Single().Exception, StringComparison.Ordinal);
        TaskRun blocked = (await tower.EndedAsync("blocks")).Single();
        Assert.Equal((RunState.Cancelled, "timeout"), (blocked.State, blocked.Reason));
        let.Release();
        await tower.Scheduler.RunNowAsync("other");
        await tower.EndedAsync("other", 2);
    }

    static int s_ticks;

    static void Tick(BelfryBuilder belfry)
    {
        s_ticks = 0;
        belfry.Options.LogRetryDelay = TimeSpan.FromMilliseconds(1);
        belfry.AddTask("tick", Every("10 ms"), () => Interlocked.Increment(ref s_ticks));
    }

    static void Throw() => throw new InvalidOperationException("at once");

    interface IMissing;

    sealed class Unmakeable
    {
        public Unmakeable() => throw new InvalidOperationException("no wood");
    }

    sealed class Loop
    {
        public Loop Self => this;
    }
}
