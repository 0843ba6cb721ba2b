using System.Diagnostics;
using Belfry.Storage;
using Belfry.Testing;
using Belfry.Tests.Scheduling;
using Microsoft.Extensions.DependencyInjection;
using static Belfry.Conditions;

namespace Belfry.Bench;

/// <summary>Very many tasks of one scheduler: idle, due all at one second, and due one after the other within a minute, beside Quartz with its store in memory.</summary>
static class SchedulerRows
{
    const string Quartz = "Quartz RAM store";

    /// <summary>Row <c>scheduler-idle</c>.</summary>
    public static async Task<IReadOnlyList<Figure>> IdleAsync(bool small)
    {
        int tasks = small ? 10_000 : 100_000;
        await using (var warm = new Tower(belfry => belfry.AddTask("warm", Daily, () => { })))
        {
            await warm.StartAsync();
        }
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await using var tower = new Tower(belfry => AddAll(belfry, tasks, Daily.After("23:59"), () => { }));
        long begin = Stopwatch.GetTimestamp();
        await tower.StartAsync();
        double start = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        double bytes = (double)(GC.GetTotalMemory(forceFullCollection: true) - before) / tasks;
        await Task.Delay(TimeSpan.FromSeconds(2)); // what the start left behind
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        TimeSpan watched = TimeSpan.FromSeconds(small ? 5 : 30);
        await Task.Delay(watched);
        return
        [
            new Figure("scheduler-idle", 100 * (Environment.CpuUsage.TotalTime - cpu) / watched, "% of a core", 1, AtLeast: false),
            new Figure("scheduler-memory", bytes, "bytes/task", 1500, AtLeast: false),
            new Figure("scheduler-start", start, "s", 10, AtLeast: false),
        ];
    }

    /// <summary>Row <c>scheduler-burst</c>: all due at one second; with the log in memory, as Quartz has it, and on SQLite.</summary>
    public static async Task<IReadOnlyList<Figure>> BurstAsync(bool small)
    {
        int tasks = small ? 10_000 : 100_000;
        Lateness peer = await QuartzPeer.LatenessAsync(tasks, _ => TimeSpan.Zero);
        Lateness memory = await LatenessAsync(tasks, _ => TimeSpan.Zero, _ => { });
        using var folder = new TempFolder();
        Lateness sqlite = await LatenessAsync(tasks, _ => TimeSpan.Zero, belfry => belfry.UseSqlite(folder.File("log.db")));
        return
        [
            new Figure("scheduler-burst", Spread(memory), "s first to last", 5, AtLeast: false, Quartz, Spread(peer)),
            new Figure("scheduler-burst-cpu", memory.CpuMicros, "µs CPU/run", 30, AtLeast: false, Quartz, peer.CpuMicros),
            new Figure("scheduler-burst-lost", tasks - memory.Milliseconds.Length, "runs", 0, AtLeast: false, Quartz, tasks - peer.Milliseconds.Length),
            new Figure("scheduler-burst-sqlite", Spread(sqlite), "s first to last", 20, AtLeast: false),
            new Figure("scheduler-burst-sqlite-cpu", sqlite.CpuMicros, "µs CPU/run", 120, AtLeast: false),
            new Figure("scheduler-burst-sqlite-lost", tasks - sqlite.Milliseconds.Length, "runs", 0, AtLeast: false),
        ];
    }

    /// <summary>Row <c>scheduler-minute</c>: evenly spread over a minute.</summary>
    public static async Task<IReadOnlyList<Figure>> MinuteAsync(bool small)
    {
        int tasks = small ? 10_000 : 100_000;
        // The end of the minute stays free: a task that is due just before it and is late by a few milliseconds has missed its minute.
        TimeSpan Offset(int n) => TimeSpan.FromMilliseconds(Math.Round(59_000.0 * n / tasks, 3));
        Lateness peer = await QuartzPeer.LatenessAsync(tasks, Offset);
        Lateness memory = await LatenessAsync(tasks, Offset, _ => { });
        using var folder = new TempFolder();
        Lateness sqlite = await LatenessAsync(tasks, Offset, belfry => belfry.UseSqlite(folder.File("log.db")));
        return
        [
            new Figure("scheduler-minute", P99(memory), "ms late, p99", 50, AtLeast: false, Quartz, P99(peer)),
            new Figure("scheduler-minute-cpu", memory.CpuMicros, "µs CPU/run", 60, AtLeast: false, Quartz, peer.CpuMicros),
            new Figure("scheduler-minute-lost", tasks - memory.Milliseconds.Length, "runs", 0, AtLeast: false, Quartz, tasks - peer.Milliseconds.Length),
            new Figure("scheduler-minute-sqlite", P99(sqlite), "ms late, p99", 50, AtLeast: false),
            new Figure("scheduler-minute-sqlite-lost", tasks - sqlite.Milliseconds.Length, "runs", 0, AtLeast: false),
        ];
    }

