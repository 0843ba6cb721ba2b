using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Belfry.Storage;
using Belfry.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Bench;

/// <summary>The log on a PostgreSQL of the bench's own: one writer and two, each in a process of its own as servers are.</summary>
static class PostgresRows
{
    /// <summary>What a run is ended behind that was stored open first: four seconds of work at 25,000 runs a second.</summary>
    const int Lag = 100_000;

    // What PostgreSQL's manual advises for a machine of a few gigabytes; the defaults are for one of the nineties. All else is as it comes: fsync too.
    internal static readonly string[] Settings = ["shared_buffers=1GB", "max_wal_size=4GB"];
    static readonly JsonSerializerOptions Lower = new(JsonSerializerDefaults.Web);

    /// <summary>Row <c>postgres-whole</c>: all events of a run come in one group.</summary>
    public static Task<IReadOnlyList<Figure>> WholeAsync(bool small) => MeasureAsync("postgres-whole", 40_000, writers: 1, openFirst: false, small);

    /// <summary>Row <c>postgres-open-first</c>: runs are stored open, and ended later.</summary>
    public static Task<IReadOnlyList<Figure>> OpenFirstAsync(bool small) => MeasureAsync("postgres-open-first", 25_000, writers: 1, openFirst: true, small);

    /// <summary>Row <c>postgres-two-writers</c>: the same by two processes at a time, of one source.</summary>
    public static Task<IReadOnlyList<Figure>> TwoWritersAsync(bool small) => MeasureAsync("postgres-two-writers", 45_000, writers: 2, openFirst: true, small);

    /// <summary>Row <c>postgres-questions</c>: a million runs over 30 days, and the median time of questions.</summary>
    public static async Task<IReadOnlyList<Figure>> QuestionsAsync(bool small)
    {
        int runs = small ? 10_000 : 1_000_000;
        await using PostgresServer server = await PostgresServer.StartAsync(Settings);
        await using RunLog log = await RunLog.OpenAsync(
            StoreUrl.Parse(server.UrlOf("postgres")), new RunLogOptions { GroupWait = TimeSpan.Zero }, TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);
        var month = TimeSpan.FromDays(30);
        var history = new MadeUpEvents(3, Instant.Now(TimeProvider.System) - month, runs / month.TotalSeconds);
        await StoreRows.FillAsync(log, history, runs);
        await server.SqlAsync("postgres", "ANALYZE");
        Task Page(RunFilter filter) => log.Queries.PageAsync(filter, 50, null, null, CancellationToken.None);
        int next = 0;
        return
        [
            await StoreRows.TimeAsync("postgres-newest", 2, () => Page(new RunFilter())),
            await StoreRows.TimeAsync("postgres-by-id", 2, () => log.Queries.FindAsync(history.Sample[(next += 7919) % history.Sample.Count], null, CancellationToken.None)),
            await StoreRows.TimeAsync("postgres-by-id-unknown", 2, () => log.Queries.FindAsync(Guid.NewGuid().ToString(), null, CancellationToken.None)),
            await StoreRows.TimeAsync("postgres-task", 2, () => Page(new RunFilter { Tasks = ["shop.tasks.job_007"] })),
            await StoreRows.TimeAsync("postgres-task-failed", 5, () => Page(new RunFilter { Tasks = ["shop.tasks.job_007"], States = [RunState.Failed] })),
        ];
    }

    static async Task<IReadOnlyList<Figure>> MeasureAsync(string row, double goal, int writers, bool openFirst, bool small)
    {
        int runs = (small ? 10_000 : 200_000) / writers, lag = !openFirst ? 0 : (small ? 5_000 : Lag) / writers;
        await using PostgresServer server = await PostgresServer.StartAsync(Settings);
        var processes = new List<ChildProcess>();
        try
        {
            for (int i = 0; i < writers; i++)
            {
                processes.Add(ChildProcess.Start(Environment.ProcessPath!, ["append", server.UrlOf("postgres"), $"{i}", $"{runs}", $"{lag}"]));
                await processes[i].LineAsync(line => line == PostgresAppender.Ready, TimeSpan.FromMinutes(5)); // one by one: they warm up
            }
            await server.SqlAsync("postgres", "CHECKPOINT");
            (long wal, TimeSpan cpu, long begin) = (await WalAsync(server), server.Cpu, Stopwatch.GetTimestamp());
            await Task.WhenAll(processes.Select(process => process.TellAsync("go")));
            Appended[] told = await Task.WhenAll(processes.Select(async process =>
                JsonSerializer.Deserialize<Appended>(await process.LineAsync(line => line.StartsWith('{'), TimeSpan.FromMinutes(5)), Lower)!));
            double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds, all = runs * writers;
            double serverCpu = (server.Cpu - cpu).TotalSeconds;
            return
            [
                new Figure(row, all / seconds, "runs/s", goal, AtLeast: true),
                new Figure($"{row}-client", told.Sum(one => one.Cpu) / all * 1e6, "µs CPU/run", openFirst ? 20 : 15, AtLeast: false),
                new Figure($"{row}-server", serverCpu / all * 1e6, "µs CPU/run", 30, AtLeast: false),
                new Figure($"{row}-wal", (await WalAsync(server) - wal) / all, "bytes/run", 1500, AtLeast: false),
                new Figure($"{row}-bytes", await BytesAsync(server) / (all + told.Sum(one => one.Before)), "bytes/run", openFirst ? 750 : 400, AtLeast: false),
            ];
        }
        finally
        {
            foreach (ChildProcess process in processes)
            {
                await process.DisposeAsync();
            }
        }
    }

    static Task<long> WalAsync(PostgresServer server) => NumberAsync(server, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')");

    internal static Task<long> BytesAsync(PostgresServer server) => NumberAsync(
        server, "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'belfry'::regnamespace AND relkind = 'r'");

    static async Task<long> NumberAsync(PostgresServer server, string sql) => (long)double.Parse(await server.SqlAsync("postgres", sql), CultureInfo.InvariantCulture);
}
