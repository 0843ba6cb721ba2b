using Belfry.Storage;
using Belfry.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Bench;

/// <summary>Free text, by reading rows and by the full-text index, and what the index costs.</summary>
static class SearchRows
{
    const int EventsPerRun = 4;
    const string Reading = "reading rows";
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Row <c>search-text</c>: two million runs over 30 days (a fortieth of it with --small).</summary>
    public static async Task<IReadOnlyList<Figure>> TextAsync(bool small)
    {
        using var folder = new TempFolder();
        StoreUrl url = StoreUrl.Parse($"sqlite://{folder.File("log.db")}");
        return await MeasureAsync("search-text", url, () => Task.FromResult((double)StoreRows.BytesOf(folder, "log.db")), () => TimeSpan.Zero, small ? 50_000 : 2_000_000, bytes: 300, cpu: 25);
    }

    /// <summary>Row <c>search-text-postgres</c>: a tenth of that on a PostgreSQL of the bench's own, CPU of the server included.</summary>
    public static async Task<IReadOnlyList<Figure>> TextOnPostgresAsync(bool small)
    {
        await using PostgresServer server = await PostgresServer.StartAsync(PostgresRows.Settings);
        return await MeasureAsync(
            "search-text-postgres", StoreUrl.Parse(server.UrlOf("postgres")), async () => await PostgresRows.BytesAsync(server), () => server.Cpu, small ? 20_000 : 200_000, bytes: 2000, cpu: 100);
    }

    static async Task<IReadOnlyList<Figure>> MeasureAsync(string row, StoreUrl url, Func<Task<double>> bytesOf, Func<TimeSpan> cpuBeside, int runs, double bytes, double cpu)
    {
        var events = new MadeUpEvents(5, Instant.Now(TimeProvider.System) - TimeSpan.FromDays(30), runs / TimeSpan.FromDays(30).TotalSeconds);
        (string Row, string Text)[] searches;
        Figure[] read;
        await using (RunLog log = await OpenAsync(url, index: null))
        {
            await StoreRows.FillAsync(log, events, runs);
            TaskRun oldest = (await log.Queries.FindAsync(events.Sample[0], null, CancellationToken.None))[0];
            searches = [(row, oldest.Id[9..]), ($"{row}-nowhere", "nowhere-to-be-found"), ($"{row}-often", "job_007")];
            read = await AskAsync(log.Queries, searches);
        }
        double before = await bytesOf();
        (Spent spent, Figure[] found) = await IndexedAsync(url, runs, searches, cpuBeside);
        double after = await bytesOf();
        return
        [
            .. found.Zip(read, (ours, reading) => ours with { Peer = Reading, PeerValue = reading.Value }),
            new Figure($"{row}-bytes", (after - before) / runs, "bytes/run", bytes, AtLeast: false),
            new Figure($"{row}-cpu", spent.CpuMicros, "µs CPU/event", cpu, AtLeast: false),
            new Figure($"{row}-append", (await FollowedAsync(url, Math.Min(runs, 200_000))).PerSecond, "events/s", 50_000, AtLeast: true),
        ];
    }

    /// <summary>Builds the index, and asks.</summary>
    static async Task<(Spent Spent, Figure[] Found)> IndexedAsync(StoreUrl url, int runs, (string Row, string Text)[] searches, Func<TimeSpan> cpuBeside)
    {
        var watch = Watch.Start();
        TimeSpan beside = cpuBeside();
        await using RunLog log = await OpenAsync(url, index: true);
        while ((await log.Queries.StatusAsync(CancellationToken.None)).TextIndex is not { IsUpToDate: true })
        {
            await Task.Delay(200);
        }
        Spent spent = watch.Stop(EventsPerRun * runs);
        spent = spent with { Cpu = spent.Cpu + (cpuBeside() - beside).TotalSeconds };
        return (spent, await AskAsync(log.Queries, searches));
    }

    /// <summary>Appends while it follows.</summary>
    static async Task<Spent> FollowedAsync(StoreUrl url, int runs)
    {
        await using RunLog log = await OpenAsync(url, index: true);
        return await StoreRows.FillAsync(log, new MadeUpEvents(6, Instant.Now(TimeProvider.System) - TimeSpan.FromHours(1), 25_000), runs);
    }

    static async Task<Figure[]> AskAsync(RunQueries queries, (string Row, string Text)[] searches)
    {
        var figures = new List<Figure>();
        foreach ((string row, string text) in searches)
        {
            figures.Add(await StoreRows.TimeAsync(row, 100, () => queries.PageAsync(new RunFilter { Text = text }, 50, null, Patience, CancellationToken.None), times: 3));
        }
        return [.. figures];
    }

    static Task<RunLog> OpenAsync(StoreUrl url, bool? index) => RunLog.OpenAsync(
        url, new RunLogOptions { GroupWait = TimeSpan.Zero, FullTextIndex = index }, TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);
}
