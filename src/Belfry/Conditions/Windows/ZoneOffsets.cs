using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Belfry;

/// <summary>Between two changes of a zone's clock.</summary>
/// <param name="Begin">Its first instant, in microseconds since the epoch.</param>
/// <param name="End">The instant that ends it, not its own.</param>
/// <param name="Offset">What the wall shows beyond UTC, in microseconds.</param>
readonly record struct OffsetSpan(long Begin, long End, long Offset);

/// <summary>A zone's clock: which wall time is which instant. Asked of <see cref="TimeZoneInfo"/> once for each year, then remembered.</summary>
/// <remarks>
/// Only the offset at an instant is asked of it: what .NET says of times that do not exist or come twice depends on how the zone's rules are
/// written down. A span is cut at the turn of a year, which does no harm. The years kept end with the ten that a search may look ahead.
/// </remarks>
sealed class ZoneOffsets(TimeZoneInfo zone)
{
    /// <summary>Two changes within this time of each other would be overlooked; since 1970 there are none.</summary>
    const long Stride = 12 * Clock.Hour;

    /// <summary>Further apart than any two clocks.</summary>
    const long TwoDays = 2 * Clock.Day;

    static readonly ConditionalWeakTable<TimeZoneInfo, ZoneOffsets> Known = [];
    readonly ConcurrentDictionary<int, OffsetSpan[]> _years = new();

    public static ZoneOffsets Of(TimeZoneInfo zone) => Known.GetValue(zone, static known => new ZoneOffsets(known));

    /// <summary>The span in which an instant lies.</summary>
    public OffsetSpan At(Instant instant) => At(instant.Micros);

    public OffsetSpan At(long micros)
    {
        OffsetSpan[] spans = _years.GetOrAdd(new Instant(micros).ToDateTimeOffset().Year, Spans);
        int at = spans.Length - 1;
        while (at > 0 && spans[at].Begin > micros)
        {
            at--;
        }
        return spans[at];
    }

    /// <summary>What the wall shows at an instant.</summary>
    public long WallOf(Instant instant) => instant.Micros + At(instant).Offset;

    /// <summary>The first instant at which the wall shows this time, or, if it never does, has passed over it.</summary>
    public Instant First(long wall)
    {
        OffsetSpan span = At(wall - Clock.Day);
        while (wall >= span.End + span.Offset)
        {
            span = At(span.End);
        }
        return new Instant(Math.Max(span.Begin, wall - span.Offset));
    }

    /// <summary>The latest time that the wall has shown up to an instant: not that of now while an hour comes for the second time.</summary>
    public long LatestWallOf(Instant instant)
    {
        OffsetSpan span = At(instant);
        long latest = instant.Micros + span.Offset;
        for (long change = span.Begin; change > instant.Micros - TwoDays; change = span.Begin)
        {
            span = At(change - 1);
            latest = Math.Max(latest, change - 1 + span.Offset);
        }
        return latest;
    }

    OffsetSpan[] Spans(int year)
    {
        long begin = Clock.DayOf(year, 1) * Clock.Day;
        long end = year == 9999 ? long.MaxValue / 2 : Clock.DayOf(year + 1, 1) * Clock.Day;
        var spans = new List<OffsetSpan>(3);
        long offset = OffsetAt(begin), from = begin;
        for (long at = begin; at < end && year < 9999; at += Stride)
        {
            long next = Math.Min(at + Stride, end);
            if (OffsetAt(next) is var later && later != offset)
            {
                long change = Change(at, next, offset);
                spans.Add(new OffsetSpan(from, change, offset));
                (from, offset) = (change, later);
            }
        }
        if (from < end)
        {
            spans.Add(new OffsetSpan(from, end, offset));
        }
        return [.. spans];
    }

    /// <summary>The second at which the offset ceases to be what it was.</summary>
    long Change(long before, long after, long offset)
    {
        while (after - before > Clock.Second)
        {
            long middle = before + ((after - before) / Clock.Second / 2 * Clock.Second);
            (before, after) = OffsetAt(middle) == offset ? (middle, after) : (before, middle);
        }
        return after;
    }

    long OffsetAt(long micros) => zone.GetUtcOffset(new Instant(micros).ToDateTimeOffset().UtcDateTime).Ticks / TimeSpan.TicksPerMicrosecond;
}
