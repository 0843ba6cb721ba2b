using System.Diagnostics;
using Belfry.Storage;
using Belfry.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Belfry.Bench;

/// <summary>Calls of a task that does nothing: called, claimed, executed and logged, all of it on disk, in one process on SQLite.</summary>
static class QueueRows
{
    const int Room = 2048;
    const string Quartz = "Quartz RAM store";

    /// <summary>Row <c>queue-1024</c>.</summary>
    public static Task<IReadOnlyList<Figure>> ManyAsync(bool small) => RunAsync("queue-1024", 1024, small ? 50_000 : 400_000, 80_000);

    /// <summary>Row <c>queue-64</c>.</summary>
    public static Task<IReadOnlyList<Figure>> FewAsync(bool small) => RunAsync("queue-64", 64, small ? 20_000 : 200_000, 20_000);

    static async Task<IReadOnlyList<Figure>> RunAsync(string row, int inFlight, int calls, double goal)
    {
        using var folder = new TempFolder();
        await using ServiceProvider services = new ServiceCollection().AddBelfry(tasks =>
        {
            tasks.UseSqlite(folder.File("log.db"));
            tasks.AddTask("noop", Conditions.Never, () => { });
            tasks.Options.CallsAtOnce = Room;
        }).BuildServiceProvider();
        IHostedService[] hosted = [.. services.GetServices<IHostedService>()];
        await Task.WhenAll(hosted.Select(service => service.StartAsync(CancellationToken.None)));
        var client = services.GetRequiredService<IBelfryClient>();
        var log = services.GetRequiredService<RunLog>();
        await CallAsync(client, log, inFlight, new double[calls / 2]); // compiles what is timed
        var took = new double[calls];
        var watch = Watch.Start();
        await CallAsync(client, log, inFlight, took);
        Spent spent = watch.Stop(calls);
        long logged = (await log.Queries.CountAsync(new RunFilter { Tasks = ["noop"], States = [RunState.Completed] }, 10 * calls, TimeSpan.FromMinutes(1), CancellationToken.None)).Runs;
        await Task.WhenAll(hosted.Select(service => service.StopAsync(CancellationToken.None)));
        Array.Sort(took);
        Spent quartz = await QuartzCalls.RunAsync(inFlight, calls / 8); // fewer, because it takes so much longer
        return
        [
            new Figure(row, spent.PerSecond, "runs/s", goal, AtLeast: true, Quartz, quartz.PerSecond),
            new Figure(row + "-cpu", spent.CpuMicros, "µs CPU/run", 25, AtLeast: false, Quartz, quartz.CpuMicros),
            new Figure(row + "-call", took[calls / 2], "ms, median", 12, AtLeast: false),
            new Figure(row + "-call-p99", took[calls - 1 - (calls / 100)], "ms", 50, AtLeast: false),
            new Figure(row + "-lost", calls + (calls / 2) - logged, "runs", 0, AtLeast: false),
        ];
    }

    /// <summary>So many callers, each of which calls as soon as its last call is on disk; done when the last run is in the log.</summary>
    /// <param name="took">Becomes how long each call took until it was on disk, in milliseconds; as many as there are to be calls.</param>
    static async Task CallAsync(IBelfryClient client, RunLog log, int inFlight, double[] took)
    {
        int left = took.Length, ended = 0;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Count(IReadOnlyList<RunChange> changes)
        {
            for (int i = 0; i < changes.Count; i++)
            {
                if (changes[i].Run?.State == RunState.Completed && ++ended == took.Length)
                {
                    done.SetResult();
                }
            }
        }
        log.Feed.Published += Count;
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(_ => Task.Run(async () =>
        {
            for (int n; (n = Interlocked.Decrement(ref left)) >= 0;)
            {
                long begin = Stopwatch.GetTimestamp();
                await client.CallAsync("noop");
                took[n] = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            }
        })));
        await done.Task;
        log.Feed.Published -= Count;
    }
}
