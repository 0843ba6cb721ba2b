using System.Collections.Concurrent;
using Belfry.Testing;
using static Belfry.Conditions;

namespace Belfry.Tests.Scheduling;

/// <summary>The beginning and the end of a scheduler, and what it remembers of the one before.</summary>
public sealed class LifeTests
{
    static readonly string Here = $"app-{int.MaxValue}@{Environment.MachineName}"; // no process has that id

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("row", "50")]
    [Trait("row", "52")]
    public async Task A_run_whose_process_died_is_lost_at_once_and_runs_again_or_waits_for_its_next_turn()
    {
        var log = new MemoryLog(TimeProvider.System);
        Instant before = Instant.Now(TimeProvider.System) - TimeSpan.FromMilliseconds(10);
        await log.AppendAsync([Start("again", before), Start("wait", before), Start("always", before), Start("every", before), Start("cron", before), Start("retry", before)], Cancel);
        await using Belltower tower = await Belltower.OpenAsync(
            belfry =>
            {
                belfry.AddTask("again", Daily, () => { });
                belfry.AddTask("every", Every("1 day"), () => { });
                belfry.AddTask("cron", Cron("* * * * *") & Daily, () => { });
                belfry.AddTask("wait", Daily, () => { }, options => options.Crash = CrashPolicy.Wait);
                belfry.AddTask("retry", Daily | Retry(1), () => { }, options => (options.Crash, options.RetryLost) = (CrashPolicy.Wait, true));
            },
            log);
        foreach (string task in new[] { "again", "every", "cron", "retry" })
        {
            IReadOnlyList<TaskRun> runs = await tower.EndedAsync(task, 2);
            Assert.Equal([("of " + task, 1, RunState.Lost, "worker gone"), ("of " + task, 2, RunState.Completed, null)], runs.Select(run => (run.Id, run.Attempt, run.State, run.Reason)));
        }
        Assert.Equal(RunState.Lost, Assert.Single(await tower.RunsAsync("wait")).State);
        Assert.Contains(tower.Diary, record => record.Text.Contains("A run of task 'wait' was lost when its process died: of wait", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("row", "52")]
    [Trait("row", "60")]
    public async Task A_run_goes_on_after_a_crash_with_its_arguments_and_not_with_what_the_log_shows_for_those_that_are_private()
    {
        var log = new MemoryLog(TimeProvider.System);
        Instant before = Instant.Now(TimeProvider.System) - TimeSpan.FromMilliseconds(10);
        await log.AppendAsync([Start("open", before) with { Kwargs = """{"door":"north"}""" }, Start("closed", before) with { Kwargs = """{"key":"***"}""" }], Cancel);
        await using Belltower tower = await Belltower.OpenAsync(
            belfry =>
            {
                belfry.AddTask("open", Daily, (string door) => door);
                belfry.AddTask("closed", Daily, ([Private] string key) => key);
            },
            log);
        Assert.Equal((RunState.Completed, "\"north\""), ((await tower.EndedAsync("open", 2))[1].State, (await tower.EndedAsync("open", 2))[1].Result));
        TaskRun refused = (await tower.EndedAsync("closed", 2))[1];
        Assert.Equal(RunState.Failed, refused.State);
        Assert.Contains("does not show all arguments", refused.Exception, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("row", "50")]
    public async Task What_the_last_process_did_is_known_and_open_runs_of_living_ones_are_left_alone()
    {
        var log = new MemoryLog(TimeProvider.System);
        Instant before = Instant.Now(TimeProvider.System);
        TaskEvent done = Start("done", before);
        using var self = System.Diagnostics.Process.GetCurrentProcess();
        await log.AppendAsync(
            [
                done, done with { Kind = EventKind.Succeeded, At = before + TimeSpan.FromMicroseconds(1) },
                Start("beside", before) with { Worker = $"another-{self.Id}@{Environment.MachineName}" },
                Start("celery", before) with { Source = "cluster" },
            ],
            Cancel);
        await using Belltower tower = await Belltower.OpenAsync(
            belfry =>
            {
                belfry.AddTask("done", Every("1 hour"), () => { });
                belfry.AddTask("beside", Every("1 hour"), () => { });
                belfry.AddTask("after", AfterSuccess("done"), () => { });
            },
            log);
        await tower.EndedAsync("after");
        Assert.Single(await tower.RunsAsync("done"));
        Assert.Equal([RunState.Running, RunState.Running], (await log.ListAsync(RunQuery.Where(RunFields.State == RunState.Running), Cancel)).Select(run => run.State));
        TaskStanding standing = (await tower.Scheduler.TaskAsync("done"))!;
        Assert.Equal((before, before + TimeSpan.FromMicroseconds(1), null, RunState.Completed), (standing.LastStart, standing.LastSuccess, standing.LastFailure, standing.Status));
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    [Trait("row", "67")]
    public async Task A_window_that_began_before_the_process_may_be_used_or_not(bool catchUp, int runs)
    {
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.AddTask("daily", Daily, () => { }, options => options.CatchUp = catchUp);
            belfry.AddTask("bell", Every("1 day"), () => { });
        });
        await tower.EndedAsync("bell");
        Assert.Equal(runs, (await tower.EndedAsync("daily", runs)).Count);
    }

    [Fact]
    [Trait("row", "42")]
    public async Task Tasks_for_the_beginning_run_before_all_others_and_those_for_the_end_last()
    {
        var order = new ConcurrentQueue<string>();
        Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.AddTask("work", Every("1 hour"), () => order.Enqueue("work"));
            belfry.AddTask("first", Never, () => Slowly("first"), options => options.OnStartup = true);
            belfry.AddTask("first if", Always, () => Slowly("first if"), options => (options.OnStartup, options.Priority) = (true, 1));
            belfry.AddTask("not", Always & !Always, () => Slowly("not"), options => options.OnStartup = true);
            belfry.AddTask("last", Never, () => Slowly("last"), options => options.OnShutdown = true);
        });
        await tower.EndedAsync("work");
        await tower.Scheduler.StopAsync(Cancel);
        Assert.Equal(["first", "first if"], order.Take(2).Order());
        Assert.Equal(["work", "last"], order.Skip(2));
        await tower.DisposeAsync();

        async Task Slowly(string name)
        {
            await Task.Delay(30);
            order.Enqueue(name);
        }
    }

    [Fact]
    [Trait("row", "42")]
    public async Task Who_orders_a_task_for_the_beginning_once_more_does_not_end_the_beginning_sooner()
    {
        using var let = new SemaphoreSlim(0);
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.AddTask("long", Never, () => let.WaitAsync(Cancel), options => options.OnStartup = true);
            belfry.AddTask("short", Never, () => { }, options => options.OnStartup = true);
            belfry.AddTask("work", Every("1 hour"), () => { });
        });
        await tower.EndedAsync("short");
        await tower.Scheduler.RunNowAsync("short");
        await tower.EndedAsync("short", 2);
        await tower.Scheduler.TasksAsync();
        Assert.False(tower.Scheduler.IsAtWork);
        let.Release();
        await tower.EndedAsync("work");
    }

    [Fact]
    [Trait("row", "50")]
    public async Task A_function_that_is_being_reported_when_the_scheduler_starts_is_not_lost()
    {
        using var let = new SemaphoreSlim(0);
        await using var tower = new Belltower(belfry => belfry.AddTask("load", Never, () => { }));
        Task reported = tower.TaskStatus.ReportAsync("sync", () => let.WaitAsync(Cancel));
        await Eventually.HoldsAsync("the log has it", async () => (await tower.RunsAsync("sync")).Count == 1);
        await tower.Scheduler.StartAsync(Cancel);
        await tower.WorkingAsync();
        Assert.Equal(RunState.Running, (await tower.RunsAsync("sync")).Single().State);
        let.Release();
        await reported;
    }

    [Fact]
    [Trait("row", "64")]
    public async Task A_stop_waits_for_runs_and_a_second_one_ends_them()
    {
        using var let = new SemaphoreSlim(0);
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.AddTask("patient", Daily, () => let.WaitAsync());
            belfry.AddTask("endless", Daily, Forever);
            belfry.AddTask("next", AfterSuccess("patient"), () => { });
        });
        await Eventually.HoldsAsync("both run", async () => (await tower.RunsAsync("endless")).Count + (await tower.RunsAsync("patient")).Count == 2);
        Task stopped = tower.Scheduler.ShutDownAsync();
        let.Release();
        Assert.Equal(RunState.Completed, (await tower.EndedAsync("patient")).Single().State);
        Assert.False(stopped.IsCompleted);
        await Task.WhenAll(stopped, tower.Scheduler.ShutDownAsync());
        TaskRun ended = (await tower.EndedAsync("endless")).Single();
        Assert.Equal((RunState.Cancelled, "shutdown"), (ended.State, ended.Reason));
        Assert.Empty(await tower.RunsAsync("next"));
    }

    [Fact]
    [Trait("row", "64")]
    public async Task When_the_host_waits_no_longer_what_is_at_work_is_ended_and_its_end_is_logged()
    {
        await using Belltower tower = await Belltower.OpenAsync(belfry => belfry.AddTask("endless", Daily, Forever));
        await Eventually.HoldsAsync("it runs", async () => (await tower.RunsAsync("endless")).Count == 1);
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await tower.Scheduler.StopAsync(patience.Token);
        Assert.Equal("shutdown", (await tower.RunsAsync("endless")).Single().Reason);
    }

    [Fact]
    [Trait("row", "64")]
    public async Task Ctrl_C_ends_what_is_at_work_and_its_end_is_logged()
    {
        using var folder = new TempFolder();
        string errands = Path.Combine(Machine.Root, "test", "Belfry.Errands", "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0", "Belfry.Errands");
        await using ChildProcess program = ChildProcess.Start("env", ["--default-signal=INT", errands, "--schedule", folder.Path]);
        await program.LineAsync(line => line == "at work");
        program.Signal(2);
        Assert.Equal(0, await program.ExitAsync());
        await using CsvLog log = CsvLog.Open(folder.Path, new MemoryLogOptions(), TimeProvider.System);
        TaskRun run = Assert.Single(await log.ListAsync(new RunQuery(), Cancel));
        Assert.Equal((RunState.Cancelled, "shutdown"), (run.State, run.Reason));
    }

    [Fact]
    [Trait("row", "43")]
    public async Task A_permanent_task_is_ended_when_the_scheduler_stops()
    {
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
            belfry.AddTask("lighthouse", Always, Forever, options => (options.Permanent, options.Timeout) = (true, TimeSpan.FromMilliseconds(10))));
        await Eventually.HoldsAsync("it runs", async () => (await tower.RunsAsync("lighthouse")).Count == 1);
        await Task.Delay(50, Cancel);
        await tower.Scheduler.StopAsync(Cancel);
        TaskRun run = Assert.Single(await tower.RunsAsync("lighthouse"));
        Assert.Equal((RunState.Cancelled, "shutdown"), (run.State, run.Reason));
    }

    [Fact]
    [Trait("row", "33")]
    public async Task It_shuts_down_by_itself_when_its_condition_holds()
    {
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.AddTask("tick", Every("10 ms"), () => { });
            belfry.Options.ShutDownWhen = Succeeded.Of("tick") >= 3;
        });
        await tower.Scheduler.ExecuteTask!.WaitAsync(Cancel);
        Assert.InRange((await tower.RunsAsync("tick")).Count, 3, 4);
    }

    [Fact]
    [Trait("row", "63")]
    public async Task A_restart_reads_everything_anew_and_goes_on()
    {
        await using Belltower tower = await Belltower.OpenAsync(belfry => belfry.AddTask("hourly", Every("1 hour"), () => { }));
        await tower.EndedAsync("hourly");
        tower.Scheduler.Restart();
        await Eventually.HoldsAsync("it has started twice", () => tower.Diary.Count(record => record.Text.StartsWith("The scheduler started", StringComparison.Ordinal)) == 2);
        await tower.Scheduler.RunNowAsync("hourly");
        await tower.EndedAsync("hourly", 2);
    }

    [Fact]
    [Trait("row", "68")]
    public async Task Of_two_schedulers_upon_one_log_one_starts_each_run_that_is_due()
    {
        await using var log = new BreakableLog { IsShared = true };
        var starts = new ConcurrentQueue<string>();
        void Tasks(BelfryBuilder belfry)
        {
            belfry.Options.ProcessName = Guid.NewGuid().ToString();
            foreach (int n in Enumerable.Range(0, 20))
            {
                belfry.AddTask($"task-{n}", Secondly, () => starts.Enqueue($"task-{n}"));
            }
        }
        await using Belltower one = await Belltower.OpenAsync(Tasks, log);
        await one.EndedAsync("task-7", 1); // alone at first, as the other is at last: who wins while both are there is chance
        await using Belltower two = await Belltower.OpenAsync(Tasks, log);
        await one.EndedAsync("task-7", 4);
        await one.Scheduler.ShutDownAsync();
        await two.EndedAsync("task-7", 6);
        await two.Scheduler.ShutDownAsync();
        IReadOnlyList<TaskRun> runs = await log.ListAsync(new RunQuery(), Cancel);
        Assert.Equal(runs.Count, starts.Count);
        Assert.Equal(runs.Count, runs.DistinctBy(run => (run.Task, run.Started!.Value.Micros / 1_000_000)).Count());
        Assert.Equal(2, runs.Select(run => run.Worker).Distinct().Count());
    }

    [Fact]
    [Trait("row", "41")]
    public async Task A_run_at_work_in_another_process_counts_for_the_overlap()
    {
        await using var log = new BreakableLog { IsShared = true };
        int running = 0, most = 0;
        void Tasks(BelfryBuilder belfry)
        {
            belfry.Options.ProcessName = Guid.NewGuid().ToString();
            belfry.AddTask("slow", Every("5 ms"), async () =>
            {
                most = Math.Max(most, Interlocked.Increment(ref running));
                await Task.Delay(30);
                Interlocked.Decrement(ref running);
            });
        }
        await using Belltower one = await Belltower.OpenAsync(Tasks, log), two = await Belltower.OpenAsync(Tasks, log);
        await one.EndedAsync("slow", 10);
        Assert.Equal(1, most);
    }

    static TaskEvent Start(string task, Instant at) => new()
    {
        Source = "local", Id = "of " + task, Kind = EventKind.Started, At = at, Attempt = 1, Task = task, Worker = Here,
    };

    static Task Forever(CancellationToken cancel) => Task.Delay(Timeout.Infinite, cancel);
}
