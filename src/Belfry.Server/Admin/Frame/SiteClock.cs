using System.Globalization;

namespace Belfry.Server.Admin;

/// <summary>The present instant, read once per page, and the zone in which the pages show time.</summary>
/// <param name="Zone">The site's zone.</param>
/// <param name="Now">When the page was asked for.</param>
public sealed record SiteClock(TimeZoneInfo Zone, Instant Now)
{
    /// <summary>How long ago, or when: <c>now</c>, <c>27 s</c>, <c>4 min</c>, <c>3 h</c>, <c>2 d</c>, <c>14 Nov 09:12</c>; ahead <c>in 18 min</c>, <c>14:20</c>.</summary>
    public string Age(Instant at)
    {
        double seconds = (Now - at).TotalSeconds;
        return seconds switch
        {
            < -86_400 => Date(at),
            < -3600 => Local(at, Local(at).Date == Local(Now).Date ? "HH:mm" : "ddd HH:mm"),
            < -60 => Text($"in {-seconds / 60:0} min"),
            <= -1 => Text($"in {-seconds:0} s"),
            < 1 => "now",
            < 60 => Text($"{Math.Floor(seconds)} s"),
            < 3600 => Text($"{Math.Floor(seconds / 60)} min"),
            < 86_400 => Text($"{Math.Floor(seconds / 3600)} h"),
            < 7 * 86_400 => Text($"{Math.Floor(seconds / 86_400)} d"),
            _ => Date(at),
        };
    }

    /// <summary>An age as part of a sentence: <c>27 s ago</c>.</summary>
    public string Ago(Instant at)
    {
        string age = Age(at);
        return age != "now" && Now >= at && (Now - at).TotalDays < 7 ? age + " ago" : age;
    }

    /// <summary>Day and minute: <c>14 Nov 09:12</c>; of another year <c>14 Nov 2025</c>.</summary>
    public string Date(Instant at) => Local(at, Local(at).Year == Local(Now).Year ? "d MMM HH:mm" : "d MMM yyyy");

    /// <summary>Everything, with milliseconds and zone: <c>2026-11-20 09:41:43.063 +01:00</c>.</summary>
    public string Exact(Instant at) => Local(at, "yyyy-MM-dd HH:mm:ss.fff zzz");

    /// <summary>The time with milliseconds, with its day unless that is today.</summary>
    public string Time(Instant at) => Local(at, Local(at).Date == Local(Now).Date ? "HH:mm:ss.fff" : "d MMM HH:mm:ss.fff");

    /// <summary>In a format of .NET's, in the site's zone.</summary>
    public string Local(Instant at, string format) => Local(at).ToString(format, CultureInfo.InvariantCulture);

    /// <summary>Seconds that the zone is ahead of UTC at an instant.</summary>
    public long OffsetSeconds(Instant at) => (long)Local(at).Offset.TotalSeconds;

    /// <summary>Reads an instant of an address: RFC 3339, Unix seconds, or a time of this zone such as <c>2026-11-20T09:00</c>.</summary>
    public bool TryRead(string? text, out Instant at)
    {
        bool local = DateTime.TryParseExact(text, LocalForms, CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTime time);
        if (!local)
        {
            return Instant.TryParse(text, out at);
        }
        // An hour that the clock skips in spring counts as the one after it.
        DateTime valid = Zone.IsInvalidTime(time) ? time.AddHours(1) : time;
        // In the first and the last year the zone could lead out of the calendar.
        at = Instant.From(new DateTimeOffset(valid, valid.Year is 1 or 9999 ? TimeSpan.Zero : Zone.GetUtcOffset(valid)));
        return true;
    }

    static readonly string[] LocalForms = ["yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd HH:mm", "yyyy-MM-dd"];

    DateTimeOffset Local(Instant at)
    {
        DateTimeOffset time = at.ToDateTimeOffset();
        bool atTheEnd = time.Year is <= 1 or >= 9999;
        return atTheEnd ? time : TimeZoneInfo.ConvertTime(time, Zone);
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
