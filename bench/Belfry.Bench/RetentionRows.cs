using System.Diagnostics;
using Belfry.Storage;
using Belfry.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Bench;

/// <summary>One day of thirty is deleted while events flow, beside a plain DELETE in the naive design.</summary>
static class RetentionRows
{
    const int Days = 30, GroupOfRuns = 2500, FlowingRuns = 250;
    const string Naive = "naive DELETE";

    /// <summary>Row <c>retention-day</c>: a million runs over 30 days (50,000 with --small), of which the oldest day goes.</summary>
    public static async Task<IReadOnlyList<Figure>> DayAsync(bool small)
    {
        int runs = small ? 50_000 : 1_000_000;
        using var folder = new TempFolder();
        Instant now = Instant.Now(TimeProvider.System), first = now - TimeSpan.FromDays(Days);
        MadeUpEvents History() => new(5, first, runs / TimeSpan.FromDays(Days).TotalSeconds);
        double naive = DeleteNaively(folder.File("naive.db"), History(), runs, first + TimeSpan.FromDays(1));

        await using RunLog log = await RunLog.OpenAsync(
            StoreUrl.Parse($"sqlite://{folder.File("log.db")}"), new RunLogOptions { GroupWait = TimeSpan.FromMilliseconds(20) }, TimeProvider.System,
            NullLoggerFactory.Instance, CancellationToken.None);
        MadeUpEvents history = History();
        for (int done = 0; done < runs; done += GroupOfRuns)
        {
            await log.AppendAsync(history.Next(GroupOfRuns), CancellationToken.None);
        }
        using var over = new CancellationTokenSource();
        Task<double> flowing = FlowAsync(log, new MadeUpEvents(6, now, 25_000), over.Token);
        var policy = new RetentionPolicy { Age = TimeSpan.FromDays(Days - 1), FailureAge = TimeSpan.FromDays(Days - 1) };
        var watch = Watch.Start();
        RetentionResult result = await log.RetainAsync(policy, CancellationToken.None);
        Spent spent = watch.Stop((int)result.Deleted);
        await over.CancelAsync();
        double pause = await flowing;
        return
        [
            new Figure("retention-day", spent.Seconds, "s", 10, AtLeast: false, Naive, naive),
            new Figure("retention-day-cpu", spent.CpuMicros, "µs CPU/run", 100, AtLeast: false),
            new Figure("retention-day-runs", result.Deleted, "runs", 0.9 * runs / Days, AtLeast: true),
            new Figure("retention-day-pause", pause * 1000, "ms longest", 250, AtLeast: false, Naive, naive * 1000),
        ];
    }

    /// <summary>Appends small groups one after the other, about 5,000 events a second; the longest that one had to wait, in seconds.</summary>
    static async Task<double> FlowAsync(RunLog log, MadeUpEvents events, CancellationToken over)
    {
        double longest = 0;
        while (!over.IsCancellationRequested)
        {
            List<TaskEvent> group = events.Next(FlowingRuns);
            long begin = Stopwatch.GetTimestamp();
            await log.AppendAsync(group, CancellationToken.None);
            longest = Math.Max(longest, Stopwatch.GetElapsedTime(begin).TotalSeconds);
            await Task.Delay(TimeSpan.FromMilliseconds(180), CancellationToken.None);
        }
        return longest;
    }

    /// <summary>Fills the naive design and deletes the day in one statement: so long nothing else is written.</summary>
    static double DeleteNaively(string file, MadeUpEvents events, int runs, Instant until)
    {
        using var log = new NaiveLog(file);
        for (int done = 0; done < runs; done += GroupOfRuns)
        {
            log.Append(events.Next(GroupOfRuns));
        }
        long begin = Stopwatch.GetTimestamp();
        log.Delete(until);
        return Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }
}
