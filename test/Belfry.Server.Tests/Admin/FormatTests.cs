using Belfry.Server.Admin;
using Belfry.Storage;

namespace Belfry.Server.Tests.Admin;

public sealed class FormatTests
{
    static readonly Instant Now = Instant.From(new DateTimeOffset(2026, 11, 20, 9, 42, 0, TimeSpan.Zero));
    static readonly SiteClock Clock = new(TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin"), Now);

    [Theory]
    [InlineData(null, "–")]
    [InlineData(double.NaN, "–")]
    [InlineData(-1.0, "0 ms")]
    [InlineData(0.0, "0 ms")]
    [InlineData(0.0001, "< 1 ms")]
    [InlineData(0.048, "48 ms")]
    [InlineData(0.9994, "999 ms")]
    [InlineData(0.9996, "1.00 s")]
    [InlineData(1.24, "1.24 s")]
    [InlineData(9.996, "10.0 s")]
    [InlineData(38.1, "38.1 s")]
    [InlineData(59.94, "59.9 s")]
    [InlineData(59.96, "1 min 00 s")]
    [InlineData(252.0, "4 min 12 s")]
    [InlineData(3599.6, "1 h 00 min")]
    [InlineData(7500.0, "2 h 05 min")]
    [InlineData(273_600.0, "3 d 04 h")]
    public void A_runtime_has_three_digits(double? seconds, string text) => Assert.Equal(text, Format.Runtime(seconds));

    [Theory]
    [InlineData(-7200, "12:42")]
    [InlineData(-1080, "in 18 min")]
    [InlineData(-100_000, "21 Nov 14:28")]
    [InlineData(0, "now")]
    [InlineData(27, "27 s")]
    [InlineData(59.9, "59 s")]
    [InlineData(240, "4 min")]
    [InlineData(3600 * 3, "3 h")]
    [InlineData(86_400 * 2, "2 d")]
    [InlineData(86_400 * 8, "12 Nov 10:42")]
    [InlineData(86_400 * 400, "16 Oct 2025")]
    public void An_age_is_as_coarse_as_it_is_old(double seconds, string text) => Assert.Equal(text, Clock.Age(Now - TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void An_exact_time_has_milliseconds_and_zone() =>
        Assert.Equal("2026-11-20 10:41:43.063 +01:00", Clock.Exact(Instant.From(new DateTimeOffset(2026, 11, 20, 9, 41, 43, 63, TimeSpan.Zero))));

    [Theory]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    public void An_instant_that_no_calendar_has_is_still_shown(long micros) => Assert.NotEmpty(Clock.Exact(new Instant(micros)) + Clock.Age(new Instant(micros)));

    [Theory]
    [InlineData("2026-11-20T10:00", "2026-11-20T09:00:00.000000Z")]
    [InlineData("2026-11-20T10:00:00Z", "2026-11-20T10:00:00.000000Z")]
    [InlineData("2026-03-29T02:30", "2026-03-29T01:30:00.000000Z")]
    [InlineData("yesterday", null)]
    public void A_time_without_a_zone_is_of_the_site(string text, string? instant) =>
        Assert.Equal(instant, Clock.TryRead(text, out Instant at) ? at.ToString() : null);

    [Theory]
    [InlineData(0, 10, "0 %")]
    [InlineData(1, 100_000, "< 0.1 %")]
    [InlineData(312, 1000, "31.2 %")]
    [InlineData(99_999, 100_000, "> 99.9 %")]
    [InlineData(7, 7, "100 %")]
    [InlineData(1, 0, "–")]
    public void A_share_is_never_rounded_to_all_or_nothing(double part, double whole, string text) => Assert.Equal(text, Format.Percent(part, whole));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "1.00 kB")]
    [InlineData(345_678_901, "346 MB")]
    [InlineData(88_888_888_888, "88.9 GB")]
    public void Bytes_have_three_digits(long bytes, string text) => Assert.Equal(text, Format.Bytes(bytes));

    [Fact]
    public void A_count_that_stopped_says_so() =>
        Assert.Equal(["128,402", "10,000+"], new[] { Format.Count(128_402), Format.Count(new RunCount(10_000, true)) });

    [Theory]
    [InlineData("gap.tasks.ingestor.run", "gap.tasks.ingestor.", "run", "ingestor.run")]
    [InlineData("refresh", "", "refresh", "refresh")]
    [InlineData("a.b", "a.", "b", "a.b")]
    [InlineData("odd.", "", "odd.", "odd.")]
    [InlineData("", "", "", "")]
    [InlineData(null, "", "–", "–")]
    public void A_tasks_name_is_cut_before_its_last_part(string? name, string prefix, string last, string words) =>
        Assert.Equal((prefix, last, words), (Format.TaskName(name).Prefix, Format.TaskName(name).Last, Format.ShortTask(name)));

    [Theory]
    [InlineData("celery@ingest-1", "ingest-1")]
    [InlineData("w1@lab", "w1@lab")]
    [InlineData(null, "–")]
    public void A_worker_goes_without_the_word_celery(string? worker, string text) => Assert.Equal(text, Format.Worker(worker));
}
