using System.Globalization;
using System.Text;

namespace Belfry;

/// <summary>Durations as texts: <c>10 minutes</c>, <c>1h 30min</c>, <c>01:30:00</c>. Above zero, with a unit from milliseconds to weeks.</summary>
static class Durations
{
    static readonly (string Name, long Micros)[] Units =
    [
        ("week", 7 * Clock.Day), ("day", Clock.Day), ("hour", Clock.Hour), ("minute", Clock.Minute), ("second", Clock.Second), ("ms", Clock.Second / 1000),
    ];

    static readonly Dictionary<string, long> Known = new(StringComparer.OrdinalIgnoreCase)
    {
        ["ms"] = 1000, ["millisecond"] = 1000, ["milliseconds"] = 1000,
        ["s"] = Clock.Second, ["sec"] = Clock.Second, ["secs"] = Clock.Second, ["second"] = Clock.Second, ["seconds"] = Clock.Second,
        ["m"] = Clock.Minute, ["min"] = Clock.Minute, ["mins"] = Clock.Minute, ["minute"] = Clock.Minute, ["minutes"] = Clock.Minute,
        ["h"] = Clock.Hour, ["hr"] = Clock.Hour, ["hrs"] = Clock.Hour, ["hour"] = Clock.Hour, ["hours"] = Clock.Hour,
        ["d"] = Clock.Day, ["day"] = Clock.Day, ["days"] = Clock.Day,
        ["w"] = 7 * Clock.Day, ["week"] = 7 * Clock.Day, ["weeks"] = 7 * Clock.Day,
    };

    /// <summary>Longer than any that makes sense, and short enough for sums.</summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromDays(1_000_000);

    /// <summary>What is expected where one is not understood.</summary>
    public const string Expected = "a duration like 10 minutes, 1h 30min or 01:30:00";

    /// <summary>A unit's length in microseconds.</summary>
    public static bool TryUnit(string name, out long micros) => Known.TryGetValue(name, out micros);

    /// <summary>A number of units, exact to the microsecond; null beyond what a <see cref="TimeSpan"/> holds.</summary>
    public static TimeSpan? Of(decimal number, long unit) =>
        number <= TimeSpan.MaxValue.Ticks / 10 / (decimal)unit ? TimeSpan.FromMicroseconds((long)Math.Round(number * unit)) : null;

    /// <summary>Reads <c>01:30:00</c> or <c>01:30</c> with an optional fraction of the second.</summary>
    public static TimeSpan? ByClock(string text)
    {
        string[] parts = text.Split(':');
        bool numbers = parts.Length is 2 or 3 && parts[..^1].Append(parts[^1].Split('.')[0]).All(part => part.Length is 1 or 2 && part.All(char.IsAsciiDigit));
        return numbers && TimeSpan.TryParseExact(text, [@"h\:m", @"h\:m\:s", @"h\:m\:s\.FFFFFF"], CultureInfo.InvariantCulture, out TimeSpan span) ? span : null;
    }

    /// <summary>As it is written: <c>1 hour 30 minutes</c>.</summary>
    public static string Text(TimeSpan span)
    {
        var text = new StringBuilder();
        long rest = span.Ticks / TimeSpan.TicksPerMicrosecond;
        foreach ((string name, long micros) in Units)
        {
            decimal count = name == "ms" ? rest / (decimal)micros : rest / micros;
            if (count != 0)
            {
                string plural = name == "ms" || count == 1 ? "" : "s";
                text.Append(text.Length > 0 ? " " : "").Append(count.ToString("0.###", CultureInfo.InvariantCulture)).Append(' ').Append(name).Append(plural);
            }
            rest -= (long)count * micros;
        }
        return text.ToString();
    }

    /// <summary>A duration that a condition can have, in whole microseconds.</summary>
    public static TimeSpan Checked(TimeSpan span, string name) => span >= TimeSpan.FromMicroseconds(1) && span <= Longest
        ? TimeSpan.FromMicroseconds(span.Ticks / TimeSpan.TicksPerMicrosecond)
        : throw new ArgumentOutOfRangeException(name, span, "a duration must be above zero, and not longer than a million days");
}
