using Belfry.Testing;

namespace Belfry.Tests.Conditions;

/// <summary>Cron expressions against a walk through the minutes, and what they refuse.</summary>
public sealed class CronTests
{
    [Fact]
    [Trait("row", "27")]
    public void An_expression_matches_the_minutes_that_a_walk_finds_also_where_the_clock_changes()
    {
        string[] zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "Africa/Casablanca", "America/Santiago", "Asia/Kathmandu"];
        for (int seed = 0; seed < Soak.Count(60, 3000); seed++)
        {
            var random = new Random(seed);
            var cron = new RandomCron(random);
            if (TryParse(cron.Text) is not { } expression)
            {
                continue;
            }
            var zone = TimeZoneInfo.FindSystemTimeZoneById(zones[random.Next(zones.Length)]);
            Instant[] changes = [.. Walls.Changes(zone, 2024, 2026)];
            Instant from = changes.Length == 0 ? Day(2025, random.Next(1, 13)) : changes[random.Next(changes.Length)] - TimeSpan.FromDays(random.Next(1, 4));
            Instant to = from + TimeSpan.FromDays(6);
            Instant[] expected = [.. cron.IsEveryHour ? Walls.Shown(from, to, zone, cron.Matches) : Walls.Firsts(from, to, zone, cron.Matches)];
            Assert.True(expected.SequenceEqual(Forward(expression, zone, from, to)), $"seed {seed}: {cron.Text} in {zone.Id} from {from}");
            Assert.True(expected.SequenceEqual(Backward(expression, zone, from, to).Reverse()), $"seed {seed}: {cron.Text} in {zone.Id} back from {to}");
            for (Instant at = from + TimeSpan.FromSeconds(random.Next(3600)); at < to; at += TimeSpan.FromSeconds(random.Next(1, 7200)))
            {
                // Also from instants that are no match, as in the hour that comes again.
                Instant? next = expected.Where(match => match > at).Cast<Instant?>().FirstOrDefault();
                Instant? previous = expected.Where(match => match <= at).Cast<Instant?>().LastOrDefault();
                Assert.True(next is null || next == expression.Next(at, zone), $"seed {seed}: {cron.Text} in {zone.Id} after {at}");
                Assert.True(previous is null || previous == expression.Previous(at, zone), $"seed {seed}: {cron.Text} in {zone.Id} up to {at}");
            }
        }
    }

    [Fact]
    [Trait("row", "27")]
    public void An_expression_matches_the_days_that_a_walk_through_years_finds()
    {
        for (int seed = 0; seed < Soak.Count(200, 5000); seed++)
        {
            var cron = new RandomCron(new Random(seed));
            if (TryParse(cron.Text) is not { } expression)
            {
                Assert.DoesNotContain(Enumerable.Range(0, 28 * 366), n => cron.MatchesDay(new DateTime(2020, 1, 1).AddDays(n)));
                continue;
            }
            DateOnly? after = new DateOnly(2023, 12, 31);
            for (int n = 0; n < 12; n++)
            {
                Instant midnight = Instant.From(new DateTimeOffset(after.Value.AddDays(1), default, TimeSpan.Zero)) - TimeSpan.FromMicroseconds(1);
                DateOnly? next = expression.Next(midnight, TimeZoneInfo.Utc) is { } at ? DateOnly.FromDateTime(at.ToDateTimeOffset().Date) : null;
                DateOnly? expected = Enumerable.Range(1, 3653).Select(day => after.Value.AddDays(day)).Cast<DateOnly?>().FirstOrDefault(day => cron.MatchesDay(day!.Value.ToDateTime(default)));
                Assert.True(next == expected, $"seed {seed}: {cron.Text} after {after}: {next}, not {expected}");
                if (next is null)
                {
                    break;
                }
                after = next;
            }
        }
    }

    [Theory]
    [InlineData("@hourly", "0 * * * *")]
    [InlineData("@Daily", "0 0 * * *")]
    [InlineData("@weekly", "0 0 * * 0")]
    [InlineData("@yearly", "0 0 1 1 *")]
    [InlineData("0  9 * * mon-fri", "0 9 * * MON-FRI")]
    public void An_expression_prints_in_one_form(string text, string printed)
    {
        Assert.Equal(printed, CronExpression.Parse(text).ToString());
        Assert.Equal(CronExpression.Parse(printed), CronExpression.Parse(text));
    }

    [Theory]
    [InlineData("0 7 * * 0", "0 7 * * 7")]
    [InlineData("0 7 * * SAT-SUN", "0 7 * * 6,7")]
    [InlineData("0 22-2 * * *", "0 0,1,2,22,23 * * *")]
    [InlineData("0 7 * * FRI-MON", "0 7 * * 5,6,0,1")]
    [InlineData("0 7 ? * MON", "0 7 * * 1")]
    [InlineData("0 0 7 * * *", "0 7 * * *")]
    public void Two_ways_to_write_it_match_alike(string one, string other)
    {
        Instant at = Day(2025, 1);
        for (int n = 0; n < 50; n++)
        {
            Instant next = CronExpression.Parse(one).Next(at, TimeZoneInfo.Utc)!.Value;
            Assert.Equal(CronExpression.Parse(other).Next(at, TimeZoneInfo.Utc), next);
            at = next;
        }
    }

    [Fact]
    public void With_six_fields_the_first_is_the_second()
    {
        CronExpression expression = CronExpression.Parse("*/20 30 9 * * *");
        Instant at = Instant.From(new DateTimeOffset(2025, 6, 3, 9, 30, 0, TimeSpan.Zero));
        Assert.Equal(at + TimeSpan.FromSeconds(20), expression.Next(at, TimeZoneInfo.Utc));
        Assert.Equal(at + TimeSpan.FromDays(1), expression.Next(at + TimeSpan.FromSeconds(40), TimeZoneInfo.Utc));
        Assert.Equal(at + TimeSpan.FromSeconds(40), expression.Previous(at + TimeSpan.FromHours(3), TimeZoneInfo.Utc));
        Assert.Equal(TimeSpan.FromSeconds(1), expression.Unit);
    }

    [Theory]
    [InlineData("0 0 30 2 *", 4, "no month that it names has a day '30'")]
    [InlineData("0 0 31 4,6,9,11 *", 4, "never match")]
    [InlineData("0 0 31W 4 *", 4, "never match")]
    [InlineData("60 * * * *", 0, "'60' is no minute; it is 0 to 59")]
    [InlineData("0 5/15 * * *", 2, "write 5-23/15")]
    [InlineData("0 0 * JAN-FOO *", 10, "'FOO' is no month; it is 1 to 12, or JAN to DEC")]
    [InlineData("*/0 * * * *", 2, "'0' is no step")]
    [InlineData("*/90 * * * *", 2, "'90' is no step")]
    [InlineData("0 0 * * 8", 8, "it is 0 to 7")]
    [InlineData("0 0 * * FRI#6", 12, "1 to 5 of a weekday")]
    [InlineData("0 0 1,,2 * *", 6, "'' is no day of the month")]
    [InlineData("0 0 * *", 7, "has 5 fields, or 6 with seconds, not 4")]
    [InlineData("0 0 * * * * *", 12, "not 7")]
    [InlineData("", 0, "not 0")]
    [InlineData("@reboot", 0, "unknown '@reboot'; known are @yearly")]
    [InlineData("0 0 1-2-3 * *", 4, "'1-2-3' is no day of the month")]
    [InlineData("-1 0 * * *", 0, "'' is no minute")]
    [Trait("row", "27")]
    public void What_is_not_understood_or_can_never_match_is_refused_with_its_place(string text, int position, string what)
    {
        var mistake = Assert.Throws<ConditionException>(() => CronExpression.Parse(text));
        Assert.Contains(what, mistake.Message, StringComparison.Ordinal);
        Assert.Equal(position, mistake.Position);
    }

    [Theory]
    [InlineData("30 1 * * *", "2025-11-02T05:29:00Z", "2025-11-01T05:30:00Z", "2025-11-02T05:30:00Z")]
    [InlineData("30 1 * * *", "2025-11-02T05:59:00Z", "2025-11-02T05:30:00Z", "2025-11-03T06:30:00Z")]
    [InlineData("30 1 * * *", "2025-11-02T06:10:00Z", "2025-11-02T05:30:00Z", "2025-11-03T06:30:00Z")] // the wall shows 01:10 again
    [InlineData("30 1 * * *", "2025-11-02T06:40:00Z", "2025-11-02T05:30:00Z", "2025-11-03T06:30:00Z")]
    [InlineData("30 * * * *", "2025-11-02T06:10:00Z", "2025-11-02T05:30:00Z", "2025-11-02T06:30:00Z")]
    [InlineData("30 2 * * *", "2025-03-09T06:59:00Z", "2025-03-08T07:30:00Z", "2025-03-09T07:00:00Z")]
    [InlineData("*/20 2,3 * * *", "2025-03-09T07:00:00Z", "2025-03-09T07:00:00Z", "2025-03-09T07:20:00Z")]
    [InlineData("30 * * * *", "2025-03-09T07:10:00Z", "2025-03-09T06:30:00Z", "2025-03-09T07:30:00Z")]
    public void In_the_hour_that_comes_again_or_not_at_all_the_matches_around_an_instant_are_known(string text, string at, string previous, string next)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById("America/New_York");
        CronExpression expression = CronExpression.Parse(text);
        Assert.True(Instant.TryParse(at, out Instant now));
        Assert.True(Instant.TryParse(previous, out Instant before) & Instant.TryParse(next, out Instant after));
        Assert.Equal((before, after), (expression.Previous(now, zone)!.Value, expression.Next(now, zone)!.Value));
    }

    [Fact]
    public void A_match_further_off_than_ten_years_is_none()
    {
        CronExpression fifthMondayOfFebruary = CronExpression.Parse("0 0 * 2 MON#5");
        Assert.Null(fifthMondayOfFebruary.Next(Day(2025, 1), TimeZoneInfo.Utc));
        Assert.Equal(Instant.From(new DateTimeOffset(2044, 2, 29, 0, 0, 0, TimeSpan.Zero)), fifthMondayOfFebruary.Next(Day(2040, 1), TimeZoneInfo.Utc));
    }

    static CronExpression? TryParse(string text)
    {
        try
        {
            return CronExpression.Parse(text);
        }
        catch (ConditionException mistake) when (mistake.Message.Contains("never match", StringComparison.Ordinal))
        {
            return null;
        }
    }

    static IEnumerable<Instant> Forward(CronExpression expression, TimeZoneInfo zone, Instant from, Instant to)
    {
        Instant? at = expression.Next(from - TimeSpan.FromMicroseconds(1), zone);
        for (; at < to; at = expression.Next(at.Value, zone))
        {
            yield return at.Value;
        }
    }

    static IEnumerable<Instant> Backward(CronExpression expression, TimeZoneInfo zone, Instant from, Instant to)
    {
        Instant? at = expression.Previous(to - TimeSpan.FromMicroseconds(1), zone);
        for (; at >= from; at = expression.Previous(at.Value - TimeSpan.FromMicroseconds(1), zone))
        {
            yield return at.Value;
        }
    }

    static Instant Day(int year, int month) => Instant.From(new DateTimeOffset(year, month, 1, 0, 0, 0, TimeSpan.Zero));
}
