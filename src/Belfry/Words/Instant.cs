using System.Globalization;

namespace Belfry;

/// <summary>A point in time: microseconds since 1970-01-01 00:00 UTC. The log knows no other clock.</summary>
/// <param name="Micros">Microseconds since the epoch; negative before it.</param>
/// <remarks>Wider than <see cref="DateTimeOffset"/>, because events carry instants that no calendar has.</remarks>
public readonly record struct Instant(long Micros) : IComparable<Instant>
{
    const long MicrosPerSecond = 1_000_000;
    static readonly long LastOfCalendar = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds() * 1000;
    static readonly long FirstOfCalendar = DateTimeOffset.MinValue.ToUnixTimeMilliseconds() * 1000;

    /// <summary>The instant of a calendar time, cut to whole microseconds.</summary>
    public static Instant From(DateTimeOffset time) => new((time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond);

    /// <summary>The instant of Unix seconds, rounded to the nearest microsecond; what is out of range becomes the end of the range, NaN the epoch.</summary>
    public static Instant FromUnixSeconds(double seconds) => new((long)Math.Round(seconds * MicrosPerSecond));

    /// <summary>The present instant of a clock.</summary>
    public static Instant Now(TimeProvider clock) => From(clock.GetUtcNow());

    /// <summary>Reads RFC 3339 (an offset or Z is required), a day, which is its beginning in UTC, or Unix seconds.</summary>
    public static bool TryParse(string? text, out Instant instant)
    {
        instant = default;
        if (string.IsNullOrWhiteSpace(text))
        {
            return false;
        }
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && double.IsFinite(seconds))
        {
            instant = FromUnixSeconds(seconds);
            return true;
        }
        bool zoned = text.EndsWith('Z') || text.EndsWith('z') || text.LastIndexOfAny(['+', '-']) > text.IndexOfAny(['T', 't', ' ', ':']);
        bool dated = text.IndexOf('-', StringComparison.Ordinal) == 4; // else .NET takes a time for one of today
        if (!zoned || !dated || !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time))
        {
            return false;
        }
        instant = From(time);
        return true;
    }

    /// <summary>The calendar time; beyond the years 1 to 9999 their first or last instant.</summary>
    public DateTimeOffset ToDateTimeOffset() =>
        DateTimeOffset.UnixEpoch.AddTicks(Math.Clamp(Micros, FirstOfCalendar, LastOfCalendar) * TimeSpan.TicksPerMicrosecond);

    /// <summary>RFC 3339 in UTC with six digits of the second: <c>2026-11-21T10:00:00.100000Z</c>.</summary>
    public override string ToString() => ToDateTimeOffset().ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public int CompareTo(Instant other) => Micros.CompareTo(other.Micros);

    /// <summary>The instant that much later; the end of the range where it would leave it.</summary>
    public Instant Add(TimeSpan span) => new(Saturate(Micros, (long)(span.Ticks / TimeSpan.TicksPerMicrosecond)));

    /// <summary>The time from <paramref name="earlier"/> to this instant.</summary>
    public TimeSpan Since(Instant earlier)
    {
        long micros = Saturate(Micros, earlier.Micros == long.MinValue ? long.MaxValue : -earlier.Micros);
        return TimeSpan.FromTicks(Math.Clamp(micros, long.MinValue / 10, long.MaxValue / 10) * TimeSpan.TicksPerMicrosecond);
    }

    /// <summary>The later of two.</summary>
    public static Instant Max(Instant a, Instant b) => a.Micros >= b.Micros ? a : b;

    /// <summary>The earlier of two.</summary>
    public static Instant Min(Instant a, Instant b) => a.Micros <= b.Micros ? a : b;

    /// <summary>The earlier of two, of which either may be never.</summary>
    internal static Instant? Earlier(Instant? a, Instant? b) => a is null || b < a ? b : a;

    /// <summary>Later by <paramref name="span"/>.</summary>
    public static Instant operator +(Instant at, TimeSpan span) => at.Add(span);

    /// <summary>Earlier by <paramref name="span"/>.</summary>
    public static Instant operator -(Instant at, TimeSpan span) => at.Add(-span);

    /// <summary>The time between.</summary>
    public static TimeSpan operator -(Instant later, Instant earlier) => later.Since(earlier);

    /// <summary>Earlier than.</summary>
    public static bool operator <(Instant a, Instant b) => a.Micros < b.Micros;

    /// <summary>Later than.</summary>
    public static bool operator >(Instant a, Instant b) => a.Micros > b.Micros;

    /// <summary>Not later than.</summary>
    public static bool operator <=(Instant a, Instant b) => a.Micros <= b.Micros;

    /// <summary>Not earlier than.</summary>
    public static bool operator >=(Instant a, Instant b) => a.Micros >= b.Micros;

    static long Saturate(long a, long b)
    {
        long sum = unchecked(a + b);
        bool overflow = ((a ^ sum) & (b ^ sum)) < 0;
        return !overflow ? sum : a < 0 ? long.MinValue : long.MaxValue;
    }
}