    /// <summary>Row <c>scheduler-year</c>: a year of 200 tasks with retries, downtime and crashes, by a clock that jumps.</summary>
    public static async Task<IReadOnlyList<Figure>> YearAsync(bool small)
    {
        await using MemoryLog log = SimulatedProcess.NewLog();
        long begin = Stopwatch.GetTimestamp();
        await new SimulatedProcess(new World(7, 200, small ? 30 : 365), log).PlayAsync();
        double took = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        return [new Figure("scheduler-year", took, $"s, {await log.CountAsync(new RunQuery(), CancellationToken.None):N0} runs", 60, AtLeast: false)];
    }

    static async Task<Lateness> LatenessAsync(int tasks, Func<int, TimeSpan> offset, Action<BelfryBuilder> log)
    {
        // The next but one minute: the tasks are there by then, and none of them is due before.
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        DateTimeOffset begin = new DateTimeOffset(now.Year, now.Month, now.Day, now.Hour, now.Minute, 0, TimeSpan.Zero).AddMinutes(now.Second < 30 ? 1 : 2);
        var clock = new Lateness(tasks, begin);
        await using var tower = new Tower(belfry =>
        {
            log(belfry);
            belfry.Options.TimeZone = TimeZoneInfo.Utc;
            string minute = $"{begin.Minute} {begin.Hour} {begin.Day} {begin.Month} *";
            for (int n = 0; n < tasks; n++)
            {
                int number = n;
                TimeSpan late = offset(n);
                Condition start = Minutely.After(FormattableString.Invariant($"{late.TotalSeconds:0.000###}")) & CronTime(minute);
                belfry.AddTask($"task-{n}", start, () => clock.Started(number, late));
            }
        });
        await tower.StartAsync();
        if (TimeProvider.System.GetUtcNow() > begin)
        {
            throw new InvalidOperationException("the tasks were not registered in time; the machine is too slow or too busy for this row");
        }
        await clock.WaitAsync(begin.AddSeconds(90));
        return clock;
    }

    static void AddAll(BelfryBuilder belfry, int tasks, Condition start, Action handler)
    {
        for (int n = 0; n < tasks; n++)
        {
            belfry.AddTask($"task-{n}", start, handler);
        }
    }

    static double Spread(Lateness late) => (late.Milliseconds.Max() - late.Milliseconds.Min()) / 1000;

    static double P99(Lateness late) => late.Milliseconds.Order().ElementAt((int)(late.Milliseconds.Length * 0.99));

    /// <summary>A scheduler as an application has it, without the application.</summary>
    sealed class Tower : IAsyncDisposable
    {
        readonly ServiceProvider _services;

        public Tower(Action<BelfryBuilder> tasks) => _services = new ServiceCollection().AddBelfry(tasks).BuildServiceProvider();

        public async Task StartAsync()
        {
            Scheduler scheduler = _services.GetRequiredService<Scheduler>();
            await scheduler.StartAsync(CancellationToken.None);
            await Eventually.HoldsAsync("the scheduler is at work", () => scheduler.IsAtWork, TimeSpan.FromMinutes(2));
            await scheduler.TaskAsync("task-0"); // the first turn is over
        }

        public async ValueTask DisposeAsync()
        {
            await _services.GetRequiredService<Scheduler>().StopAsync(CancellationToken.None);
            await _services.DisposeAsync();
        }
    }
}

/// <summary>How late each of many runs starts.</summary>
sealed class Lateness(int runs, DateTimeOffset begin)
{
    readonly double[] _late = new double[runs];
    readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    int _started;

    public double[] Milliseconds => _late[..Math.Min(_started, runs)];

    /// <summary>A run starts that was due so long after the begin.</summary>
    public void Started(int number, TimeSpan offset)
    {
        _ = number;
        int place = Interlocked.Increment(ref _started) - 1;
        if (place < runs)
        {
            _late[place] = (TimeProvider.System.GetUtcNow() - begin - offset).TotalMilliseconds;
        }
        if (place + 1 == runs)
        {
            _all.SetResult();
        }
    }

    /// <summary>CPU of the process per run, in microseconds, from the first that was due to the last that started.</summary>
    public double CpuMicros { get; private set; }

    /// <summary>Until all have started, but no longer than to an instant.</summary>
    public async Task WaitAsync(DateTimeOffset last)
    {
        await Task.Delay(begin - TimeProvider.System.GetUtcNow());
        TimeSpan before = Environment.CpuUsage.TotalTime;
        await Task.WhenAny(_all.Task, Task.Delay(last - TimeProvider.System.GetUtcNow()));
        await Task.Delay(TimeSpan.FromSeconds(1)); // none starts twice, and what is still to be logged counts
        CpuMicros = (Environment.CpuUsage.TotalTime - before).TotalMicroseconds / runs;
    }
}
