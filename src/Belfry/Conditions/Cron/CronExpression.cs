namespace Belfry;

/// <summary>
/// A cron expression: five fields (minute, hour, day of month, month, day of week), six with seconds first, or <c>@yearly</c> … <c>@hourly</c>;
/// names, lists, ranges that may wrap, steps, <c>L W #</c>, Sunday as 0 or 7. Day of month and day of week both restricted: either.
/// </summary>
/// <remarks>
/// Cronos would be the obvious library for this; where it can be had, this type is what to put it behind. A time that the clock passes over
/// fires at the first instant after the gap, several of them once; one that comes twice at its first. With an hour field that leaves no hour
/// out every real minute is judged by what the clock shows.
/// </remarks>
public sealed record CronExpression
{
    static readonly Dictionary<string, string> Macros = new(StringComparer.OrdinalIgnoreCase)
    {
        ["@yearly"] = "0 0 1 1 *", ["@annually"] = "0 0 1 1 *", ["@monthly"] = "0 0 1 * *", ["@weekly"] = "0 0 * * 0",
        ["@daily"] = "0 0 * * *", ["@midnight"] = "0 0 * * *", ["@hourly"] = "0 * * * *",
    };

    readonly string _text;
    readonly CronTimes _times;
    readonly CronDays _days;

    CronExpression(string text, CronTimes times, CronDays days, bool hasSeconds) =>
        (_text, _times, _days, Unit) = (text, times, days, hasSeconds ? TimeSpan.FromSeconds(1) : TimeSpan.FromMinutes(1));

    /// <summary>How long a match lasts: a minute, or a second if the expression has seconds.</summary>
    public TimeSpan Unit { get; }

    /// <summary>It leaves nothing out.</summary>
    internal bool IsAlways => _times.IsAlways && _days.IsAlways;

    /// <summary>Reads an expression.</summary>
    /// <exception cref="ConditionException">It is not understood, or can never match; the position is that of the mistake.</exception>
    public static CronExpression Parse(string text)
    {
        List<CronWord> words = CronWord.Split(text);
        if (words is [{ Text: ['@', ..] } macro])
        {
            return Macros.TryGetValue(macro.Text, out string? fields) ? Parse(fields) : throw new ConditionException(
                $"unknown '{macro.Text}'; known are {string.Join(", ", Macros.Keys)}", macro.Position);
        }
        if (words.Count is not (5 or 6))
        {
            int position = words.Count > 6 ? words[6].Position : text.Length;
            throw new ConditionException($"a cron expression has 5 fields, or 6 with seconds, not {words.Count}", position);
        }
        bool hasSeconds = words.Count == 6;
        CronWord[] five = [.. words.TakeLast(5)];
        var days = new CronDays(five[2], five[3], five[4]);
        var times = new CronTimes(hasSeconds ? CronField.Second.Read(words[0]) : 1, CronField.Minute.Read(five[0]), CronField.Hour.Read(five[1]));
        return days.CanMatch
            ? new CronExpression(string.Join(' ', words.Select(word => word.Text.ToUpperInvariant())), times, days, hasSeconds)
            : throw new ConditionException($"no month that it names has a day '{five[2].Text}', so it can never match", five[2].Position);
    }

    /// <summary>The first match later than an instant; null when there is none within ten years.</summary>
    public Instant? Next(Instant after, TimeZoneInfo zone) => Next(after, ZoneOffsets.Of(zone));

    /// <summary>The last match not later than an instant; null when there is none within ten years.</summary>
    public Instant? Previous(Instant at, TimeZoneInfo zone) => Previous(at, ZoneOffsets.Of(zone), at - (Search.From(at).End - at));

    /// <inheritdoc/>
    public bool Equals(CronExpression? other) => other?._text == _text;

    /// <inheritdoc/>
    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    /// <summary>The fields, one space apart, names in capitals.</summary>
    public override string ToString() => _text;

    internal Instant? Next(Instant after, ZoneOffsets zone)
    {
        Instant end = Search.From(after).End;
        if (!_times.IsEveryHour)
        {
            Instant? match = NextWall(zone.LatestWallOf(after) + 1, end.Micros + Clock.Day) is { } found ? zone.First(found) : null;
            return match <= end ? match : null;
        }
        for (OffsetSpan span = zone.At(after); ; span = zone.At(span.End))
        {
            long from = Math.Max(after.Micros + 1, span.Begin);
            if (NextWall(from + span.Offset, span.End + span.Offset - 1) is { } wall)
            {
                return new Instant(wall - span.Offset);
            }
            if (span.End > end.Micros)
            {
                return null;
            }
        }
    }

    internal Instant? Previous(Instant at, ZoneOffsets zone, Instant notBefore)
    {
        if (!_times.IsEveryHour)
        {
            Instant? match = PreviousWall(zone.LatestWallOf(at), notBefore.Micros - Clock.Day) is { } wall ? zone.First(wall) : null;
            return match >= notBefore ? match : null;
        }
        OffsetSpan span = zone.At(at);
        for (long to = at.Micros; to >= notBefore.Micros; span = zone.At(to))
        {
            if (PreviousWall(to + span.Offset, Math.Max(span.Begin, notBefore.Micros) + span.Offset) is { } wall)
            {
                return new Instant(wall - span.Offset);
            }
            to = span.Begin - 1;
        }
        return null;
    }

    /// <summary>The first matching wall time from one to another.</summary>
    long? NextWall(long from, long to)
    {
        from = Clock.FloorDivide(from + Clock.Second - 1, Clock.Second) * Clock.Second;
        long day = Clock.DayOf(from);
        for (int second = (int)((from - (day * Clock.Day)) / Clock.Second); day * Clock.Day <= to; second = 0)
        {
            if (_days.Matches(day) && _times.Next(second) is { } time)
            {
                long wall = (day * Clock.Day) + (time * Clock.Second);
                return wall <= to ? wall : null;
            }
            day = _days.SkipForward(day);
        }
        return null;
    }

    /// <summary>The last matching wall time from one back to another.</summary>
    long? PreviousWall(long from, long to)
    {
        long day = Clock.DayOf(from);
        int second = (int)((from - (day * Clock.Day)) / Clock.Second);
        for (; (day + 1) * Clock.Day > to; second = 86_399, day--)
        {
            if (_days.Matches(day) && _times.Previous(second) is { } time)
            {
                long wall = (day * Clock.Day) + (time * Clock.Second);
                return wall >= to ? wall : null;
            }
        }
        return null;
    }
}
