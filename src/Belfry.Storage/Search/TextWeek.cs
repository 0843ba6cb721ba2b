using System.Globalization;

namespace Belfry.Storage.Search;

/// <summary>
/// What an engine's index of texts has of a week. It is only ever added to, and dropped whole: an entry may stand for runs that are gone or changed, because
/// whoever finds one looks at the runs.
/// </summary>
/// <param name="Week">Weeks since 1970.</param>
/// <param name="Shift">An entry stands for the runs whose <c>at</c>, shifted right by so many bits, is its number.</param>
/// <param name="Filled">Runs before this instant are in it, but for those that are due.</param>
/// <param name="Runs">How many were ever put in.</param>
/// <param name="Gone">How many runs of the week were deleted since, where the engine counts that.</param>
sealed record TextWeek(long Week, int Shift, long Filled, long Runs, long Gone)
{
    /// <summary>Of a week that is being dropped: nothing is in it.</summary>
    public const long Dropping = long.MinValue;

    const long Length = 7 * 86_400 * 1_000_000L;

    /// <summary>The table of its entries.</summary>
    public string Table { get; init; } = TableOf(Week);

    /// <summary>Its first instant.</summary>
    public long Begin => Week * Length;

    /// <summary>Just behind its last instant.</summary>
    public long End => Begin + Length;

    /// <summary>The whole week is in it.</summary>
    public bool IsWhole => Filled == End;

    /// <summary>It is being dropped.</summary>
    public bool IsDropping => Filled == Dropping;

    /// <summary>The week of an instant.</summary>
    public static long Of(long at) => at / Length;

    /// <summary>The table of a week's entries, where there is never another one of that name.</summary>
    public static string TableOf(long week) => string.Create(CultureInfo.InvariantCulture, $"text_{week}");

    /// <summary>A week of which nothing is there yet.</summary>
    public static TextWeek New(long week, int shift = 0) => new(week, shift, week * Length, 0, 0);

    /// <summary>A run's place among the entries.</summary>
    public long EntryOf(long at) => at >> Shift;
}
