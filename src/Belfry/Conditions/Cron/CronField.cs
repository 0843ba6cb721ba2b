namespace Belfry;

/// <summary>A field of an expression, and where it stands.</summary>
readonly record struct CronWord(string Text, int Position)
{
    public static List<CronWord> Split(string text)
    {
        var words = new List<CronWord>(6);
        for (int at = 0; at < text.Length;)
        {
            int end = at;
            while (end < text.Length && !char.IsWhiteSpace(text[end]))
            {
                end++;
            }
            if (end > at)
            {
                words.Add(new CronWord(text[at..end], at));
            }
            at = end + 1;
        }
        return words;
    }

    /// <summary>The items of a list, each where it stands.</summary>
    public IEnumerable<CronWord> Items()
    {
        int at = Position;
        foreach (string item in Text.Split(','))
        {
            yield return new CronWord(item, at);
            at += item.Length + 1;
        }
    }
}

/// <summary>What a field may hold, and how it reads it: as a set of bits, one for each value.</summary>
/// <param name="Name">Its name in messages.</param>
/// <param name="Least">The least value.</param>
/// <param name="Greatest">The greatest; of the days of the week 7, which is Sunday again.</param>
/// <param name="Names">Names of values, from the least on.</param>
sealed record CronField(string Name, int Least, int Greatest, params string[] Names)
{
    public static CronField Second { get; } = new("second", 0, 59);

    public static CronField Minute { get; } = new("minute", 0, 59);

    public static CronField Hour { get; } = new("hour", 0, 23);

    public static CronField DayOfMonth { get; } = new("day of the month", 1, 31);

    public static CronField Month { get; } = new("month", 1, 12, "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC");

    public static CronField DayOfWeek { get; } = new("day of the week", 0, 7, "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT");

    /// <summary>Every value there is; the days of the week are seven.</summary>
    public ulong All => Bits(Least, Least + Size - 1, 1);

    int Size => this == DayOfWeek ? 7 : Greatest - Least + 1;

    /// <summary>Reads a whole field.</summary>
    public ulong Read(CronWord word) => word.Items().Aggregate(0UL, (bits, item) => bits | ReadItem(item));

    /// <summary>Reads one item of a list: <c>*</c>, a value, a range, either but the value with a step.</summary>
    public ulong ReadItem(CronWord item)
    {
        string[] parts = item.Text.Split('/');
        string[] ends = parts[0].Split('-');
        bool isAll = parts[0] == "*" || (parts[0] == "?" && (this == DayOfMonth || this == DayOfWeek));
        if (parts.Length > 2 || ends.Length > 2 || item.Text.Length == 0)
        {
            throw new ConditionException($"'{item.Text}' is no {Name}", item.Position);
        }
        int begin = isAll ? Least : Value(ends[0], item.Position);
        int end = isAll ? Least + Size - 1 : ends.Length == 1 ? begin : Value(ends[1], item.Position + ends[0].Length + 1);
        if (parts.Length == 2 && !isAll && ends.Length == 1)
        {
            throw new ConditionException($"a step needs a range: write {ends[0]}-{Least + Size - 1}/{parts[1]}", item.Position);
        }
        int step = parts.Length == 1 ? 1 : Step(parts[1], item.Position + parts[0].Length + 1);
        return Bits(begin, end < begin ? end + Size : end, step);
    }

    /// <summary>Reads a value: a number, or a name.</summary>
    public int Value(string text, int position)
    {
        int named = Array.FindIndex(Names, name => name.Equals(text, StringComparison.OrdinalIgnoreCase));
        bool isNumber = text.Length is 1 or 2 && text.All(char.IsAsciiDigit);
        int value = named >= 0 ? named + Least : isNumber ? int.Parse(text) : -1;
        return value >= Least && value <= Greatest ? value : throw new ConditionException(
            $"'{text}' is no {Name}; it is {Least} to {Greatest}" + (Names.Length > 0 ? $", or {Names[0]} to {Names[^1]}" : ""), position);
    }

    int Step(string text, int position) => text.Length is 1 or 2 && text.All(char.IsAsciiDigit) && int.Parse(text) is var step && step > 0 && step < Size
        ? step
        : throw new ConditionException($"'{text}' is no step of the {Name}; it is 1 to {Size - 1}", position);

    ulong Bits(int begin, int end, int step)
    {
        ulong bits = 0;
        for (int value = begin; value <= end; value += step)
        {
            bits |= 1UL << (((value - Least) % Size) + Least);
        }
        return bits;
    }
}
