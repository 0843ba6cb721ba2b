namespace Belfry.Tests.Words;

public sealed class InstantTests
{
    [Theory]
    [InlineData(1795228936.3902175, 1795228936390218)]
    [InlineData(-5.5, -5500000)]
    [InlineData(double.NaN, 0)]
    [InlineData(double.PositiveInfinity, long.MaxValue)]
    [InlineData(4102444800, 4102444800000000)]
    public void Unix_seconds_are_rounded_to_the_nearest_microsecond(double seconds, long micros) => Assert.Equal(micros, Instant.FromUnixSeconds(seconds).Micros);

    [Theory]
    [InlineData("2026-11-21T10:00:00.100000Z", "2026-11-21T10:00:00.100000Z")]
    [InlineData("2026-11-21T12:00:00+02:00", "2026-11-21T10:00:00.000000Z")]
    [InlineData("2026-11-21 12:00:00 +02:00", "2026-11-21T10:00:00.000000Z")]
    [InlineData("2026-11-21", "2026-11-21T00:00:00.000000Z")]
    [InlineData("1795255200.5", "2026-11-21T10:00:00.500000Z")]
    public void Instants_are_read_with_their_zone_or_as_unix_seconds(string text, string expected)
    {
        Assert.True(Instant.TryParse(text, out Instant at));
        Assert.Equal(expected, at.ToString());
    }

    [Theory]
    [InlineData("2026-11-21T10:00:00")]
    [InlineData("2026-11-21 10:00:00")]
    [InlineData("10:00+02:00")]
    [InlineData("yesterday")]
    [InlineData("")]
    public void A_time_without_zone_is_refused(string text) => Assert.False(Instant.TryParse(text, out _));

    [Fact]
    public void Arithmetic_stops_at_the_ends_of_the_range()
    {
        Assert.Equal(long.MaxValue, (new Instant(long.MaxValue) + TimeSpan.FromDays(1)).Micros);
        Assert.Equal("9999-12-31T23:59:59.999000Z", new Instant(long.MaxValue).ToString());
        Assert.True(new Instant(long.MaxValue).Since(new Instant(long.MinValue)) > TimeSpan.FromDays(100));
    }
}
