using System.Globalization;

namespace Belfry;

/// <summary>Reads places in a period, and makes parts of it.</summary>
static class Places
{
    /// <summary>A part of a period; the places as texts of their own.</summary>
    /// <exception cref="ConditionException">One is no place in that period.</exception>
    public static Part Cut(Period period, Cut cut, params string[] places)
    {
        Place[] read = [.. places.Select((text, index) => Whole(text, reader => Read(reader, period, cut, index)))];
        return new Part(period, cut, read[0], read.Length > 1 ? read[1] : default);
    }

    /// <summary>What may follow a period's name: <c>before X</c>, <c>between X and Y</c> …; the whole period where nothing does.</summary>
    public static Part Part(TokenReader reader, Period period)
    {
        Cut cut = reader.Take("at") ? Belfry.Cut.On : Enum.GetValues<Cut>().FirstOrDefault(cut => cut != Belfry.Cut.Whole && reader.Take(cut.ToString()));
        if (cut == Belfry.Cut.Whole)
        {
            return new Part(period, cut);
        }
        Place from = Read(reader, period, cut, 0);
        if (cut != Belfry.Cut.Between)
        {
            return new Part(period, cut, from);
        }
        reader.Expect("and");
        return new Part(period, cut, from, Read(reader, period, cut, 1));
    }

    /// <summary>Reads the name of a period, if one is next.</summary>
    public static Period? PeriodName(TokenReader reader)
    {
        foreach (Period period in Enum.GetValues<Period>())
        {
            if (reader.Take(period.ToString()))
            {
                return period;
            }
        }
        return null;
    }

    static T Whole<T>(string text, Func<TokenReader, T> read)
    {
        var reader = new TokenReader(text);
        T value = read(reader);
        return reader.IsAtEnd ? value : throw reader.Unexpected("the end");
    }

    static Place Read(TokenReader reader, Period period, Cut cut, int index)
    {
        Token token = reader.Peek;
        Place? place = token.IsQuoted ? null : period switch
        {
            Period.Week => Place.Weekday(token.Text) is { } day ? new Place(day, null) : null,
            Period.Month => DayOfMonth(token.Text) is { } day ? new Place(day, null) : null,
            _ => TimeIn(period, token.Text) is { } time ? new Place(null, time) : null,
        };
        if (place is not { } found)
        {
            throw reader.Unexpected(Expected(period));
        }
        reader.Next();
        if (found.IsNamed && !reader.Peek.IsQuoted && TimeIn(Period.Day, reader.Peek.Text) is { } clock)
        {
            reader.Next();
            found = found with { Time = clock };
        }
        bool isEnd = cut == Belfry.Cut.Before || index == 1;
        return found.Time == Clock.Day && !isEnd ? throw new ConditionException("24:00 is an end; a start is 00:00", token.Position)
            : cut == Belfry.Cut.Before && !found.IsNamed && found.Begin(period, Clock.LengthOf(period)) == 0 ? throw new ConditionException($"nothing lies before {found.Text(period)}", token.Position)
            : found;
    }

    static string Expected(Period period) => period switch
    {
        Period.Second => "milliseconds of a second like 250",
        Period.Minute => "seconds of a minute like 45",
        Period.Hour => "minutes and seconds of an hour like 15:00",
        Period.Day => "a clock time like 10:00",
        Period.Week => "a day of the week like Mon, Friday or Fri 10:00",
        _ => "a day of the month like 1st, 31st or 5th 10:00",
    };

    static int? DayOfMonth(string text)
    {
        string digits = text.TrimEnd('.');
        bool isOrdinal = Array.Exists(["st", "nd", "rd", "th"], suffix => digits.EndsWith(suffix, StringComparison.OrdinalIgnoreCase));
        return Number(isOrdinal ? digits[..^2] : digits, 2) is { } day and >= 1 and <= 31 ? (int)day : null;
    }

    static long? TimeIn(Period period, string text)
    {
        string[] fraction = text.Split('.');
        string[] parts = fraction[0].Split(':');
        long? micros = fraction.Length == 1 ? 0 : fraction.Length == 2 && fraction[1].Length is > 0 and <= 6 ? Number(fraction[1].PadRight(6, '0'), 6) : null;
        long?[] numbers = [.. parts.Select(part => Number(part, period == Period.Second ? 3 : 2))];
        if (micros is null || Array.IndexOf(numbers, null) >= 0)
        {
            return null;
        }
        bool isWhole = fraction.Length == 1;
        return (period, numbers) switch
        {
            (Period.Second, [{ } ms]) => (ms * 1000) + (micros / 1000),
            (Period.Minute, [< 60 and var s]) => (s * Clock.Second) + micros,
            (Period.Hour, [< 60 and var m, < 60 and var s]) => (m * Clock.Minute) + (s * Clock.Second) + micros,
            (Period.Day, [24, 0]) when isWhole => Clock.Day,
            (Period.Day, [< 24 and var h, < 60 and var m]) when isWhole => (h * Clock.Hour) + (m * Clock.Minute),
            (Period.Day, [< 24 and var h, < 60 and var m, < 60 and var s]) => (h * Clock.Hour) + (m * Clock.Minute) + (s * Clock.Second) + micros,
            _ => null,
        };
    }

    static long? Number(string text, int digits) =>
        text.Length > 0 && text.Length <= digits && text.All(char.IsAsciiDigit) ? long.Parse(text, CultureInfo.InvariantCulture) : null;
}
