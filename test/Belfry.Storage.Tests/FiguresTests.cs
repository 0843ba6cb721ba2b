using Belfry.Testing;
using Belfry.Tests.Folding;

namespace Belfry.Storage.Tests;

/// <summary>Figures by minute, hour and day are those of the rows, however events came: on every engine.</summary>
public abstract class FiguresTests
{
    static readonly DateTimeOffset Begin = new(2026, 6, 1, 7, 20, 0, TimeSpan.Zero);
    static readonly Instant Midnight = Instant.From(new DateTimeOffset(2026, 6, 1, 0, 0, 0, TimeSpan.Zero));
    readonly ManualClock _clock = new(Begin + TimeSpan.FromDays(1));

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, Soak.Count(3, 100))];

    protected abstract Task<LogStore> NewStoreAsync();

    /// <summary>Deletes all runs, past everything that would notice.</summary>
    protected abstract string WithoutRuns { get; }

    [Theory]
    [MemberData(nameof(Seeds))]
    [Trait("row", "110")]
    public async Task Reports_of_any_span_by_any_subject_are_those_of_the_rows_after_late_events_skewed_clocks_and_restarts(int seed)
    {
        var random = new Random(seed);
        await using LogStore store = await NewStoreAsync();
        List<List<TaskEvent>> lives = [.. Enumerable.Range(0, 250).Select(n => Life(random, n))];
        RunLog log = await store.OpenAsync(clock: _clock);
        foreach ((List<TaskEvent> batch, Instant heard) in Batches(random, lives))
        {
            _clock.Advance(heard - _clock.Now - TimeSpan.FromMinutes(random.Next(-60, 300))); // so some of it is in the future
            await log.AppendAsync(batch, Cancel);
            if (random.Next(10) == 0)
            {
                await log.DisposeAsync();
                log = await store.OpenAsync(clock: _clock);
            }
        }
        TaskRun[] rows = [.. lives.SelectMany(Fold.Rows)];
        await using (log)
        {
            for (int n = 0; n < 30; n++)
            {
                await ReportIsThatOfAsync(rows, log.Queries, random);
            }
        }
        Assert.Equal(0, (await StoreUpkeep.CheckRollupsAsync(store.Url, Cancel)).Mended);
        await store.ExecuteAsync(WithoutRuns); // nor is one of them read
        using RunQueries queries = await RunQueries.OpenAsync(store.Url, _clock, Cancel);
        for (int n = 0; n < 10; n++)
        {
            await ReportIsThatOfAsync(rows, queries, random);
        }
    }

    [Fact]
    public async Task What_is_late_counts_in_days_whose_minutes_and_hours_are_gone_and_repair_leaves_it_so()
    {
        await using LogStore store = await NewStoreAsync();
        await using (RunLog log = await store.OpenAsync(clock: _clock))
        {
            var old = Instant.From(Begin);
            await log.AppendAsync([Ended("a", old), Ended("b", old + TimeSpan.FromDays(450))], Cancel);
            _clock.Advance(TimeSpan.FromDays(450));
            RetentionResult gone = await log.RetainAsync(RetentionPolicy.KeepAll, Cancel);
            Assert.True(gone is { Deleted: 0, Minutes: > 0, Hours: > 0 });
            await log.AppendAsync([Ended("c", old + TimeSpan.FromMinutes(1)), Ended("d", old + TimeSpan.FromDays(420))], Cancel);
            Assert.Equal(new RetentionResult(0, 0, 0, 0), await log.RetainAsync(RetentionPolicy.KeepAll, Cancel));
            LogReport ofDay = await log.Queries.ReportAsync(new ReportQuery { From = old, To = old + TimeSpan.FromHours(1), BarWidth = TimeSpan.FromMinutes(1) }, Cancel);
            Assert.Equal((2L, 86_400L, Midnight), (ofDay.Total.Runs.Completed, ofDay.BarSeconds, ofDay.From));
            LogReport ofHour = await log.Queries.ReportAsync(new ReportQuery { From = old + TimeSpan.FromDays(420), To = old + TimeSpan.FromDays(420.01), BarWidth = TimeSpan.FromMinutes(1) }, Cancel);
            Assert.Equal((1L, 3600L), (ofHour.Total.Runs.Completed, ofHour.BarSeconds));
            Assert.Equal(4, (await log.Queries.StatusAsync(Cancel)).EndedRuns);
        }
        RollupRepair repair = await StoreUpkeep.RepairRollupsAsync(store.Url, Cancel);
        Assert.Equal(0, repair.Mended);
        using RunQueries again = await RunQueries.OpenAsync(store.Url, _clock, Cancel);
        Assert.Equal(4, (await again.ReportAsync(new ReportQuery { From = new Instant(0), To = _clock.Now }, Cancel)).Total.Runs.Completed);
    }

    [Fact]
    public async Task A_history_that_is_told_backwards_or_in_large_pieces_is_added_up_all_the_same()
    {
        await using LogStore store = await NewStoreAsync();
        Instant now = _clock.Now;
        TaskEvent[] history = [.. Enumerable.Range(0, 5000).Select(n => Ended($"{n}", now - TimeSpan.FromMinutes(n)) with { Task = $"task-{n % 7}", Runtime = n })];
        await using (RunLog log = await store.OpenAsync(clock: _clock))
        {
            foreach (TaskEvent[] piece in history[..2500].Chunk(300))
            {
                await log.AppendAsync(piece, Cancel);
            }
            await log.AppendAsync([.. history[2500..].Reverse()], Cancel);
            LogReport report = await log.Queries.ReportAsync(new ReportQuery { From = now - TimeSpan.FromDays(30), To = now, BarWidth = TimeSpan.FromDays(1), BarsOfEach = true }, Cancel);
            Assert.Equal((5000L, 7, 5), (report.Total.Runs.Completed, report.Subjects.Count, report.Total.Bars.Count));
            Assert.Equal(5000, report.Subjects.Sum(subject => subject.Bars.Sum(bar => bar.Runs.Ended)));
            Assert.Equal((0.0, 4999.0, 2499.5), (report.Total.Runtime!.Shortest!.Value, report.Total.Runtime.Longest, report.Total.Runtime.Mean));
        }
        Assert.Equal(0, (await StoreUpkeep.CheckRollupsAsync(store.Url, Cancel)).Mended);
    }

    [Fact]
    public async Task Damaged_figures_are_found_and_mended_and_hours_that_lack_rows_are_named()
    {
        await using LogStore store = await NewStoreAsync();
        var policy = new RetentionPolicy { Age = TimeSpan.FromDays(30) };
        List<(long, long)> right;
        await using (RunLog log = await store.OpenAsync(clock: _clock))
        {
            await log.AppendAsync([.. Enumerable.Range(0, 300).Select(n => Ended($"{n}", _clock.Now - TimeSpan.FromHours(n / 5.0)))], Cancel);
            _clock.Advance(TimeSpan.FromDays(29));
            await log.AppendAsync([Ended("new", _clock.Now)], Cancel);
            Assert.True((await log.RetainAsync(policy, Cancel)).Deleted > 100);
            right = await DaysAsync(log);
        }
        Assert.Equal(0, (await StoreUpkeep.CheckRollupsAsync(store.Url, Cancel)).Mended);
        await store.ExecuteAsync("UPDATE day SET completed = completed + 5, hist = NULL; DELETE FROM hour WHERE cell >> 20 NOT IN (SELECT hour FROM lacking)");
        SchemaChange schema = await StoreUpkeep.MigrateAsync(store.Url, Cancel);
        Assert.Equal(schema.From, schema.To);
        RollupRepair seen = await StoreUpkeep.CheckRollupsAsync(store.Url, Cancel), repair = await StoreUpkeep.RepairRollupsAsync(store.Url, Cancel);
        Assert.True(repair.Mended > 10);
        Assert.Equal(repair.Mended, seen.Mended);
        Assert.NotEmpty(repair.LeftAlone);
        Assert.Equal(0, (await StoreUpkeep.CheckRollupsAsync(store.Url, Cancel)).Mended);
        await using RunLog again = await store.OpenAsync(clock: _clock);
        Assert.Equal(right, await DaysAsync(again));
    }

    [Theory]
    [InlineData(NameKind.Worker)]
    [InlineData(NameKind.App)]
    public async Task Figures_that_are_not_kept_task_by_task_are_refused_with_a_sentence(NameKind by)
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        var query = new ReportQuery { From = new Instant(0), To = _clock.Now, By = by, Tasks = ["t"] };
        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(() => log.Queries.ReportAsync(query, Cancel));
        Assert.Contains("task by task", refused.Message, StringComparison.Ordinal);
    }

    static TaskEvent Ended(string id, Instant at) =>
        new() { Source = "s", Id = id, Kind = EventKind.Succeeded, At = at, Task = "t", Runtime = 2 };

    async Task<List<(long, long)>> DaysAsync(RunLog log)
    {
        LogReport report = await log.Queries.ReportAsync(new ReportQuery { From = _clock.Now - TimeSpan.FromDays(60), To = _clock.Now, BarWidth = TimeSpan.FromDays(1) }, Cancel);
        return [.. report.Total.Bars.Select(bar => (bar.At.Micros, bar.Runs.Completed))];
    }

    /// <summary>A life within some days: a likely one, or one of the unlikely kind.</summary>
    protected static List<TaskEvent> Life(Random random, int n)
    {
        Instant at = Instant.From(Begin) + TimeSpan.FromSeconds(random.Next(5 * 86_400));
        if (n % 5 == 0)
        {
            List<TaskEvent> unlikely = Lives.Random(random, $"life-{n}");
            return unlikely.ConvertAll(item => item with { At = at + TimeSpan.FromSeconds((item.At.Micros - unlikely[0].At.Micros) * 40) });
        }
        var told = new TaskEvent { Source = $"cluster-{n % 2}", Id = $"life-{n}", Kind = EventKind.Submitted, At = at, Task = Tasks[random.Next(Tasks.Length)], Queue = random.Next(4) == 0 ? "slow" : "celery" };
        var worker = told with { Worker = $"w{random.Next(3)}", Queue = null, Task = null };
        Instant begin = at + TimeSpan.FromSeconds(Math.Exp(random.NextDouble() * 8) - 1);
        double runtime = Math.Exp((random.NextDouble() * 14) - 6);
        TaskEvent end = worker with { Kind = random.Next(4) == 0 ? EventKind.Failed : EventKind.Succeeded, At = begin + TimeSpan.FromSeconds(runtime), Runtime = runtime };
        return
        [
            told, worker with { Kind = EventKind.Received, At = at + TimeSpan.FromSeconds(0.1), Task = told.Task }, worker with { Kind = EventKind.Started, At = begin },
            .. random.Next(8) == 0 ? Array.Empty<TaskEvent>() : [end with { Exception = end.Kind == EventKind.Failed ? $"Error{random.Next(3)}('x')" : null }],
        ];
    }

    static readonly string[] Tasks = ["shop.tasks.import", "shop.tasks.mail", "report", "a.tasks.b.c", "mail.send"];

    /// <summary>All events about in order, some late by hours or days, some twice.</summary>
    protected static IEnumerable<(List<TaskEvent> Events, Instant Heard)> Batches(Random random, List<List<TaskEvent>> lives)
    {
        var told = lives.SelectMany(life => life).Select(item => (Item: item, Heard: item.At.Micros + (random.Next(6) == 0 ? random.NextInt64(2 * 86_400_000_000L) : random.Next(90_000_000)))).ToList();
        told.AddRange([.. told.Where(_ => random.Next(10) == 0)]);
        told.Sort((one, other) => one.Heard.CompareTo(other.Heard));
        for (int at = 0; at < told.Count;)
        {
            int size = Math.Min(random.Next(1, 60), told.Count - at);
            yield return ([.. told.GetRange(at, size).Select(one => one.Item)], new Instant(told[at + size - 1].Heard));
            at += size;
        }
    }

    static async Task ReportIsThatOfAsync(TaskRun[] rows, RunQueries queries, Random random)
    {
        bool filtered = random.Next(3) == 0;
        NameKind by = filtered ? Choose(random, NameKind.Task, NameKind.Exception, NameKind.Failure)
            : Choose(random, NameKind.Task, NameKind.App, NameKind.Worker, NameKind.Queue, NameKind.Source, NameKind.Exception, NameKind.Failure);
        int first = random.Next(-10, 130), last = first + (random.Next(2) == 0 ? random.Next(1, 6) : random.Next(1, 140));
        Instant from = Midnight + TimeSpan.FromHours(first), to = Midnight + TimeSpan.FromHours(last);
        var query = new ReportQuery
        {
            From = from, To = new Instant(to.Micros - 1), By = by, Tasks = filtered ? ["shop.*", "report"] : [],
            BarWidth = Choose<TimeSpan?>(random, null, TimeSpan.FromMinutes(5), TimeSpan.FromHours(1), TimeSpan.FromHours(6)), BarsOfEach = random.Next(2) == 0,
        };
        LogReport report = await queries.ReportAsync(query, Cancel);
        TaskRun[] wanted = [.. rows.Where(run => query.Wants(run.Task))];
        TaskRun[] ended = [.. wanted.Where(run => run.State.IsFinal() && run.Finished >= from && run.Finished < to)];
        Assert.Equal(wanted.Count(run => run.First >= from && run.First < to), report.Total.Runs.Submitted);
        SameFigures(ended, report.Total, durations: true);
        var groups = ended.Where(run => SubjectOf(run, by) is not null).GroupBy(run => SubjectOf(run, by)!).ToDictionary(group => group.Key, group => group.ToArray());
        Assert.Equal(groups.Keys.Order(StringComparer.Ordinal), report.Subjects.Where(subject => subject.Runs.Ended > 0).Select(subject => subject.Name).Order(StringComparer.Ordinal));
        foreach (SubjectFigures subject in report.Subjects.Where(subject => subject.Runs.Ended > 0))
        {
            SameFigures(groups[subject.Name], subject, durations: by is not (NameKind.Exception or NameKind.Failure));
            Assert.True(!query.BarsOfEach || query.BarWidth is null || subject.Bars.Sum(bar => bar.Runs.Ended) == subject.Runs.Ended);
        }
        Assert.Equal(query.BarWidth is null ? 0 : ended.Length, report.Total.Bars.Sum(bar => bar.Runs.Ended));
    }

    static void SameFigures(TaskRun[] ended, SubjectFigures figures, bool durations)
    {
        foreach (RunState state in RunStates.All)
        {
            Assert.Equal(ended.Count(run => run.State == state), figures.Runs[state]);
        }
        if (durations)
        {
            SameDurations([.. ended.Where(run => run.State is RunState.Completed or RunState.Failed).Select(run => run.Runtime).OfType<double>()], figures.Runtime);
            SameDurations([.. ended.Select(run => run.Waited).OfType<double>()], figures.Wait);
        }
    }

    static void SameDurations(double[] exact, DurationFigures? figures)
    {
        Assert.Equal(exact.Length, figures?.Runs ?? 0);
        if (figures is null)
        {
            return;
        }
        Array.Sort(exact);
        Assert.Equal(exact.Sum(), figures.Total, 0.001);
        Assert.True(figures.Longest >= exact[^1] - 1e-6);
        Assert.True(figures.Shortest is null || figures.Shortest <= exact[0] + 1e-6);
        foreach ((double share, double shown) in new[] { (0.5, figures.P50), (0.95, figures.P95), (0.99, figures.P99) })
        {
            double right = exact[Math.Max(0, (int)Math.Ceiling(share * exact.Length) - 1)];
            Assert.InRange(shown, (right * 0.98) - 1e-6, (right * 1.02) + 1e-6);
        }
    }

    static string? SubjectOf(TaskRun run, NameKind by) => by switch
    {
        NameKind.Task => run.Task,
        NameKind.App => run.App ?? AppNames.Of(run.Task),
        NameKind.Worker => run.Worker,
        NameKind.Queue => run.Queue,
        NameKind.Source => run.Source,
        NameKind.Exception => run.ExceptionClass,
        _ => run.ExceptionClass is { } thrown ? $"{thrown} {run.Task}" : null,
    };

    static T Choose<T>(Random random, params T[] all) => all[random.Next(all.Length)];
}

