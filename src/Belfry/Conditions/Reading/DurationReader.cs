using System.Globalization;

namespace Belfry;

/// <summary>Reads durations: numbers with units, one after the other, or <c>HH:MM:SS</c>.</summary>
static class DurationReader
{
    /// <summary>Reads a text that is a duration and nothing else.</summary>
    public static TimeSpan Read(string text)
    {
        var reader = new TokenReader(text);
        TimeSpan span = Read(reader);
        return reader.IsAtEnd ? span : throw reader.Unexpected("the end");
    }

    /// <summary>Reads a duration.</summary>
    public static TimeSpan Read(TokenReader reader)
    {
        Token first = reader.Peek;
        TimeSpan? span = first.IsQuoted ? null : Durations.ByClock(first.Text);
        if (span is not null)
        {
            reader.Next();
        }
        while (span is null || IsNumber(reader.Peek))
        {
            span = (span ?? TimeSpan.Zero) + One(reader);
        }
        return span > TimeSpan.Zero ? span.Value : throw new ConditionException("a duration must be above zero", first.Position);
    }

    /// <summary>Reads a number and its unit, which may be one word or two.</summary>
    static TimeSpan One(TokenReader reader)
    {
        Token token = reader.Peek;
        if (!IsNumber(token))
        {
            throw reader.Unexpected(Durations.Expected);
        }
        int digits = token.Text.TakeWhile(c => char.IsAsciiDigit(c) || c == '.').Count();
        string unit = token.Text[digits..];
        reader.Next();
        unit = unit.Length > 0 ? unit : !reader.Peek.IsQuoted && Durations.TryUnit(reader.Peek.Text, out _) ? reader.Next().Text : "";
        if (!Durations.TryUnit(unit, out long micros))
        {
            throw new ConditionException($"'{token.Text}' is no duration: say of which unit, ms to weeks", token.Position);
        }
        bool isNumber = decimal.TryParse(token.Text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number);
        return isNumber && Durations.Of(number, micros) is { } span && span < Durations.Longest
            ? span
            : throw new ConditionException($"'{token.Text}' is no number that a duration can have", token.Position);
    }

    static bool IsNumber(Token token) => !token.IsQuoted && token.Text.Length > 0 && char.IsAsciiDigit(token.Text[0]);
}
