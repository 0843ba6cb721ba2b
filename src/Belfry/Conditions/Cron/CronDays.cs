namespace Belfry;

/// <summary>The days on which an expression matches: month, day of the month and day of the week, with <c>L W #</c>.</summary>
sealed class CronDays
{
    readonly ulong _months, _days, _weekdays;
    readonly List<CronDay> _special = [];

    public CronDays(CronWord days, CronWord months, CronWord weekdays)
    {
        _months = CronField.Month.Read(months);
        foreach (CronWord item in days.Items())
        {
            _days |= CronDay.OfMonth(item) is { } day ? Keep(day) : CronField.DayOfMonth.ReadItem(item);
        }
        bool anyDay = _special.Count > 0;
        foreach (CronWord item in weekdays.Items())
        {
            _weekdays |= CronDay.OfWeek(item) is { } day ? Keep(day) : CronField.DayOfWeek.ReadItem(item);
        }
        RestrictsDay = _days != CronField.DayOfMonth.All && (_days != 0 || anyDay);
        RestrictsWeekday = _weekdays != CronField.DayOfWeek.All;
    }

    /// <summary>No day is left out.</summary>
    public bool IsAlways => !RestrictsDay && !RestrictsWeekday && _months == CronField.Month.All;

    /// <summary>There is a day on which it matches, if only in some year.</summary>
    public bool CanMatch => !RestrictsDay || RestrictsWeekday || Enumerable.Range(1, 12).Any(month =>
        Has(_months, month) && Enumerable.Range(1, LongestOf(month)).Any(day => Has(_days, day) || _special.Exists(special => special.MayBe(day, month))));

    bool RestrictsDay { get; }

    bool RestrictsWeekday { get; }

    /// <summary>The day matches, counted from 1970-01-01.</summary>
    public bool Matches(long day)
    {
        DateOnly date = Clock.DateOf(day);
        if (!Has(_months, date.Month))
        {
            return false;
        }
        bool byDay = Has(_days, date.Day), byWeekday = Has(_weekdays, (int)date.DayOfWeek);
        foreach (CronDay special in _special)
        {
            byDay |= !special.IsOfWeek && special.Matches(date);
            byWeekday |= special.IsOfWeek && special.Matches(date);
        }
        return RestrictsDay && RestrictsWeekday ? byDay || byWeekday : byDay && byWeekday;
    }

    /// <summary>The next day worth a look: in a month that does not match, the first of the next.</summary>
    public long SkipForward(long day)
    {
        DateOnly date = Clock.DateOf(day);
        return Has(_months, date.Month) ? day + 1 : day - date.Day + 1 + DateTime.DaysInMonth(date.Year, date.Month);
    }

    public static int LongestOf(int month) => DateTime.DaysInMonth(2024, month);

    ulong Keep(CronDay day)
    {
        _special.Add(day);
        return 0;
    }

    static bool Has(ulong bits, int value) => (bits >> value & 1) != 0;
}

/// <summary>A day that depends on the month: the last, the weekday nearest to one, the second Friday, the last Friday.</summary>
/// <param name="FromEnd">So many days before the last; null for others.</param>
/// <param name="Near">The weekday nearest to that day of the month; with <paramref name="FromEnd"/> to that.</param>
/// <param name="Weekday">A day of the week, Sunday 0.</param>
/// <param name="Nth">The how manieth of the month; 0 for the last.</param>
sealed record CronDay(int? FromEnd, int? Near, int? Weekday, int Nth)
{
    public bool IsOfWeek => Weekday is not null;

    /// <summary>Reads <c>L</c>, <c>L-3</c>, <c>LW</c>, <c>15W</c>; null for anything else.</summary>
    public static CronDay? OfMonth(CronWord item)
    {
        string text = item.Text.ToUpperInvariant();
        return text switch
        {
            "L" => new CronDay(0, null, null, 0),
            "LW" => new CronDay(0, 0, null, 0),
            ['L', '-', .. var days] => new CronDay(CronField.DayOfMonth.Value(days, item.Position + 2), null, null, 0),
            [.. var day, 'W'] => new CronDay(null, CronField.DayOfMonth.Value(day, item.Position), null, 0),
            _ => null,
        };
    }

    /// <summary>Reads <c>FRI#2</c> and <c>FRIL</c>; null for anything else.</summary>
    public static CronDay? OfWeek(CronWord item)
    {
        string text = item.Text.ToUpperInvariant();
        if (text.IndexOf('#', StringComparison.Ordinal) is >= 0 and var mark)
        {
            return text[(mark + 1)..] is [>= '1' and <= '5' and var nth]
                ? new CronDay(null, null, CronField.DayOfWeek.Value(text[..mark], item.Position) % 7, nth - '0')
                : throw new ConditionException($"a month has 1 to 5 of a weekday, not '{text[(mark + 1)..]}'", item.Position + mark + 1);
        }
        return text is [_, .., 'L'] ? new CronDay(null, null, CronField.DayOfWeek.Value(text[..^1], item.Position) % 7, 0) : null;
    }

    public bool Matches(DateOnly date)
    {
        int last = DateTime.DaysInMonth(date.Year, date.Month);
        if (Weekday is { } weekday)
        {
            return (int)date.DayOfWeek == weekday && (Nth == 0 ? date.Day + 7 > last : (date.Day - 1) / 7 == Nth - 1);
        }
        int wanted = FromEnd is { } before ? last - before : Near!.Value;
        return Near is null ? date.Day == wanted : wanted <= last && date.Day == Nearest(new DateOnly(date.Year, date.Month, wanted), last);
    }

    /// <summary>It can be that day of that month in some year.</summary>
    public bool MayBe(int day, int month) => FromEnd is { } before
        ? day <= CronDays.LongestOf(month) - before
        : Near is { } near && near <= CronDays.LongestOf(month);

    /// <summary>The weekday nearest to a day, in the same month.</summary>
    static int Nearest(DateOnly day, int last) => day.DayOfWeek switch
    {
        DayOfWeek.Saturday => day.Day > 1 ? day.Day - 1 : 3,
        DayOfWeek.Sunday => day.Day < last ? day.Day + 1 : day.Day - 2,
        _ => day.Day,
    };
}