/// <summary>Figures on SQLite.</summary>
public sealed class SqliteFiguresTests : FiguresTests
{
    [Fact]
    public async Task Figures_of_an_older_schema_are_added_up_to_days_as_the_log_goes_on()
    {
        await using var folder = new LogFolder();
        using (Sqlite.Database database = Sqlite.Database.Open(folder.File, create: true))
        {
            foreach ((int number, string text) in SchemaScripts.Of("Sqlite").Take(5))
            {
                database.Execute($"{text}; PRAGMA user_version = {number}");
            }
            database.Execute("""
                WITH RECURSIVE h(i) AS (VALUES(490000) UNION ALL SELECT i + 1 FROM h WHERE i < 490071)
                INSERT INTO hour SELECT i << 20 | 1048575, 1, 1, 0, 0, 0, 0, 0, 1, 1000, 1000, x'6401' FROM h;
                INSERT INTO minute SELECT (cell >> 20) * 60 << 20 | 1048575, first, completed, failed, retried, cancelled, skipped, lost, timed, sum, max, hist FROM hour WHERE cell >> 20 > 490060
                """);
        }
        var begin = new Instant(490_000 * 3_600_000_000L);
        await using RunLog log = await folder.OpenAsync();
        var all = new ReportQuery { From = begin, To = begin + TimeSpan.FromDays(4) };
        for (int n = 0; n < 3; n++)
        {
            LogReport report = await log.Queries.ReportAsync(all, Cancel);
            Assert.Equal((72L + n, 72L), (report.Total.Runs.Completed, report.Total.Runtime!.Runs));
            await log.AppendAsync([new() { Source = "s", Id = $"{n}", Kind = EventKind.Succeeded, At = begin + TimeSpan.FromHours(71 + n), Task = "t" }], Cancel);
        }
        Assert.Equal(75, (await log.Queries.StatusAsync(Cancel)).EndedRuns);
    }

    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());

    protected override string WithoutRuns => "DELETE FROM run; DELETE FROM open";
}

