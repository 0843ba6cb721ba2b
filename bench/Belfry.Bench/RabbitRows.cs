using System.Diagnostics;
using Belfry.Testing;

namespace Belfry.Bench;

/// <summary>From RabbitMQ to the disk: as fast as it goes, at a steady rate, and in one burst.</summary>
static class RabbitRows
{
    const int EventsPerRun = 4;

    // So far may the publisher be ahead of the commits: the broker is kept busy, and holds little.
    const long Window = 40_000;

    // At this rate Flower loses 11 % (Celery's own queues drop what is older than 5 s).
    const double SteadyRate = 8_000;

    /// <summary>Row <c>ingest-rabbit</c>.</summary>
    public static async Task<IReadOnlyList<Figure>> FlatOutAsync(bool small)
    {
        int runs = small ? 5_000 : 100_000;
        List<StreamMessage> stream = Stream(runs, 20_000, seed: 2), warmUp = Stream(runs / 2, 20_000, seed: 1);
        (Measured peer, string name) = await PeerAsync(stream, double.MaxValue, "patient");
        var ours = new List<Measured>();
        for (int repetition = 0; repetition < (small ? 1 : 3); repetition++)
        {
            ours.Add(await BelfryAsync(warmUp, (publisher, reader) => publisher.SendAsync(stream, () => reader.Committed, Window)));
        }
        Measured median = ours.OrderBy(one => one.Seconds).ElementAt(ours.Count / 2);
        return
        [
            new Figure("ingest-rabbit", median.PerSecond, "events/s", 40_000, AtLeast: true, name, peer.PerSecond),
            new Figure("ingest-rabbit-cpu", median.CpuMicros, "µs CPU/event", 20, AtLeast: false, name, peer.CpuMicros),
            new Figure("ingest-rabbit-lost", ours.Sum(one => one.Lost), "events", 0, AtLeast: false, name, peer.Lost),
        ];
    }

    /// <summary>Row <c>rabbit-steady</c>.</summary>
    public static async Task<IReadOnlyList<Figure>> SteadyAsync(bool small)
    {
        const double runsPerSecond = SteadyRate / EventsPerRun;
        List<StreamMessage> stream = Stream((int)(runsPerSecond * (small ? 3 : 60)), runsPerSecond, seed: 2);
        (Measured peer, string name) = await PeerAsync(stream, SteadyRate);
        Measured ours = await BelfryAsync(Stream((int)runsPerSecond, runsPerSecond, seed: 1), (publisher, _) => publisher.SendAsync(stream, SteadyRate));
        return
        [
            new Figure("rabbit-steady", ours.Lost, "events lost", 0, AtLeast: false, name, peer.Lost),
            new Figure("rabbit-steady-offered", ours.PerSecond, "events/s", SteadyRate * 0.95, AtLeast: true),
            new Figure("rabbit-steady-cpu", ours.CpuMicros, "µs CPU/event", 50, AtLeast: false, name, peer.CpuMicros),
        ];
    }

    /// <summary>Row <c>rabbit-burst</c>: 400,000 events as fast as the broker takes them.</summary>
    public static async Task<IReadOnlyList<Figure>> BurstAsync(bool small)
    {
        List<StreamMessage> stream = Stream(small ? 5_000 : 100_000, 20_000, seed: 2);
        (Measured peer, string name) = await PeerAsync(stream, double.MaxValue);
        Measured ours = await BelfryAsync(Stream(2_000, 2_000, seed: 1), (publisher, _) => publisher.SendAsync(stream, double.MaxValue));
        return
        [
            new Figure("rabbit-burst", ours.Lost, "events lost", 0, AtLeast: false, name, peer.Lost),
            new Figure("rabbit-burst-seconds", ours.Seconds, "s to disk", 20, AtLeast: false),
        ];
    }

    // Made before it is timed.
    static List<StreamMessage> Stream(int runs, double runsPerSecond, int seed) => [.. new EventStream(runs, runsPerSecond, Instant.Now(TimeProvider.System), seed).Messages()];

    static async Task<Measured> BelfryAsync(List<StreamMessage> warmUp, Func<RabbitPublisher, BelfryReader, Task> send)
    {
        await using RabbitServer rabbit = await RabbitServer.StartAsync();
        await using RabbitPublisher publisher = await RabbitPublisher.ConnectAsync(rabbit);
        await using BelfryReader reader = await BelfryReader.StartAsync(publisher);
        await publisher.SendAsync(warmUp, () => reader.Committed, Window);
        await reader.CommittedAsync(publisher.Events);
        (long begin, TimeSpan cpu, long before) = (Stopwatch.GetTimestamp(), reader.Cpu, reader.Committed);
        await send(publisher, reader);
        await reader.CommittedAsync(publisher.Events);
        (double seconds, TimeSpan used) = (Stopwatch.GetElapsedTime(begin).TotalSeconds, reader.Cpu - cpu);
        long events = reader.Committed;
        (long ended, _) = await reader.EndAsync();
        long lost = Math.Max(publisher.Events - events, publisher.Events - (ended * EventsPerRun));
        return new Measured(events - before, seconds, used.TotalSeconds, lost, 0);
    }

    static async Task<(Measured Peer, string Name)> PeerAsync(List<StreamMessage> stream, double eventsPerSecond, params string[] options)
    {
        int events = stream.Sum(message => message.Events);
        await using RabbitServer rabbit = await RabbitServer.StartAsync();
        await using RabbitPublisher publisher = await RabbitPublisher.ConnectAsync(rabbit);
        await using StatePeer peer = StatePeer.Start(publisher.Url, events, options);
        await publisher.ConsumedAsync(await peer.QueueAsync(), peer.Process);
        await publisher.SendAsync(stream, eventsPerSecond);
        PeerResult result = await peer.EndAsync();
        return (new Measured(result.Events, result.Seconds, result.Cpu, events - result.Events, 0), result.Name);
    }
}
