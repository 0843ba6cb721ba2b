namespace Belfry.Storage.Search;

/// <summary>A stretch of time that is in the index of texts, or not.</summary>
/// <param name="From">Begin.</param>
/// <param name="To">End.</param>
/// <param name="Week">The week in whose index it is; null where all rows have to be looked at.</param>
readonly record struct TextStretch(long From, long To, TextWeek? Week)
{
    /// <summary>Runs without a hit are passed over within the engine, which nobody can ask meanwhile how far it is: a million take some tens of milliseconds.</summary>
    const long RunsOfStretch = 1_000_000;

    /// <summary>What of a span is in the index and what is not, newest first.</summary>
    public static IEnumerable<TextStretch> Of(IReadOnlyList<TextWeek> weeks, long from, long to)
    {
        foreach (TextWeek week in weeks)
        {
            (long first, long end) = (Math.Max(week.Begin, from), Math.Min(week.Filled, to));
            if (end <= first)
            {
                continue;
            }
            if (end < to)
            {
                yield return new TextStretch(end, to, null);
            }
            long length = (week.Filled - week.Begin) / (1 + (week.Runs / RunsOfStretch)); // of an even flow
            for (to = end; to > first;)
            {
                long cut = Math.Max(first, to - length);
                yield return new TextStretch(cut, to, week);
                to = cut;
            }
        }
        if (from < to)
        {
            yield return new TextStretch(from, to, null);
        }
    }
}