/// <summary>Figures on PostgreSQL.</summary>
public sealed class PostgresFiguresTests(PostgresFixture postgres) : FiguresTests
{
    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Two_writers_of_different_times_and_of_the_same_runs_move_the_marks_and_miss_nothing(int seed)
    {
        var random = new Random(seed);
        await using LogStore store = await NewStoreAsync();
        List<List<TaskEvent>> lives = [.. Enumerable.Range(0, 200).Select(n => Life(random, n))];
        RunLog[] logs = [await store.OpenAsync(), await store.OpenAsync()];
        List<List<TaskEvent>> batches = [.. Batches(random, lives).Select(batch => batch.Events)];
        await Task.WhenAll(logs.Select(async (log, n) =>
        {
            // One tells all from its beginning, the other every second piece of it, beginning in the middle.
            IEnumerable<List<TaskEvent>> told = n == 0 ? batches : batches[(batches.Count / 2)..].Concat(batches).Where((_, i) => i % 2 == 0);
            foreach (List<TaskEvent> batch in told)
            {
                await log.AppendAsync(batch, Cancel);
            }
        }));
        LogReport report = await logs[1].Queries.ReportAsync(new ReportQuery { From = new Instant(0), To = Instant.Now(TimeProvider.System), By = NameKind.Source }, Cancel);
        Assert.Equal(lives.SelectMany(Fold.Rows).Count(run => run.State.IsFinal()), report.Total.Runs.Ended);
        Assert.Equal(report.Total.Runs.Ended, report.Subjects.Sum(source => source.Runs.Ended));
        foreach (RunLog log in logs)
        {
            await log.DisposeAsync();
        }
        Assert.Equal(0, (await StoreUpkeep.CheckRollupsAsync(store.Url, Cancel)).Mended);
    }

    protected override Task<LogStore> NewStoreAsync() => postgres.NewStoreAsync();

    protected override string WithoutRuns => "TRUNCATE run_done, run_kept, run_open";
}
