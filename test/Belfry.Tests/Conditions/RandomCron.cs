namespace Belfry.Tests.Conditions;

/// <summary>A random cron expression together with what it means, said naively: nothing here is shared with the code under test.</summary>
sealed class RandomCron
{
    static readonly string[] MonthNames = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    static readonly string[] DayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    readonly Func<int, bool> _minute, _hour, _month;
    readonly Func<DateTime, bool> _day, _weekday;
    readonly bool _anyDay, _anyWeekday;

    public RandomCron(Random random)
    {
        (string minute, _minute) = Values(random, 0, 59, []);
        (string hour, _hour) = random.Next(3) == 0 ? ("*", _ => true) : Values(random, 0, 23, []);
        (string month, _month) = random.Next(2) == 0 ? ("*", _ => true) : Values(random, 1, 12, MonthNames);
        (string day, _day) = random.Next(2) == 0 ? ("*", _ => true) : Day(random);
        (string weekday, _weekday) = random.Next(2) == 0 ? ("*", _ => true) : Weekday(random);
        IsEveryHour = Enumerable.Range(0, 24).All(_hour);
        _anyDay = LeavesNoneOut(_day);
        _anyWeekday = LeavesNoneOut(_weekday);
        Text = $"{minute} {hour} {day} {month} {weekday}";
    }

    public string Text { get; }

    public bool IsEveryHour { get; }

    public bool Matches(DateTime wall) => _minute(wall.Minute) && _hour(wall.Hour) && MatchesDay(wall);

    public bool MatchesDay(DateTime wall) =>
        _month(wall.Month) && (_anyDay || _anyWeekday ? _day(wall) && _weekday(wall) : _day(wall) || _weekday(wall));

    static bool LeavesNoneOut(Func<DateTime, bool> matches) =>
        Enumerable.Range(0, 1500).All(n => matches(new DateTime(2021, 1, 1).AddDays(n)));

    static (string Text, Func<int, bool> Matches) Values(Random random, int least, int greatest, string[] names)
    {
        var parts = Enumerable.Range(0, random.Next(1, 3)).Select(_ => Part(random, least, greatest, names)).ToArray();
        return (string.Join(',', parts.Select(part => part.Text)), value => parts.Any(part => part.Values.Contains(value)));
    }

    static (string Text, HashSet<int> Values) Part(Random random, int least, int greatest, string[] names)
    {
        string Name(int value) => names.Length > 0 && random.Next(2) == 0 ? names[value - least] : $"{value}";
        int a = random.Next(least, greatest + 1), b = random.Next(least, greatest + 1), step = random.Next(1, greatest - least);
        var range = new List<int> { a };
        for (int value = a; value != b; range.Add(value))
        {
            value = value == greatest ? least : value + 1;
        }
        return random.Next(5) switch
        {
            0 => ("*", [.. Enumerable.Range(least, greatest - least + 1)]),
            1 => ($"*/{step}", [.. Enumerable.Range(least, greatest - least + 1).Where(value => (value - least) % step == 0)]),
            2 => ($"{Name(a)}-{Name(b)}", [.. range]),
            3 => ($"{Name(a)}-{Name(b)}/{step}", [.. range.Where((_, index) => index % step == 0)]),
            _ => (Name(a), [a]),
        };
    }

    static (string Text, Func<DateTime, bool> Matches) Day(Random random)
    {
        int n = random.Next(1, 29);
        static DateTime[] Weekdays(DateTime date) => [.. Month(date).Where(other => other.DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday))];
        switch (random.Next(8))
        {
            case 0: return ("L", date => date.AddDays(1).Month != date.Month);
            case 1: return ($"L-{n}", date => date.Date.AddDays(n + 1).Day == 1);
            case 2: return ($"{n}W", date => date.Date == Weekdays(date).MinBy(other => Math.Abs(other.Day - n)));
            case 3: return ("LW", date => date.Date == Weekdays(date).Max());
            default:
                (string text, Func<int, bool> matches) = Values(random, 1, 31, []);
                return (text, date => matches(date.Day));
        }
    }

    static (string Text, Func<DateTime, bool> Matches) Weekday(Random random)
    {
        int day = random.Next(7), nth = random.Next(1, 6);
        string name = random.Next(2) == 0 ? DayNames[day] : $"{(day == 0 && random.Next(2) == 0 ? 7 : day)}";
        switch (random.Next(6))
        {
            case 0: return ($"{name}#{nth}", date => (int)date.DayOfWeek == day && Month(date).Count(other => other.DayOfWeek == date.DayOfWeek && other <= date.Date) == nth);
            case 1: return ($"{name}L", date => (int)date.DayOfWeek == day && date.AddDays(7).Month != date.Month);
            case 2: return (name, date => (int)date.DayOfWeek == day);
            default:
                (string text, Func<int, bool> matches) = Values(random, 0, 6, DayNames);
                return (text, date => matches((int)date.DayOfWeek));
        }
    }

    static IEnumerable<DateTime> Month(DateTime date) =>
        Enumerable.Range(1, DateTime.DaysInMonth(date.Year, date.Month)).Select(day => new DateTime(date.Year, date.Month, day));
}
