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
        await CallAsync(client, log, inFlight, calls / 2); // compiles what is timed
        var watch = Watch.Start();
        await CallAsync(client, log, inFlight, calls);
        Spent spent = watch.Stop(calls);
        long logged = (await log.Queries.CountAsync(new RunFilter { States = [RunState.Completed] }, 10 * calls, TimeSpan.FromMinutes(1), CancellationToken.None)).Runs;
        await Task.WhenAll(hosted.Select(service => service.StopAsync(CancellationToken.None)));
        Spent quartz = await QuartzCalls.RunAsync(inFlight, calls / 8); // fewer, because it takes so much longer
        return
        [
            new Figure(row, spent.PerSecond, "runs/s", goal, AtLeast: true, Quartz, quartz.PerSecond),
            new Figure(row + "-cpu", spent.CpuMicros, "µs CPU/run", 25, AtLeast: false, Quartz, quartz.CpuMicros),
            new Figure(row + "-lost", calls + (calls / 2) - logged, "runs", 0, AtLeast: false),
        ];
    }

    /// <summary>So many callers, each of which calls as soon as its last call is on disk; done when the last run is in the log.</summary>
    static async Task CallAsync(IBelfryClient client, RunLog log, int inFlight, int calls)
    {
        int left = calls, ended = 0;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Count(IReadOnlyList<RunChange> changes)
        {
            for (int i = 0; i < changes.Count; i++)
            {
                if (changes[i].Run?.State == RunState.Completed && ++ended == calls)
                {
                    done.SetResult();
                }
            }
        }
        log.Feed.Published += Count;
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                await client.CallAsync("noop");
            }
        })));
        await done.Task;
        log.Feed.Published -= Count;
    }
}
