namespace Belfry.Storage.Tests;

/// <summary>What is old or one too many goes; what stays for ever, what is refused, and what the figures keep.</summary>
public abstract class RetentionTests
{
    static readonly RetentionPolicy Usual = new() { Age = TimeSpan.FromDays(30), FailureAge = TimeSpan.FromDays(90) };
    readonly ManualClock _clock = new(new DateTimeOffset(2026, 6, 1, 12, 30, 0, TimeSpan.Zero));

    protected abstract Task<LogStore> NewStoreAsync();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(29, false, false, false, false)]
    [InlineData(31, false, false, false, true)]
    [InlineData(31, true, false, false, false)]
    [InlineData(91, true, false, false, true)]
    [InlineData(500, true, true, false, false)]
    [InlineData(1, false, false, true, true)]
    [InlineData(1, false, true, true, false)]
    public void What_may_go_is_decided_by_age_and_count_and_never_takes_the_last(int days, bool failure, bool last, bool beyondCount, bool goes) =>
        Assert.Equal(goes, Usual.MayGo(_clock.Now - TimeSpan.FromDays(days), failure, last, beyondCount, _clock.Now));

    [Fact]
    [Trait("row", "48")]
    public async Task Old_runs_go_and_failures_later_and_the_last_run_success_and_failure_of_each_task_and_source_and_all_open_runs_stay()
    {
        await using LogStore folder = await NewStoreAsync();
        await using RunLog log = await folder.OpenAsync(clock: _clock);
        await log.AppendAsync(
        [
            .. Run("a-old", "a", 120), .. Run("a-31", "a", 31), .. Run("a-29", "a", 29), .. Run("a-1", "a", 1),
            .. Run("a-failed-100", "a", 100, EventKind.Failed), .. Run("a-failed-99", "a", 99, EventKind.Failed), .. Run("a-failed-60", "a", 60, EventKind.Failed),
            .. Run("a-revoked-40", "a", 40, EventKind.Cancelled), .. Run("a-revoked-39", "a", 39, EventKind.Cancelled), .. Run("a-timeout-40", "a", 40, EventKind.Cancelled, reason: "timeout"),
            .. Run("b-200", "b", 200), .. Run("b-199", "b", 199), .. Run("b-there", "b", 198, source: "there"), .. Run("b-failed", "b", 300, EventKind.Failed),
            // It began last, and ended before the one that began earlier.
            .. Run("c-long", "c", 150, minutes: 90), .. Run("c-late", "c", 149.99),
            Event("open", "a", EventKind.Started, 400),
        ], Cancel);
        LogFigures before = await log.Queries.FiguresAsync(new Instant(0), _clock.Now, [], Cancel);
        RetentionPreview preview = await log.Queries.PreviewAsync(Usual, Cancel);
        RetentionResult result = await log.RetainAsync(Usual, Cancel);
        Assert.Equal(
            ["a-1", "a-29", "a-failed-60", "a-revoked-39", "a-timeout-40", "b-199", "b-failed", "b-there", "c-late", "c-long", "open"], await IdsAsync(log));
        Assert.Equal(6, result.Deleted);
        Assert.Equal(6, preview.Runs);
        Assert.InRange(preview.Bytes, 6 * 125, 6 * 600);
        LogFigures after = await log.Queries.FiguresAsync(new Instant(0), _clock.Now, [], Cancel);
        Assert.Equal(before.States.OrderBy(state => state.Key), after.States.OrderBy(state => state.Key));
        Assert.Equal(before.Tasks, after.Tasks);
        Assert.Equal("a-failed-60", (await log.Queries.LastEndAsync("a", null, [RunState.Failed], Cancel))!.Id);
        Assert.Equal(new RetentionResult(0, 0, 0, 0), await log.RetainAsync(Usual, Cancel));
    }

    [Fact]
    public async Task Reasons_of_refusals_are_told_apart_up_to_a_number_and_go_when_they_do_not_come_again()
    {
        await using LogStore folder = await NewStoreAsync();
        await using RunLog log = await folder.OpenAsync(clock: _clock);
        await RefuseAsync(log, "known", 5);
        for (int commit = 0; commit < 4; commit++)
        {
            for (int number = 0; number < 400; number++)
            {
                log.Refuse("there", $"unknown kind {commit}-{number}");
            }
            log.Refuse("elsewhere", "one of its own");
            await RefuseAsync(log, "known", 1);
        }
        Dictionary<string, long> there = await CountedAsync();
        Assert.Equal((1001, 9, 1600), (there.Count, there["known"], there.Where(one => one.Key != "known").Sum(one => one.Value)));
        _clock.Advance(TimeSpan.FromDays(91));
        await RefuseAsync(log, "known", 1);
        await log.RetainAsync(Usual, Cancel);
        Assert.Equal([KeyValuePair.Create("known", 10L)], await CountedAsync());

        async Task<Dictionary<string, long>> CountedAsync() =>
            (await log.Queries.RefusalsAsync(Cancel)).Where(refusal => refusal.Source == "there").ToDictionary(refusal => refusal.What, refusal => refusal.Times);
    }

    async Task RefuseAsync(RunLog log, string what, int times)
    {
        log.Refuse("there", what, times);
        await log.AppendAsync([Event($"{Guid.NewGuid()}", "a", EventKind.Started, 0)], Cancel); // the commit that takes it along
    }

    [Fact]
    [Trait("row", "48")]
    public async Task Of_each_task_and_source_the_newest_stay_up_to_a_count_however_young()
    {
        await using LogStore folder = await NewStoreAsync();
        await using RunLog log = await folder.OpenAsync(clock: _clock);
        await log.AppendAsync(
        [
            .. Enumerable.Range(1, 10).SelectMany(n => Run($"a-{n}", "a", n)), .. Enumerable.Range(1, 3).SelectMany(n => Run($"there-{n}", "a", n, source: "there")),
            .. Run("a-failed", "a", 9.5, EventKind.Failed), .. Enumerable.Range(1, 3).SelectMany(n => Run($"b-{n}", "b", n)),
        ], Cancel);
        RetentionPolicy policy = new() { Age = TimeSpan.FromDays(8), Count = 3 };
        Assert.Equal(7, (await log.Queries.PreviewAsync(policy, Cancel)).Runs);
        Assert.Equal(7, (await log.RetainAsync(policy, Cancel)).Deleted);
        Assert.Equal(["a-1", "a-2", "a-3", "a-failed", "b-1", "b-2", "b-3", "there-1", "there-2", "there-3"], await IdsAsync(log));
    }

    [Fact]
    [Trait("row", "107")]
    public async Task Tens_of_thousands_go_in_pieces_while_events_are_stored_and_their_keys_go_with_them()
    {
        const int runs = 70_000; // a written segment of 40,000 keys and a tail
        int left;
        await using LogStore folder = await NewStoreAsync();
        await using (RunLog log = await folder.OpenAsync(clock: _clock))
        {
            foreach (int[] chunk in Enumerable.Range(0, runs).Chunk(10_000))
            {
                await log.AppendAsync([.. chunk.Select(n => Event(Id(n), "t", EventKind.Succeeded, 0) with { At = _clock.Now + TimeSpan.FromMilliseconds(n) })], Cancel);
            }
            _clock.Advance(TimeSpan.FromDays(31));
            Task<RetentionResult> retention = log.RetainAsync(Usual, Cancel);
            for (int n = 0; n < 50; n++)
            {
                await log.AppendAsync([Event($"meanwhile-{n}", "t", EventKind.Succeeded, 0)], Cancel);
            }
            RetentionResult result = await retention;
            Assert.InRange(result.Deleted, runs - 1, runs); // the last of them goes only when a newer one was stored in time
            Assert.True(result.Keys > 0);
            left = runs - (int)result.Deleted + 50;
        }
        await using (RunLog log = await folder.OpenAsync(options => options.Retention = Usual, _clock))
        {
            Assert.Equal(left, (await log.Queries.CountAsync(new RunFilter(), 1000, null, Cancel)).Runs);
            Assert.Empty(await log.Queries.FindAsync(Id(5), null, Cancel));
            Assert.Equal("meanwhile-3", (await log.Queries.FindAsync("meanwhile-3", null, Cancel)).Single().Id);
            await log.AppendAsync([Event(Id(5), "t", EventKind.Succeeded, 31)], Cancel);
            Assert.Equal(left, (await log.Queries.CountAsync(new RunFilter(), 1000, null, Cancel)).Runs);
        }
    }

    [Fact]
    public async Task An_event_older_than_the_retention_is_counted_and_not_stored()
    {
        await using LogStore folder = await NewStoreAsync();
        await using RunLog log = await folder.OpenAsync(options => options.Retention = Usual, _clock);
        await log.AppendAsync([.. Run("old", "t", 31), .. Run("failed", "t", 31, EventKind.Failed), .. Run("ancient", "t", 91, EventKind.Failed), .. Run("young", "t", 29)], Cancel);
        Assert.Equal(["failed", "young"], await IdsAsync(log));
        Refusal refusal = (await log.Queries.RefusalsAsync(Cancel)).Single();
        Assert.Equal(("event older than the retention", 4L), (refusal.What, refusal.Times));
        _clock.Advance(TimeSpan.FromDays(70));
        await log.AppendAsync([.. Run("failed", "t", 101, EventKind.Retried)], Cancel);
        Assert.Equal(RunState.Failed, (await log.Queries.FindAsync("failed", null, Cancel)).Single().State);
        Assert.Equal(6, (await log.Queries.RefusalsAsync(Cancel)).Single().Times);
    }

    [Fact]
    public async Task A_run_deleted_before_its_age_stays_deleted_when_its_events_come_again_and_returns_with_news()
    {
        await using LogStore folder = await NewStoreAsync();
        RetentionPolicy policy = Usual with { Count = 1 };
        await using (RunLog log = await folder.OpenAsync(options => options.Retention = policy, _clock))
        {
            await log.AppendAsync([.. Run("first", "t", 3), .. Run("second", "t", 2)], Cancel);
            Assert.Equal(1, (await log.RetainAsync(policy, Cancel)).Deleted);
        }
        await using (RunLog log = await folder.OpenAsync(options => options.Retention = policy, _clock))
        {
            await log.AppendAsync([.. Run("first", "t", 3)], Cancel);
            Assert.Equal(["second"], await IdsAsync(log));
            Assert.Equal("event of a deleted run", (await log.Queries.RefusalsAsync(Cancel)).Single().What);
            _clock.Advance(TimeSpan.FromHours(1));
            await log.AppendAsync([Event("first", "t", EventKind.Started, 0)], Cancel);
            Assert.Equal(["first", "second"], await IdsAsync(log));
        }
    }

    [Fact]
    public async Task Figures_by_the_minute_go_after_some_days_and_those_by_the_hour_stay()
    {
        await using LogStore folder = await NewStoreAsync();
        await using RunLog log = await folder.OpenAsync(clock: _clock);
        await log.AppendAsync([.. Enumerable.Range(0, 60).SelectMany(n => Run($"r-{n}", "t", 20 + (n / 1440.0)))], Cancel);
        Instant from = _clock.Now - TimeSpan.FromDays(20.1), to = _clock.Now - TimeSpan.FromDays(19.9);
        LogFigures before = await log.Queries.FiguresAsync(from, to, [], Cancel);
        Assert.Equal(60, before.BucketSeconds);
        Assert.True((await log.RetainAsync(Usual, Cancel)).Minutes >= 60);
        LogFigures after = await log.Queries.FiguresAsync(from, to, [], Cancel);
        Assert.Equal((3600, 60L), (after.BucketSeconds, after.Runs));
        Assert.Equal(before.P95Runtime, after.P95Runtime);
        await log.AppendAsync([.. Run("young", "t", 0.01)], Cancel);
        Assert.Equal(60, (await log.Queries.FiguresAsync(_clock.Now - TimeSpan.FromHours(1), _clock.Now, [], Cancel)).BucketSeconds);
    }

    async Task<List<string>> IdsAsync(RunLog log) =>
        [.. (await log.Queries.PageAsync(new RunFilter(), 1000, null, null, Cancel)).Items.Select(run => run.Id).Order(StringComparer.Ordinal)];

    TaskEvent[] Run(string id, string task, double daysAgo, EventKind end = EventKind.Succeeded, double minutes = 1, string source = "here", string? reason = null)
    {
        TaskEvent started = Event(id, task, EventKind.Started, daysAgo, source);
        return [started, started with { Kind = end, At = started.At + TimeSpan.FromMinutes(minutes), Reason = reason }];
    }

    TaskEvent Event(string id, string task, EventKind kind, double daysAgo, string source = "here") =>
        new() { Source = source, Id = id, Kind = kind, At = _clock.Now - TimeSpan.FromDays(daysAgo), Task = task };

    static string Id(int n)
    {
        var bytes = new byte[16];
        new Random(n).NextBytes(bytes);
        return new Guid(bytes).ToString();
    }
}
