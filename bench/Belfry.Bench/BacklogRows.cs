using System.Diagnostics;
using Belfry.Storage;
using Belfry.Testing;

namespace Belfry.Bench;

/// <summary>With very many runs open: 750,000 that were submitted and received, and start and end 30 s of the stream later.</summary>
static class BacklogRows
{
    const double RunsPerSecond = 25_000;
    const int EventsPerRun = 4;

    // As far as the publisher may be ahead of the commits: 22 MB, under the 32 MB at which Redis cuts off a slow subscriber.
    const long Window = 40_000;

    /// <summary>Row <c>ingest-backlog</c>: the stream in which as many runs end as begin, behind the one that opened them.</summary>
    public static async Task<IReadOnlyList<Figure>> FromRedisAsync(bool small)
    {
        (int open, int runs) = Sizes(small);
        int warmUp = runs / 2; // what starts and ends runs is compiled while the first do
        using IEnumerator<Publication> stream = new EventStream(open + warmUp + runs, RunsPerSecond, Now, waiting: open / RunsPerSecond).Publications().GetEnumerator();
        await using RedisServer redis = await RedisServer.StartAsync();
        await using BelfryReader reader = await BelfryReader.StartAsync(redis);
        await using Publisher publisher = await Publisher.ConnectAsync(redis.Port);
        await SendAsync(Take(stream, (2L * open) + (EventsPerRun * warmUp)));
        List<Publication> measured = [.. Take(stream, (long)EventsPerRun * runs)]; // made before it is timed
        (long begin, TimeSpan cpu, long before) = (Stopwatch.GetTimestamp(), reader.Cpu, reader.Committed);
        await SendAsync(measured);
        double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds, used = (reader.Cpu - cpu).TotalSeconds;
        (long events, long memory) = (reader.Committed - before, reader.Memory.Most);
        await SendAsync(Take(stream, long.MaxValue));
        long committed = reader.Committed;
        (long ended, long bytes) = await reader.EndAsync();
        long lost = Math.Max(publisher.Events - committed, (open + warmUp + runs - ended) * EventsPerRun);
        return
        [
            new Figure("ingest-backlog", events / seconds, "events/s", 150_000, AtLeast: true),
            new Figure("ingest-backlog-cpu", used * 1e6 / events, "µs CPU/event", 8, AtLeast: false),
            new Figure("ingest-backlog-bytes", (double)bytes / (open + warmUp + runs), "bytes/run", 350, AtLeast: false),
            new Figure("ingest-backlog-memory", memory / 1e6, "MB at most", 1000, AtLeast: false),
            new Figure("ingest-backlog-lost", lost, "events", 0, AtLeast: false),
        ];

        async Task SendAsync(IEnumerable<Publication> publications)
        {
            await publisher.SendAsync(publications, () => reader.Committed, Window);
            await reader.CommittedAsync(publisher.Events);
        }
    }

    /// <summary>Row <c>store-backlog</c>: the log alone, what it answers meanwhile, and how long it takes to start.</summary>
    public static async Task<IReadOnlyList<Figure>> InStoreAsync(bool small)
    {
        (int open, int runs) = Sizes(small);
        using var folder = new TempFolder();
        var events = new MadeUpEvents(5, Now, RunsPerSecond, waiting: open);
        var answers = new List<Figure>();
        Spent spent;
        await using (RunLog log = await StoreRows.OpenAsync(folder.File("log.db")))
        {
            await StoreRows.FillAsync(log, events, open + (runs / 2)); // the rest compiles what is timed
            spent = await StoreRows.FillAsync(log, events, runs);
            answers.AddRange(await QuestionsAsync("store-backlog", log.Queries, events, runs * 3 / 2, open));
        }
        using (RunQueries other = await RunQueries.OpenAsync(StoreUrl.Parse($"sqlite://{folder.File("log.db")}"), TimeProvider.System, CancellationToken.None))
        {
            answers.AddRange(await QuestionsAsync("store-backlog-other", other, events, runs * 3 / 2, open));
        }
        long begin = Stopwatch.GetTimestamp();
        await using RunLog again = await StoreRows.OpenAsync(folder.File("log.db"));
        double start = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        Spent first = await StoreRows.FillAsync(again, events, runs / 4);
        return
        [
            new Figure("store-backlog", spent.PerSecond, "events/s", 150_000, AtLeast: true),
            new Figure("store-backlog-cpu", spent.CpuMicros, "µs CPU/event", 8, AtLeast: false),
            .. answers,
            new Figure("store-backlog-start", start, "s", 3, AtLeast: false),
            new Figure("store-backlog-first", first.CpuMicros, "µs CPU/event", 8, AtLeast: false),
        ];
    }

    static async Task<IEnumerable<Figure>> QuestionsAsync(string row, RunQueries queries, MadeUpEvents events, int firstOpen, int open)
    {
        int next = 0;
        return
        [
            await StoreRows.TimeAsync($"{row}-newest", 1, () => queries.PageAsync(new RunFilter(), 50, null, null, CancellationToken.None)),
            await StoreRows.TimeAsync($"{row}-by-id", 6, () => queries.FindAsync(events.IdOf(firstOpen + ((next += 7919) % open)), null, CancellationToken.None)),
            await StoreRows.TimeAsync($"{row}-by-id-unknown", 6, () => queries.FindAsync(Guid.NewGuid().ToString(), null, CancellationToken.None)),
        ];
    }

    static (int Open, int Runs) Sizes(bool small) => small ? (10_000, 5_000) : (750_000, 250_000);

    static IEnumerable<Publication> Take(IEnumerator<Publication> stream, long events)
    {
        for (long taken = 0; taken < events && stream.MoveNext(); taken += stream.Current.Events)
        {
            yield return stream.Current;
        }
    }

    static Instant Now => Instant.Now(TimeProvider.System);
}
