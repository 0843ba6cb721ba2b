namespace Belfry.Tests.Conditions;

/// <summary>The clock on the wall, looked at minute by minute: the naive truth about clock changes.</summary>
static class Walls
{
    static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>All zones of the system.</summary>
    public static IReadOnlyList<TimeZoneInfo> Zones { get; } = [.. TimeZoneInfo.GetSystemTimeZones()];

    /// <summary>What the wall shows.</summary>
    public static DateTime At(Instant instant, TimeZoneInfo zone) =>
        DateTime.SpecifyKind(TimeZoneInfo.ConvertTime(instant.ToDateTimeOffset(), zone).DateTime, DateTimeKind.Unspecified);

    /// <summary>
    /// The instants, by the minute, at which a time that matches comes for the first time, or has been passed over: a wall that jumps ahead
    /// brings all the minutes between at once, one that goes back shows nothing new until it has caught up.
    /// </summary>
    public static IEnumerable<Instant> Firsts(Instant from, Instant to, TimeZoneInfo zone, Func<DateTime, bool> matches)
    {
        DateTime latest = DateTime.MinValue;
        for (Instant before = from - TimeSpan.FromDays(2); before < from; before += Minute)
        {
            latest = At(before, zone) is var wall && wall > latest ? wall : latest;
        }
        for (Instant at = from; at < to; at += Minute)
        {
            DateTime wall = At(at, zone);
            bool found = false;
            for (; latest < wall; latest += Minute)
            {
                found |= matches(latest + Minute);
            }
            if (found)
            {
                yield return at;
            }
        }
    }

    /// <summary>The instants, by the minute, at which the wall shows a time that matches.</summary>
    public static IEnumerable<Instant> Shown(Instant from, Instant to, TimeZoneInfo zone, Func<DateTime, bool> matches)
    {
        for (Instant at = from; at < to; at += Minute)
        {
            if (matches(At(at, zone)))
            {
                yield return at;
            }
        }
    }

    /// <summary>The first minutes after which the zone's offset is another, between two years.</summary>
    public static IEnumerable<Instant> Changes(TimeZoneInfo zone, int fromYear, int toYear)
    {
        var stride = TimeSpan.FromHours(6);
        var end = Instant.From(new DateTimeOffset(toYear, 1, 1, 0, 0, 0, TimeSpan.Zero));
        for (var at = Instant.From(new DateTimeOffset(fromYear, 1, 1, 0, 0, 0, TimeSpan.Zero)); at < end; at += stride)
        {
            if (Offset(at, zone) != Offset(at + stride, zone))
            {
                Instant change = at;
                while (Offset(change, zone) == Offset(at, zone))
                {
                    change += Minute;
                }
                yield return change;
            }
        }
    }

    static TimeSpan Offset(Instant at, TimeZoneInfo zone) => zone.GetUtcOffset(at.ToDateTimeOffset());
}
