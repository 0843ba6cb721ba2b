using System.Diagnostics;
using Belfry.Storage;
using Belfry.Testing;

namespace Belfry.Bench;

/// <summary>A burst that Redis does not let anybody hear to its end: what is missing is noticed, and filled in from the result backend.</summary>
static class BurstRows
{
    // With its default of 32 MB Redis does not cut us off in a burst of 400,000 events, so it is made less patient, and the reader stands still for a while.
    static readonly string[] Impatient = ["--client-output-buffer-limit", "pubsub 2mb 1mb 1"];

    const int Stop = 19, GoOn = 18;

    static readonly TimeSpan Patience = TimeSpan.FromMinutes(10), Standstill = TimeSpan.FromSeconds(60), Word = TimeSpan.FromSeconds(2);

    /// <summary>Row <c>redis-burst</c>.</summary>
    public static async Task<IReadOnlyList<Figure>> FilledAsync(bool small)
    {
        int runs = small ? 5_000 : 100_000;
        List<Publication> stream = [.. new EventStream(runs, 100_000, Instant.Now(TimeProvider.System), records: true).Publications()];
        await using RedisServer redis = await RedisServer.StartAsync(Impatient);
        using var folder = new TempFolder();
        string store = $"sqlite://{folder.File("log.db")}";
        string token = await BelfryProcess.NewTokenAsync(folder.Path, "--store", store);
        await using BelfryProcess server = await BelfryProcess.ServeAsync(["--broker", redis.Url, "--store", store], folder.Path, token);
        await BelfryReader.SubscribedAsync(redis, server.Process);
        await using (Publisher publisher = await Publisher.ConnectAsync(redis.Port))
        {
            int heard = stream.Count / 3;
            await publisher.SendAsync(stream[..heard], () => long.MaxValue / 2, 1);
            server.Process.Signal(Stop);
            await publisher.SendAsync(stream[heard..], () => long.MaxValue / 2, 1);
            server.Process.Signal(GoOn);
        }
        using RunQueries log = await RunQueries.OpenAsync(StoreUrl.Parse(store), TimeProvider.System, CancellationToken.None);
        (long ended, double seconds) = await WholeAsync(log, runs);
        if (ended < runs)
        {
            Console.Error.WriteLine(server.Process.Errors);
        }
        Instant now = Instant.Now(TimeProvider.System);
        int gaps = (await log.GapsAsync(now - TimeSpan.FromHours(1), now, CancellationToken.None)).Count;
        return
        [
            new Figure("redis-burst-missing", runs - ended, "runs", 0, AtLeast: false),
            new Figure("redis-burst-gaps", gaps, "gaps noticed", 1, AtLeast: true),
            new Figure("redis-burst", seconds, "s until whole", small ? 30 : 120, AtLeast: false),
        ];
    }

    /// <summary>Waits until all have ended, or nothing changes any more.</summary>
    static async Task<(long Ended, double Seconds)> WholeAsync(RunQueries log, int runs)
    {
        long begin = Stopwatch.GetTimestamp(), changed = begin, told = begin, ended = 0;
        while (ended < runs && Stopwatch.GetElapsedTime(begin) < Patience && Stopwatch.GetElapsedTime(changed) < Standstill)
        {
            await Task.Delay(200);
            long now = await EndedAsync(log);
            (ended, changed) = now == ended ? (ended, changed) : (now, Stopwatch.GetTimestamp());
            if (Stopwatch.GetElapsedTime(told) > Word)
            {
                Console.Error.WriteLine($"  {ended:N0} of {runs:N0} whole after {Stopwatch.GetElapsedTime(begin).TotalSeconds:0} s");
                told = Stopwatch.GetTimestamp();
            }
        }
        return (ended, Stopwatch.GetElapsedTime(begin).TotalSeconds);
    }

    static async Task<long> EndedAsync(RunQueries log) =>
        (await log.CountAsync(new RunFilter { States = [RunState.Completed, RunState.Failed] }, 1_000_000, TimeSpan.FromSeconds(20), CancellationToken.None)).Runs;
}
