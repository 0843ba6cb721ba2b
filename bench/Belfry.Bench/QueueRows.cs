using Belfry.Storage;
using Belfry.Testing;

namespace Belfry.Bench;

/// <summary>Calls of a task that does nothing: put, claimed, executed and logged, all on disk, in one process on SQLite.</summary>
static class QueueRows
{
    /// <summary>Row <c>queue-1024</c>.</summary>
    public static Task<IReadOnlyList<Figure>> ManyAsync(bool small) => RunAsync("queue-1024", 1024, small ? 50_000 : 400_000, 80_000);

    /// <summary>Row <c>queue-64</c>.</summary>
    public static Task<IReadOnlyList<Figure>> FewAsync(bool small) => RunAsync("queue-64", 64, small ? 20_000 : 200_000, 20_000);

    static async Task<IReadOnlyList<Figure>> RunAsync(string row, int inFlight, int calls, double goal)
    {
        using var folder = new TempFolder();
        await using RunLog log = await StoreRows.OpenAsync(folder.File("log.db"));
        await CallAsync(log, inFlight, calls / 2); // compiles what is timed
        var watch = Watch.Start();
        await CallAsync(log, inFlight, calls);
        Spent spent = watch.Stop(calls);
        long logged = (await log.Queries.StatusAsync(CancellationToken.None)).EndedRuns;
        return
        [
            new Figure(row, spent.PerSecond, "runs/s", goal, AtLeast: true),
            new Figure(row + "-cpu", spent.CpuMicros, "µs CPU/run", 25, AtLeast: false),
            new Figure(row + "-lost", calls + (calls / 2) - logged, "runs", 0, AtLeast: false),
        ];
    }

    static async Task CallAsync(RunLog log, int inFlight, int calls)
    {
        IWorkQueue queue = log.Work!;
        using var stop = new CancellationTokenSource();
        int left = calls, ended = 0;
        var done = new TaskCompletionSource();
        Task worker = Task.Run(async () =>
        {
            var room = new WorkRoom("bench", 4096);
            try
            {
                while (true)
                {
                    foreach (ClaimedCall call in await queue.ClaimAsync(room, stop.Token))
                    {
                        Instant now = Instant.Now(TimeProvider.System);
                        room.Leave(call.Call.Queue);
                        Task ending = queue.EndAsync(call, new CallEnd(EventKind.Succeeded, now, now) { Result = "null" });
                        if (++ended == calls)
                        {
                            _ = ending.ContinueWith(_ => done.SetResult(), TaskScheduler.Default);
                        }
                    }
                }
            }
            catch (OperationCanceledException)
            {
            }
        });
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                await queue.PutAsync(
                    new QueuedCall { Id = Guid.CreateVersion7().ToString(), Task = "noop", Submitted = Instant.Now(TimeProvider.System), Args = "[]" },
                    CancellationToken.None);
            }
        })));
        await done.Task;
        await stop.CancelAsync();
        await worker;
    }
}
