using Belfry.Storage.Samples;

namespace Belfry.Storage.Tests;

/// <summary>What was measured, and how it thins out: on both engines.</summary>
public abstract class SampleTests
{
    static readonly TimeSpan TenSeconds = TimeSpan.FromSeconds(10), Minute = TimeSpan.FromMinutes(1), Five = TimeSpan.FromMinutes(5);
    readonly ManualClock _clock = new(new DateTimeOffset(2026, 6, 1, 12, 0, 0, TimeSpan.Zero));

    protected abstract Task<LogStore> NewStoreAsync();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_measured_is_read_in_stretches_and_a_stretch_without_a_sample_is_left_out()
    {
        await using LogStore store = await NewStoreAsync();
        await using (RunLog log = await store.OpenAsync(clock: _clock))
        {
            await log.SampleAsync([Length("mail", 0, 4), Length("mail", 10, 8), Length("mail", 130, 2.5), Length("other", 0, 99)], Cancel);
            await log.SampleAsync([Length("mail", 130, 7)], Cancel); // measured twice in one instant: the first stays
        }
        using RunQueries ask = await RunQueries.OpenAsync(store.Url, _clock, Cancel);
        Assert.Equal(
            [new SamplePoint(At(0), 6, 8), new SamplePoint(At(120), 2.5, 2.5)],
            await ask.SamplesAsync("shop", SampleKinds.QueueLength, "mail", At(0), At(1000), Minute, Cancel));
        Assert.Empty(await ask.SamplesAsync("shop", SampleKinds.QueueLength, "mail", At(131), At(1000), Minute, Cancel));
        Assert.Empty(await ask.SamplesAsync("elsewhere", SampleKinds.QueueLength, "mail", At(0), At(1000), Minute, Cancel));
    }

    [Fact]
    public async Task Of_a_series_the_latest_is_known_and_of_a_text_nothing_else()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync(clock: _clock);
        Sample first = new("shop", "version", "w1@host", At(0), null, "5.2"), last = first with { At = At(10), Text = "5.6 \u2603" };
        await log.SampleAsync([first, Length("mail", 0, 4)], Cancel);
        await log.SampleAsync([last, Length("mail", 10, 5)], Cancel);
        Assert.Equal([Length("mail", 10, 5), last], await log.Queries.LatestSamplesAsync(null, Cancel));
        Assert.Equal([last], await log.Queries.LatestSamplesAsync("version", Cancel));
        Assert.Empty(await log.Queries.SamplesAsync("shop", "version", "w1@host", At(-100), At(100), Minute, Cancel));
    }

    [Fact]
    public async Task What_a_worker_told_that_is_gone_goes_before_what_was_measured_of_queues()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync(clock: _clock);
        await log.SampleAsync([Length("mail", 0, 4), Fact("pod-1 feeds.up", 0), Fact("pod-2 feeds.up", 0)], Cancel);
        _clock.Advance(SampleThinning.GoneWorkersKept + Minute);
        await log.SampleAsync([Fact("pod-2 feeds.up", 14 * 86_400)], Cancel);
        await log.RetainAsync(RetentionPolicy.KeepAll, Cancel);
        Assert.Equal(["mail", "pod-2 feeds.up"], (await log.Queries.LatestSamplesAsync(null, Cancel)).Select(sample => sample.Subject).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Halves_of_characters_keep_no_text_from_being_stored()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync(clock: _clock);
        await log.SampleAsync([new Sample("shop", "version", "w1@host", At(0), null, "half \ud83d and \0")], Cancel);
        Assert.StartsWith("half \ufffd and ", Assert.Single(await log.Queries.LatestSamplesAsync(null, Cancel)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Samples_thin_out_as_they_age_and_keep_their_means_and_peaks()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync(clock: _clock);
        Instant begin = At(0);
        await log.SampleAsync([.. Enumerable.Range(0, 360).Select(n => Length("mail", n * 10, n % 6))], Cancel); // an hour
        Assert.Equal(0, (await log.RetainAsync(RetentionPolicy.KeepAll, Cancel)).Samples);

        _clock.Advance(SampleThinning.AllKept + TimeSpan.FromMinutes(30)); // half of them are two days old
        Assert.Equal(180 - 30, (await log.RetainAsync(RetentionPolicy.KeepAll, Cancel)).Samples);
        Assert.Equal(30 + 180, (await StretchesAsync(TenSeconds)).Count);
        Assert.All(await StretchesAsync(Minute), point => Assert.Equal((2.5, 5), (point.Average, point.Peak)));
        Assert.Equal(0, (await log.RetainAsync(RetentionPolicy.KeepAll, Cancel)).Samples);

        _clock.Advance(SampleThinning.MinutesKept);
        await log.RetainAsync(RetentionPolicy.KeepAll, Cancel);
        Assert.Equal(12, (await StretchesAsync(TenSeconds)).Count);
        Assert.All(await StretchesAsync(Five), point => Assert.Equal((2.5, 5), (point.Average, point.Peak)));
        Assert.Equal(60, (await StretchesAsync(Five))[11].At.Since(begin).TotalMinutes + 5);

        _clock.Advance(SampleThinning.FivesKept);
        Assert.Equal(12, (await log.RetainAsync(RetentionPolicy.KeepAll, Cancel)).Samples);
        Assert.Empty(await log.Queries.LatestSamplesAsync(null, Cancel));

        Task<IReadOnlyList<SamplePoint>> StretchesAsync(TimeSpan step) => log.Queries.SamplesAsync("shop", SampleKinds.QueueLength, "mail", begin, begin + TimeSpan.FromHours(1), step, Cancel);
    }

    [Fact]
    public async Task Only_so_many_series_have_room_fewer_of_workers_than_of_all_and_the_rest_is_counted()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync(clock: _clock);
        foreach (int[] some in Enumerable.Range(0, SampleTable.MostOfWorkers).Chunk(2000))
        {
            await log.SampleAsync([.. some.Select(n => Fact($"pod-{n} feeds.up", 0))], Cancel);
        }
        await log.SampleAsync([Fact("one more", 0)], Cancel);
        await log.SampleAsync([.. Enumerable.Range(SampleTable.MostOfWorkers, SampleTable.MostSeries - SampleTable.MostOfWorkers).Select(n => Length($"q{n}", 0, n))], Cancel);
        await log.SampleAsync([Length("one more", 0, 1), Fact("pod-7 feeds.up", 10)], Cancel);
        await log.AppendAsync([new TaskEvent { Source = "shop", Id = "1", Kind = EventKind.Started, At = At(0), Task = "t" }], Cancel); // refusals go with the next commit
        Assert.Equal(2, Assert.Single(await log.Queries.RefusalsAsync(Cancel)).Times);
        Assert.Equal(SampleTable.MostSeries, (await log.Queries.LatestSamplesAsync(null, Cancel)).Count);
    }

    Instant At(int seconds) => new Instant(1_780_315_200_000_000) + TimeSpan.FromSeconds(seconds); // 2026-06-01 12:00

    Sample Fact(string subject, int seconds) => new("shop", SampleKinds.WorkerFact, subject, At(seconds), 1);

    Sample Length(string queue, int seconds, double value) => new("shop", SampleKinds.QueueLength, queue, At(seconds), value);
}

/// <summary>Samples on SQLite.</summary>
public sealed class SqliteSampleTests : SampleTests
{
    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());
}

/// <summary>Samples on PostgreSQL.</summary>
public sealed class PostgresSampleTests(PostgresFixture postgres) : SampleTests
{
    protected override Task<LogStore> NewStoreAsync() => postgres.NewStoreAsync();
}
