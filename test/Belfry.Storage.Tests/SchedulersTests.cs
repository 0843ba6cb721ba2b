using Belfry.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry.Storage.Tests;

/// <summary>Two schedulers in two processes on one store, one of which is killed now and then.</summary>
public sealed class SchedulersTests(PostgresFixture postgres)
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("row", "68")]
    public async Task Every_due_run_is_started_once_and_none_is_forgotten_though_one_of_two_schedulers_is_killed_now_and_then()
    {
        int kills = Soak.On ? 30 : 3;
        var random = new Random(Soak.On ? Environment.TickCount : 7);
        await using LogStore store = await postgres.NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        ChildProcess[] schedulers = [await OtherScheduler.StartAsync(store), await OtherScheduler.StartAsync(store)];
        var killed = new List<(string Name, Instant At)>();
        try
        {
            for (int kill = 0; kill < kills; kill++)
            {
                await Task.Delay(random.Next(1500, 4000), Cancel);
                int doomed = random.Next(2);
                killed.Add(await KillAsync(schedulers[doomed]));
                schedulers[doomed] = await OtherScheduler.StartAsync(store);
            }
            // The last one is killed at work, and none comes after it that would look for the dead as it starts: the other notices.
            int last = -1;
            await Eventually.HoldsAsync("one is at work", async () => (last = Array.IndexOf(await AtWorkAsync(log, schedulers), true)) >= 0);
            killed.Add(await KillAsync(schedulers[last]));
            long died = TimeProvider.System.GetTimestamp();
            await Eventually.HoldsAsync(
                "what the killed had at work is lost",
                async () => !(await RunsAsync(log, OtherScheduler.Slow)).Exists(run => killed.Exists(process => process.Name == run.Worker) && !run.State.IsFinal()),
                TimeSpan.FromMinutes(2));
            TestContext.Current.TestOutputHelper?.WriteLine($"noticed after {TimeProvider.System.GetElapsedTime(died).TotalSeconds:0.0} s");
            schedulers[last] = await OtherScheduler.StartAsync(store);
            await Task.Delay(5000, Cancel);
            foreach (ChildProcess scheduler in schedulers)
            {
                await scheduler.TellAsync("stop");
                await scheduler.ExitAsync(TimeSpan.FromMinutes(1));
            }
        }
        finally
        {
            foreach (ChildProcess scheduler in schedulers)
            {
                await scheduler.DisposeAsync();
            }
        }
        List<TaskRun> quick = await RunsAsync(log, OtherScheduler.Quick), slow = await RunsAsync(log, OtherScheduler.Slow);
        Assert.Empty(quick.Where(run => run.Attempt == 1).GroupBy(run => run.Started!.Value.Micros / 1_000_000).Where(second => second.Count() > 1).SelectMany(second => second));
        TaskRun[] lost = [.. slow.Concat(quick).Where(run => run.State == RunState.Lost)];
        Assert.All(lost, run => Assert.Contains(killed, process => process.Name == run.Worker));
        Assert.All(slow.Concat(quick), run => Assert.True(run.State.IsFinal(), $"{run.Task} {run.Id} {run.Attempt} is {run.State}"));
        for (int i = 1; i < quick.Count; i++)
        {
            // One of two was there all the time. What the other had at work when it was killed holds the task up until the death is noticed: by one who lives that long.
            Assert.True(quick[i - 1].State == RunState.Lost || (quick[i].At - quick[i - 1].At).TotalSeconds < 15, $"nobody started it from {quick[i - 1]} to {quick[i]}");
        }
        foreach (TaskRun run in lost)
        {
            // As the same run, or, where the task was due again before the death was noticed, as its next one.
            TaskRun again = (run.Task == OtherScheduler.Slow ? slow : quick).First(other => other.At > run.At && other.State != RunState.Lost);
            double after = (again.At - killed.First(process => process.Name == run.Worker).At).TotalSeconds;
            TestContext.Current.TestOutputHelper?.WriteLine($"{run.Task}: attempt {run.Attempt} was lost; {after:0.0} s after the death {(again.Id == run.Id ? "it ran again" : "the task ran")}");
        }
        TaskRun[] whole = [.. slow.Where(run => run.State == RunState.Completed)];
        for (int i = 1; i < whole.Length; i++)
        {
            Assert.True(whole[i].Started >= whole[i - 1].Finished, "no two at a time, in whatever process");
        }
    }

    static async Task<(string Name, Instant At)> KillAsync(ChildProcess scheduler)
    {
        (string Name, Instant At) killed = (OtherScheduler.NameOf(scheduler), Instant.Now(TimeProvider.System));
        scheduler.Signal(9);
        await scheduler.ExitAsync(TimeSpan.FromSeconds(30));
        await scheduler.DisposeAsync();
        return killed;
    }

    static Task<bool[]> AtWorkAsync(RunLog log, ChildProcess[] schedulers) => Task.WhenAll(schedulers.Select(async scheduler =>
        (await log.Queries.OpenRunsOfAsync(CallEvents.Source, OtherScheduler.NameOf(scheduler), Cancel)).Any(run => run.Task == OtherScheduler.Slow)));

    static async Task<List<TaskRun>> RunsAsync(RunLog log, string task)
    {
        var runs = new List<TaskRun>();
        await foreach (TaskRun run in log.Queries.StreamAsync(new RunFilter { Tasks = [task] }, Cancel))
        {
            runs.Add(run);
        }
        runs.Reverse();
        return runs;
    }
}

/// <summary>A scheduler of its own: this program, told by its environment where.</summary>
public sealed class OtherScheduler
{
    public const string Quick = "quick", Slow = "slow";
    const string Ready = "schedules as ";

    [Fact(Explicit = true)]
    public async Task It_schedules()
    {
        string url = Environment.GetEnvironmentVariable("BELFRY_OTHER_SCHEDULER")!;
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = [] });
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        string name = $"scheduler-{Environment.ProcessId}";
        builder.Services.AddBelfry(belfry =>
        {
            belfry.Options.ProcessName = name;
            belfry.UsePostgreSql(url);
            belfry.AddTask(Quick, Conditions.Secondly, () => { });
            belfry.AddTask(Slow, Condition.Parse("every 2 seconds"), (CancellationToken stop) => Task.Delay(1200, stop));
        });
        using IHost host = builder.Build();
        await host.StartAsync(CancellationToken.None);
        using var console = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        console.WriteLine();
        console.WriteLine(Ready + name);
        await Console.In.ReadLineAsync(TestContext.Current.CancellationToken);
        await host.StopAsync(CancellationToken.None);
    }

    internal static async Task<ChildProcess> StartAsync(LogStore store)
    {
        ChildProcess process = ChildProcess.Start(
            Environment.ProcessPath!, ["--explicit", "only", "--filter-method", $"*{nameof(OtherScheduler)}.{nameof(It_schedules)}"],
            environment: new Dictionary<string, string?> { ["BELFRY_OTHER_SCHEDULER"] = store.FullUrl });
        await process.LineAsync(line => line.StartsWith(Ready, StringComparison.Ordinal), TimeSpan.FromMinutes(2));
        return process;
    }

    internal static string NameOf(ChildProcess process) => process.Output.Split('\n').First(line => line.StartsWith(Ready, StringComparison.Ordinal))[Ready.Length..].Trim();
}
