using System.Globalization;

namespace Belfry;

/// <summary>
/// A place in a period: <c>10:00</c> of a day, <c>Fri 10:00</c> of a week, <c>5th</c> of a month, <c>15:00</c> of an hour, <c>45</c> of a minute,
/// <c>250</c> ms of a second.
/// </summary>
/// <param name="Day">The day: of a week from 0, of a month from 1; null in shorter periods.</param>
/// <param name="Time">The time of the day, or in the shorter period; null where a day stands alone.</param>
readonly record struct Place(int? Day, long? Time)
{
    static readonly string[] FullNames = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    static readonly string[] Weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

    /// <summary>A day without a time: as an end it includes itself.</summary>
    public bool IsNamed => Time is null;

    /// <summary>How far into a cycle of this length it begins. A day that the month lacks is its end.</summary>
    public long Begin(Period period, long length) => IsLacking(period, length) ? length : DayOffset(period) + (Time ?? 0);

    /// <summary>How far into a cycle it reaches as an end.</summary>
    public long End(Period period, long length) => IsLacking(period, length) ? length : DayOffset(period) + (Time ?? Clock.Day);

    /// <summary>A month of this length has no such day.</summary>
    public bool IsLacking(Period period, long length) => DayOffset(period) >= length;

    /// <summary>As it is written.</summary>
    public string Text(Period period)
    {
        string time = Time is { } wall ? TimeText(period, wall) : "";
        string? day = Day is not { } number ? null : period == Period.Week ? Weekdays[number] : $"{number}{Suffix(number)}";
        return day is null ? time : time.Length == 0 ? day : $"{day} {time}";
    }

    /// <summary>The day of the week that a word names, by its first three letters or in full; null for none.</summary>
    public static int? Weekday(string word)
    {
        int day = Array.FindIndex(Weekdays, name => word.StartsWith(name, StringComparison.OrdinalIgnoreCase));
        return day >= 0 && (word.Length == 3 || word.Equals(FullNames[day], StringComparison.OrdinalIgnoreCase)) ? day : null;
    }

    long DayOffset(Period period) => ((Day ?? 0) - (period == Period.Month ? 1 : 0)) * Clock.Day;

    static string TimeText(Period period, long time)
    {
        string fraction = (time % Clock.Second) == 0 ? "" : (time % Clock.Second / 1e6).ToString("F6", CultureInfo.InvariantCulture)[1..].TrimEnd('0');
        long seconds = time / Clock.Second;
        return period switch
        {
            Period.Second => (time / 1000m).ToString("0.###", CultureInfo.InvariantCulture),
            Period.Minute => $"{seconds:00}{fraction}",
            Period.Hour => $"{seconds / 60:00}:{seconds % 60:00}{fraction}",
            _ => $"{seconds / 3600:00}:{seconds / 60 % 60:00}" + (seconds % 60 == 0 && fraction.Length == 0 ? "" : $":{seconds % 60:00}{fraction}"),
        };
    }

    static string Suffix(int day) => (day % 10, day / 10) switch
    {
        (1, not 1) => "st",
        (2, not 1) => "nd",
        (3, not 1) => "rd",
        _ => "th",
    };
}
