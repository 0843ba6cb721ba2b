using System.Diagnostics;
using Belfry.Storage;
using Belfry.Storage.Sqlite;
using Belfry.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Bench;

/// <summary>Reports of 90 days over 200 tasks, with percentiles of runtimes and waits, beside what the naive design must read for its own.</summary>
static class ReportRows
{
    const int Days = 90, Tasks = 200, Warmup = 60, Questions = 41;
    const double Goal = 30;
    const string Naive = "naive design";

    /// <summary>Row <c>report-90d</c>: six runs of each task an hour (one with --small); then reports of them.</summary>
    public static async Task<IReadOnlyList<Figure>> SqliteAsync(bool small)
    {
        using var folder = new TempFolder();
        await using RunLog log = await OpenAsync($"sqlite://{folder.File("log.db")}");
        using Database naive = NewNaive(folder.File("naive.db"));
        ReportQuery query = await FillAsync(log, naive, small ? 1 : 6);
        Figure byTask = await TimeAsync("report-90d", log, query);
        double peer = Median([.. Enumerable.Range(0, 3).Select(_ => TimeNaive(naive, query.From))]);
        return
        [
            byTask with { Peer = Naive, PeerValue = peer },
            await TimeAsync("report-90d-app", log, query with { By = NameKind.App, BarsOfEach = true }),
            await TimeAsync("report-90d-exception", log, query with { By = NameKind.Exception }),
            await TimeAsync("report-1d", log, query with { From = query.To - TimeSpan.FromDays(1), BarWidth = TimeSpan.FromMinutes(5) }),
        ];
    }

    /// <summary>Row <c>report-90d-postgres</c>: the same report of two runs of each task an hour (one with --small).</summary>
    public static async Task<IReadOnlyList<Figure>> PostgresAsync(bool small)
    {
        await using PostgresServer server = await PostgresServer.StartAsync();
        await using RunLog log = await OpenAsync(server.UrlOf("postgres"));
        ReportQuery query = await FillAsync(log, null, small ? 1 : 2);
        await server.SqlAsync("postgres", "ANALYZE"); // as the server does by itself sooner or later
        return [(await TimeAsync("report-90d-postgres", log, query)) with { Goal = 60 }]; // 18,000 rows come over a socket
    }

    static Task<RunLog> OpenAsync(string url) => RunLog.OpenAsync(
        StoreUrl.Parse(url), new RunLogOptions { GroupWait = TimeSpan.Zero }, TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);

    /// <summary>Tells 90 days hour by hour, and makes the question about them.</summary>
    static async Task<ReportQuery> FillAsync(RunLog log, Database? naive, int runsPerHour)
    {
        Instant now = Instant.Now(TimeProvider.System), begin = now - TimeSpan.FromDays(Days);
        var random = new Random(Days);
        for (int hour = 0; hour < Days * 24; hour++)
        {
            List<TaskEvent> events = [.. Enumerable.Range(0, Tasks * runsPerHour).SelectMany(n => Life(random, $"{hour}-{n}", n % Tasks, begin + TimeSpan.FromHours(hour + random.NextDouble())))];
            await log.AppendAsync(events, CancellationToken.None);
            Append(naive, events);
        }
        return new ReportQuery { From = begin, To = now, BarWidth = TimeSpan.FromDays(1) };
    }

    static IEnumerable<TaskEvent> Life(Random random, string id, int task, Instant at)
    {
        var told = new TaskEvent
        {
            Source = "bench", Id = id, Kind = EventKind.Submitted, At = at, Attempt = 1, Queue = $"q{task % 4}", Task = $"app{task % 10}.tasks.job_{task:000}",
        };
        var worker = told with { Kind = EventKind.Started, At = at + TimeSpan.FromSeconds(Math.Exp((random.NextDouble() * 8) - 6)), Worker = $"w{random.Next(8)}@lab", Queue = null, Task = null };
        // Spread as runtimes are: most of a task's near its usual one, some ten times that.
        double runtime = Math.Exp((task % 20) - 8 + ((random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 2));
        TaskEvent end = worker with { Kind = EventKind.Succeeded, At = worker.At + TimeSpan.FromSeconds(Math.Min(runtime, 3600)), Runtime = runtime };
        return [told, worker, random.Next(50) == 0 ? end with { Kind = EventKind.Failed, Exception = $"Error{random.Next(5)}('x')" } : end];
    }

    static Database NewNaive(string file)
    {
        Database database = Database.Open(file, create: true);
        database.Execute("CREATE TABLE task(id TEXT PRIMARY KEY, name TEXT, state TEXT, sent REAL, started REAL, ended REAL, runtime REAL); CREATE INDEX by_ended ON task(ended)");
        return database;
    }

    static void Append(Database? naive, List<TaskEvent> events)
    {
        if (naive is null)
        {
            return;
        }
        naive.Execute("BEGIN");
        foreach (TaskEvent[] life in events.Chunk(3))
        {
            naive.Prepare("INSERT INTO task VALUES(?, ?, ?, ?, ?, ?, ?)").Bind(1, life[0].Id).Bind(2, life[0].Task).Bind(3, life[2].Kind == EventKind.Failed ? "FAILURE" : "SUCCESS")
                .Bind(4, life[0].At.Micros / 1e6).Bind(5, life[1].At.Micros / 1e6).Bind(6, life[2].At.Micros / 1e6).Bind(7, life[2].Runtime).Run();
        }
        naive.Execute("COMMIT");
    }

    /// <summary>The same figures from the runs, as one would ask for them: SQLite has no percentiles, so they are found here.</summary>
    static double TimeNaive(Database naive, Instant begin)
    {
        long started = Stopwatch.GetTimestamp();
        var tasks = new Dictionary<string, (List<double> Runtimes, List<double> Waits)>();
        using Statement read = naive.PrepareOnce("SELECT name, state, runtime, started - sent FROM task WHERE ended >= ?");
        read.Bind(1, begin.Micros / 1e6);
        while (read.Step())
        {
            string name = read.Text(0)!;
            (List<double> runtimes, List<double> waits) = tasks.TryGetValue(name, out var known) ? known : tasks[name] = ([], []);
            runtimes.Add(read.Double(2));
            waits.Add(read.Double(3));
        }
        foreach ((List<double> runtimes, List<double> waits) in tasks.Values)
        {
            runtimes.Sort();
            waits.Sort();
        }
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }

    static async Task<Figure> TimeAsync(string row, RunLog log, ReportQuery query)
    {
        var taken = new List<double>();
        for (int i = 0; i < Warmup + Questions; i++)
        {
            long begin = Stopwatch.GetTimestamp();
            await log.Queries.ReportAsync(query, CancellationToken.None);
            taken.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        }
        taken.RemoveRange(0, Warmup); // the runtime compiles while it runs
        return new Figure(row, Median(taken), "ms", Goal, AtLeast: false);
    }

    static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
