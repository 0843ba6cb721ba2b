using System.Diagnostics;
using Belfry.Testing;

namespace Belfry.Bench;

/// <summary>From Redis to the disk: as fast as it goes, and at a steady rate.</summary>
static class IngestRows
{
    const int EventsPerRun = 4;

    // As far as the publisher may be ahead of the commits: 22 MB, under the 32 MB at which Redis cuts off a slow subscriber.
    const long Window = 40_000;

    const double SteadyRate = 30_000;

    /// <summary>Row <c>ingest-redis</c>.</summary>
    public static async Task<IReadOnlyList<Figure>> FlatOutAsync(bool small)
    {
        int runs = small ? 10_000 : 100_000;
        List<Publication> stream = [.. new EventStream(runs, 20_000, Now).Publications()];
        (Measured peer, string name) = await PeerAsync(stream);
        // What comes first is compiled while it runs; a server runs for weeks, so the figures are of what comes after.
        List<Publication> warmUp = [.. new EventStream(runs, 20_000, Now - TimeSpan.FromHours(1), seed: 1).Publications()];
        var ours = new List<Measured>();
        for (int repetition = 0; repetition < (small ? 1 : 3); repetition++)
        {
            ours.Add(await BelfryAsync(
                runs * 2,
                (publisher, reader) => publisher.SendAsync(warmUp, () => reader.Committed, Window),
                (publisher, reader) => publisher.SendAsync(stream, () => reader.Committed, Window)));
        }
        Measured median = ours.OrderBy(one => one.Seconds).ElementAt(ours.Count / 2);
        return
        [
            new Figure("ingest-redis", median.PerSecond, "events/s", 150_000, AtLeast: true, name, peer.PerSecond),
            new Figure("ingest-redis-cpu", median.CpuMicros, "µs CPU/event", 8, AtLeast: false, name, peer.CpuMicros),
            new Figure("ingest-redis-bytes", median.BytesPerRun, "bytes/run", 350, AtLeast: false),
            new Figure("ingest-redis-lost", ours.Sum(one => one.Lost), "events", 0, AtLeast: false, name, peer.Lost),
        ];
    }

    /// <summary>Row <c>ingest-steady</c>.</summary>
    public static async Task<IReadOnlyList<Figure>> SteadyAsync(bool small)
    {
        const double runsPerSecond = SteadyRate / EventsPerRun;
        int runs = (int)(runsPerSecond * (small ? 10 : 60)), warmUpRuns = runs / 6;
        Measured measured = await BelfryAsync(
            warmUpRuns + runs,
            (publisher, _) => publisher.SendAsync(new EventStream(warmUpRuns, runsPerSecond, Now, seed: 1).Publications(), SteadyRate),
            (publisher, _) => publisher.SendAsync(new EventStream(runs, runsPerSecond, Now).Publications(), SteadyRate));
        return
        [
            new Figure("ingest-steady", measured.Lost, "events lost", 0, AtLeast: false),
            new Figure("ingest-steady-offered", measured.PerSecond, "events/s", SteadyRate * 0.95, AtLeast: true),
            new Figure("ingest-steady-cpu", measured.CpuMicros, "µs CPU/event", 12, AtLeast: false),
        ];
    }

    static Instant Now => Instant.Now(TimeProvider.System);

    static async Task<Measured> BelfryAsync(int runs, Func<Publisher, BelfryReader, Task> warmUp, Func<Publisher, BelfryReader, Task> send)
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using BelfryReader reader = await BelfryReader.StartAsync(redis);
        await using Publisher publisher = await Publisher.ConnectAsync(redis.Port);
        await warmUp(publisher, reader);
        await reader.CommittedAsync(publisher.Events);
        (long begin, TimeSpan cpu, long before) = (Stopwatch.GetTimestamp(), reader.Cpu, reader.Committed);
        await send(publisher, reader);
        await reader.CommittedAsync(publisher.Events);
        (double seconds, TimeSpan used) = (Stopwatch.GetElapsedTime(begin).TotalSeconds, reader.Cpu - cpu);
        long events = reader.Committed;
        (long ended, long bytes) = await reader.EndAsync();
        long lost = Math.Max(publisher.Events - events, (runs - ended) * EventsPerRun);
        return new Measured(events - before, seconds, used.TotalSeconds, lost, (double)bytes / runs);
    }

    static async Task<(Measured Peer, string Name)> PeerAsync(IReadOnlyList<Publication> stream)
    {
        int events = stream.Sum(publication => publication.Events);
        // State reads slower than it is sent, and Redis would cut it off: it gets all the memory it wants.
        await using RedisServer redis = await RedisServer.StartAsync("--client-output-buffer-limit", "pubsub 0 0 0");
        await using StatePeer peer = StatePeer.Start(redis.Url, events);
        await BelfryReader.SubscribedAsync(redis, peer.Process);
        await using Publisher publisher = await Publisher.ConnectAsync(redis.Port);
        await publisher.SendAsync(stream, () => long.MaxValue / 2, Window);
        PeerResult result = await peer.EndAsync();
        return (new Measured(result.Events, result.Seconds, result.Cpu, events - result.Events, 0), result.Name);
    }
}

/// <summary>What it took to bring events to the disk.</summary>
sealed record Measured(long Events, double Seconds, double Cpu, long Lost, double BytesPerRun)
{
    public double PerSecond => Events / Seconds;

    public double CpuMicros => Cpu * 1e6 / Events;
}
