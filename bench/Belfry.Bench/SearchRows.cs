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
        int runs = small ? 50_000 : 2_000_000;
        using var folder = new TempFolder();
        var events = new MadeUpEvents(5, Instant.Now(TimeProvider.System) - TimeSpan.FromDays(30), runs / TimeSpan.FromDays(30).TotalSeconds);
        (string Row, string Text)[] searches;
        Figure[] read;
        await using (RunLog log = await OpenAsync(folder, index: null))
        {
            await StoreRows.FillAsync(log, events, runs);
            TaskRun oldest = (await log.Queries.FindAsync(events.Sample[0], null, CancellationToken.None))[0];
            searches = [("search-text", oldest.Id[9..]), ("search-text-nowhere", "nowhere-to-be-found"), ("search-text-often", "job_007")];
            read = await AskAsync(log.Queries, searches);
        }
        long before = StoreRows.BytesOf(folder, "log.db");
        (Spent spent, Figure[] found) = await IndexedAsync(folder, runs, searches);
        long after = StoreRows.BytesOf(folder, "log.db");
        return
        [
            .. found.Zip(read, (ours, reading) => ours with { Peer = Reading, PeerValue = reading.Value }),
            new Figure("search-text-bytes", (double)(after - before) / runs, "bytes/run", 300, AtLeast: false),
            new Figure("search-text-cpu", spent.CpuMicros, "µs CPU/event", 25, AtLeast: false),
            new Figure("search-text-append", (await FollowedAsync(folder, Math.Min(runs, 200_000))).PerSecond, "events/s", 50_000, AtLeast: true),
        ];
    }

    /// <summary>Builds the index, and asks.</summary>
    static async Task<(Spent Spent, Figure[] Found)> IndexedAsync(TempFolder folder, int runs, (string Row, string Text)[] searches)
    {
        var watch = Watch.Start();
        await using RunLog log = await OpenAsync(folder, index: true);
        while ((await log.Queries.StatusAsync(CancellationToken.None)).TextIndex is not { Waiting: 0 })
        {
            await Task.Delay(200);
        }
        Spent spent = watch.Stop(EventsPerRun * runs);
        return (spent, await AskAsync(log.Queries, searches));
    }

    /// <summary>Appends while it follows.</summary>
    static async Task<Spent> FollowedAsync(TempFolder folder, int runs)
    {
        await using RunLog log = await OpenAsync(folder, index: true);
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

    static Task<RunLog> OpenAsync(TempFolder folder, bool? index) => RunLog.OpenAsync(
        StoreUrl.Parse($"sqlite://{folder.File("log.db")}"), new RunLogOptions { GroupWait = TimeSpan.Zero, FullTextIndex = index }, TimeProvider.System,
        NullLoggerFactory.Instance, CancellationToken.None);
}
