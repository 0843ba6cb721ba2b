namespace Belfry.Storage.Search;

/// <summary>A time as somebody writes it: a day, a minute or a second, of UTC unless it names a zone.</summary>
/// <param name="At">Its begin.</param>
/// <param name="Length">How long it lasts.</param>
readonly record struct WrittenTime(Instant At, TimeSpan Length)
{
    static readonly int DayLength = "2026-11-20".Length;

    /// <summary>Reads one; null when it is none.</summary>
    public static WrittenTime? Parse(string text)
    {
        int clock = text.AsSpan().IndexOfAny("Tt ") + 1;
        if (clock == 0 && text.Length == DayLength)
        {
            return Instant.TryParse(text + "T00:00:00Z", out Instant day) ? new WrittenTime(day, TimeSpan.FromDays(1)) : null;
        }
        int zone = text.AsSpan(clock).IndexOfAny("Zz+-");
        ReadOnlySpan<char> hands = zone < 0 ? text.AsSpan(clock) : text.AsSpan(clock, zone);
        TimeSpan length = hands.Contains('.') ? TimeSpan.FromMicroseconds(1) : TimeSpan.FromSeconds(hands.Count(':') > 1 ? 1 : 60);
        return Instant.TryParse(zone < 0 ? text + "Z" : text, out Instant at) ? new WrittenTime(at, length) : null;
    }
}
