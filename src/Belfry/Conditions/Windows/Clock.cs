using System.Globalization;

namespace Belfry;

/// <summary>Arithmetic of the clock on the wall. Its time is a count of microseconds, too, from the wall's own 1970-01-01 00:00.</summary>
static class Clock
{
    public const long Second = 1_000_000;
    public const long Minute = 60 * Second;
    public const long Hour = 60 * Minute;
    public const long Day = 24 * Hour;

    /// <summary>1970-01-01 was a Thursday; weeks begin on Monday.</summary>
    const long FirstMonday = -3;

    /// <summary>So many days at either end of the calendar are left for windows that begin before or end after.</summary>
    const int Margin = 1000;

    static readonly int EpochDay = new DateOnly(1970, 1, 1).DayNumber;
    static readonly long FirstDay = Margin - EpochDay;
    static readonly long LastDay = DateOnly.MaxValue.DayNumber - EpochDay - Margin;

    /// <summary>Days since 1970-01-01, cut to what a calendar has.</summary>
    public static long DayOf(long wall) => Math.Clamp(FloorDivide(wall, Day), FirstDay, LastDay);

    /// <summary>Monday is 0.</summary>
    public static int WeekdayOf(long day) => (int)Remainder(day - FirstMonday, 7);

    public static DateOnly DateOf(long day) => DateOnly.FromDayNumber((int)day + EpochDay);

    public static long DayOf(int year, int month) => new DateOnly(year, month, 1).DayNumber - EpochDay;

    /// <summary>The number of the second, minute, hour, day, week or month in which a wall time lies.</summary>
    public static long CycleOf(Period period, long wall)
    {
        switch (period)
        {
            case Period.Week:
                return FloorDivide(DayOf(wall) - FirstMonday, 7);
            case Period.Month:
                DateOnly date = DateOf(DayOf(wall));
                return (date.Year * 12) + date.Month - 1;
            default:
                return FloorDivide(wall, LengthOf(period));
        }
    }

    /// <summary>The wall time at which a cycle begins.</summary>
    public static long BeginOf(Period period, long cycle) => period switch
    {
        Period.Week => ((cycle * 7) + FirstMonday) * Day,
        Period.Month => DayOf((int)(cycle / 12), (int)(cycle % 12) + 1) * Day,
        _ => cycle * LengthOf(period),
    };

    /// <summary>The length of a cycle; of a month the longest.</summary>
    public static long LengthOf(Period period) => period switch
    {
        Period.Second => Second,
        Period.Minute => Minute,
        Period.Hour => Hour,
        Period.Day => Day,
        Period.Week => 7 * Day,
        _ => 31 * Day,
    };

    /// <summary>For people: <c>2025-06-03 09:15:00 +02:00</c>, with a fraction of the second where there is one.</summary>
    public static string Show(long micros, long offset) => new Instant(micros).ToDateTimeOffset()
        .ToOffset(TimeSpan.FromMinutes(offset / Minute)).ToString("yyyy-MM-dd HH:mm:ss.FFFFFF zzz", CultureInfo.InvariantCulture);

    public static long FloorDivide(long a, long b) => (a / b) - (a % b < 0 ? 1 : 0);

    static long Remainder(long a, long b) => a - (FloorDivide(a, b) * b);
}

/// <summary>What repeats.</summary>
enum Period
{
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
}
