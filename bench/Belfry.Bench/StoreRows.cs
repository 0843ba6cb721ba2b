using System.Diagnostics;
using Belfry.Storage;
using Belfry.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Bench;

/// <summary>The log alone, without Redis: appends beside the naive design, appends to a large log, and questions to it.</summary>
static class StoreRows
{
    const int EventsPerRun = 4, GroupOfRuns = 2500; // 100 ms at 25,000 runs a second
    const string Naive = "naive design", SmallerNaive = "naive design with a tenth of the runs";
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60), Settling = TimeSpan.FromMilliseconds(200);

    /// <summary>Row <c>store-append</c>.</summary>
    public static async Task<IReadOnlyList<Figure>> AppendAsync(bool small)
    {
        int runs = small ? 20_000 : 200_000;
        using var folder = new TempFolder();
        Spent naive = AppendNaively(folder.File("naive.db"), new MadeUpEvents(2, Now, 25_000), runs);
        Spent ours;
        await using (RunLog log = await OpenAsync(folder.File("log.db")))
        {
            await FillAsync(log, new MadeUpEvents(1, Now - TimeSpan.FromHours(1), 25_000), runs); // compiles what is timed
            ours = await FillAsync(log, new MadeUpEvents(2, Now, 25_000), runs);
        }
        double bytes = (double)BytesOf(folder, "log.db") / (2 * runs), naiveBytes = (double)BytesOf(folder, "naive.db") / runs;
        return
        [
            new Figure("store-append", ours.PerSecond, "events/s", 150_000, AtLeast: true, Naive, naive.PerSecond),
            new Figure("store-append-cpu", ours.CpuMicros, "µs CPU/event", 8, AtLeast: false, Naive, naive.CpuMicros),
            new Figure("store-append-share", ours.CpuMicros / naive.CpuMicros, "of naive", 1 / 3.0, AtLeast: false),
            new Figure("store-bytes", bytes, "bytes/run", 200, AtLeast: false, Naive, naiveBytes),
        ];
    }

    /// <summary>
    /// Row <c>store-large</c>: 1 and 10 million runs over 30 days (a hundredth of it with --small), then the same appends to both, and to two of the naive
    /// design, by turns. The questions are asked of the smaller naive one.
    /// </summary>
    public static async Task<IReadOnlyList<Figure>> LargeAsync(bool small)
    {
        int million = small ? 10_000 : 1_000_000, appended = small ? 5_000 : 50_000, turns = small ? 2 : 16; // even: the caches of who comes first are those of another
        using var folder = new TempFolder();
        await using RunLog one = await OpenAsync(folder.File("one.db")), ten = await OpenAsync(folder.File("ten.db"));
        var history = new MadeUpEvents(3, Now - TimeSpan.FromDays(30), 10.0 * million / TimeSpan.FromDays(30).TotalSeconds);
        await FillAsync(one, new MadeUpEvents(4, Now - TimeSpan.FromDays(30), million / TimeSpan.FromDays(30).TotalSeconds), million);
        await FillAsync(ten, history, 10 * million);
        using NaiveLog naive = new(folder.File("naive.db")), naiveTen = new(folder.File("naive-ten.db"));
        naiveTen.FillAtOnce(10 * million, Now);
        var naiveHistory = new MadeUpEvents(4, Now - TimeSpan.FromDays(30), million / TimeSpan.FromDays(30).TotalSeconds);
        FillNaively(naive, naiveHistory, million);
        var spent = new Dictionary<object, List<double>> { [one] = [], [ten] = [], [naive] = [], [naiveTen] = [] };
        for (int turn = 0; turn <= turns; turn++) // the first brings back what the system took from memory while the others were filled, and does not count
        {
            foreach (RunLog log in turn % 2 == 0 ? new[] { one, ten } : [ten, one])
            {
                spent[log].Add(await TurnAsync(log, new MadeUpEvents(10 + turn, Now, 25_000), appended));
            }
            foreach (NaiveLog log in turn % 2 == 0 ? new[] { naive, naiveTen } : [naiveTen, naive])
            {
                spent[log].Add(FillNaively(log, new MadeUpEvents(10 + turn, Now, 25_000), appended).CpuMicros);
            }
        }
        spent.Values.ToList().ForEach(each => each.RemoveAt(0));
        List<Figure> answers = [.. await QuestionsAsync(ten.Queries, history.Sample, naive, naiveHistory.Sample)];
        await ten.DisposeAsync();
        long begin = Stopwatch.GetTimestamp();
        await using RunLog again = await OpenAsync(folder.File("ten.db"));
        double start = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        return
        [
            new Figure("store-large", Share(spent[one], spent[ten]), "of 1M's speed", 0.9, AtLeast: true, Naive, Share(spent[naive], spent[naiveTen])),
            new Figure("store-large-cpu", Median(spent[ten]), "µs CPU/event", 8, AtLeast: false, Naive, Median(spent[naiveTen])),
            new Figure("store-large-start", start, "s", 15, AtLeast: false),
            .. answers,
        ];
    }

    /// <summary>CPU per event of a turn, with what it leaves to be done: the last checkpoint goes on behind it, and would be paid by whose turn is next.</summary>
    static async Task<double> TurnAsync(RunLog log, MadeUpEvents events, int runs)
    {
        GC.Collect(); // of both logs together: in a turn it would be paid by whose turn it is
        Spent spent = await FillAsync(log, events, runs);
        var behind = Watch.Start();
        await Task.Delay(Settling);
        return (spent + behind.Stop(0)).CpuMicros;
    }

    /// <summary>Of the speed of one the other has so much: turn by turn, because the machine is another in each.</summary>
    static double Share(List<double> one, List<double> other) => Median([.. one.Zip(other, (a, b) => a / b)]);

    static async Task<IEnumerable<Figure>> QuestionsAsync(RunQueries queries, List<string> ids, NaiveLog naive, List<string> naiveIds)
    {
        Task Page(RunFilter filter) => queries.PageAsync(filter, 50, null, Patience, CancellationToken.None);
        int next = 0;
        return
        [
            await BesideAsync("store-newest", 1, () => Page(new RunFilter()), () => naive.Page("1")),
            await BesideAsync(
                "store-by-id", 6, () => queries.FindAsync(ids[(next += 7919) % ids.Count], null, CancellationToken.None),
                () => naive.Page("id = ?", naiveIds[(next += 7919) % naiveIds.Count])),
            await BesideAsync(
                "store-by-id-unknown", 6, () => queries.FindAsync(Guid.NewGuid().ToString(), null, CancellationToken.None),
                () => naive.Page("id = ?", Guid.NewGuid().ToString())),
            await BesideAsync(
                "store-task-failed", 5, () => Page(new RunFilter { Tasks = ["shop.tasks.job_007"], States = [RunState.Failed] }),
                () => naive.Page("name = 'shop.tasks.job_007' AND state = 'FAILURE'")),
            await BesideAsync("store-failed", 5, () => Page(new RunFilter { States = [RunState.Failed] }), () => naive.Page("state = 'FAILURE'")),
            await BesideAsync(
                "store-rare", 100, () => Page(new RunFilter { Workers = ["w3@lab"], States = [RunState.Failed] }),
                () => naive.Page("worker = 'w3@lab' AND state = 'FAILURE'")),
            await BesideAsync(
                "store-text-nowhere", 10_000, () => Page(new RunFilter { Text = "nowhere-to-be-found" }), () => naive.Page(NaiveLog.Anywhere, "%nowhere-to-be-found%"),
                times: 1),
            await TimeAsync("store-figures-30d", 30, () => queries.FiguresAsync(Now - TimeSpan.FromDays(30), Now, [], CancellationToken.None)),
        ];
    }

    /// <summary>The same question to both.</summary>
    static async Task<Figure> BesideAsync(string row, double goal, Func<Task> ask, Action askNaive, int times = 21)
    {
        Figure ours = await TimeAsync(row, goal, ask, times);
        Figure peer = await TimeAsync(row, goal, () => Task.Run(askNaive), times);
        return ours with { Peer = SmallerNaive, PeerValue = peer.Value };
    }

    internal static async Task<Figure> TimeAsync(string row, double goal, Func<Task> ask, int times = 21)
    {
        var taken = new List<double>();
        for (int i = 0; i < times; i++)
        {
            long begin = Stopwatch.GetTimestamp();
            await ask();
            taken.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        }
        return new Figure(row, Median(taken), "ms", goal, AtLeast: false);
    }

    static Spent AppendNaively(string file, MadeUpEvents events, int runs)
    {
        using var log = new NaiveLog(file);
        return FillNaively(log, events, runs);
    }

    static Spent FillNaively(NaiveLog log, MadeUpEvents events, int runs)
    {
        var spent = new Spent(0, 0, 0);
        for (int done = 0; done < runs; done += GroupOfRuns)
        {
            List<TaskEvent> group = events.Next(GroupOfRuns);
            var watch = Watch.Start();
            log.Append(group);
            spent += watch.Stop(group.Count);
        }
        return spent;
    }

    /// <summary>Appends runs in groups, and tells what that took; making the events is not counted.</summary>
    internal static async Task<Spent> FillAsync(RunLog log, MadeUpEvents events, int runs)
    {
        var spent = new Spent(0, 0, 0);
        for (int done = 0; done < runs; done += GroupOfRuns)
        {
            List<TaskEvent> group = events.Next(Math.Min(GroupOfRuns, runs - done));
            var watch = Watch.Start();
            await log.AppendAsync(group, CancellationToken.None);
            spent += watch.Stop(group.Count);
        }
        return spent;
    }

    internal static Task<RunLog> OpenAsync(string file) => RunLog.OpenAsync(
        StoreUrl.Parse($"sqlite://{file}"), new RunLogOptions { GroupWait = TimeSpan.Zero }, TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);

    internal static long BytesOf(TempFolder folder, string name) => new DirectoryInfo(folder.Path).EnumerateFiles(name + "*").Sum(file => file.Length);

    static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    static Instant Now => Instant.Now(TimeProvider.System);
}
