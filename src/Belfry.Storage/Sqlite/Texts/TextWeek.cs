using System.Globalization;

namespace Belfry.Storage.Sqlite.Texts;

/// <summary>
/// The index of a week's texts: a table of FTS5 with trigrams, without the texts themselves. It is only ever added to, and dropped whole: an entry
/// may stand for runs that are gone or changed, because whoever finds one looks at the runs.
/// </summary>
/// <param name="Week">Weeks since 1970.</param>
/// <param name="Shift">An entry stands for the runs whose <c>at</c>, shifted right by so many bits, is its rowid: numbers close together take a third of the room.</param>
/// <param name="Filled">Runs before this instant are in it, but for those in <c>text_due</c>.</param>
/// <param name="Runs">How many were ever put in.</param>
/// <param name="Gone">How many runs of the week were deleted since.</param>
sealed record TextWeek(long Week, int Shift, long Filled, long Runs, long Gone)
{
    /// <summary>Of a week that is being dropped: nothing is in it.</summary>
    public const long Dropping = long.MinValue;

    const long Length = 7 * 86_400 * 1_000_000L;

    static readonly Lazy<bool> Trigrams = new(TryTrigrams);

    /// <summary>The SQLite in use can keep such an index.</summary>
    public static bool IsSupported => Trigrams.Value;

    /// <summary>The table of its entries.</summary>
    public string Table => TableOf(Week);

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

    /// <summary>The table of a week's entries.</summary>
    public static string TableOf(long week) => string.Create(CultureInfo.InvariantCulture, $"text_{week}");

    /// <summary>A week of which nothing is there yet.</summary>
    public static TextWeek New(long week, int shift) => new(week, shift, week * Length, 0, 0);

    /// <summary>All, newest first.</summary>
    public static List<TextWeek> All(Database database)
    {
        var weeks = new List<TextWeek>();
        Statement read = database.Prepare("SELECT week, shift, filled, runs, gone FROM text_week ORDER BY week DESC");
        while (read.Step())
        {
            weeks.Add(new TextWeek(read.Int64(0), read.Int32(1), read.Int64(2), read.Int64(3), read.Int64(4)));
        }
        read.Reset();
        return weeks;
    }

    /// <summary>How far the index is; null where there is none.</summary>
    public static TextIndexStatus? StatusOf(Database database)
    {
        if (database.Number("SELECT count(*) FROM sqlite_master WHERE name = 'text_came'") == 0)
        {
            return null;
        }
        List<TextWeek> weeks = All(database);
        long newest = database.Number("SELECT max(at) FROM run"), oldest = database.Number("SELECT min(at) FROM run");
        long missing = weeks.Count(week => !week.IsWhole) + (oldest > 0 && weeks.TrueForAll(week => week.Week != Of(oldest)) ? 1 : 0) + (newest > 0 && weeks.TrueForAll(week => week.Week != Of(newest)) ? 1 : 0);
        return new TextIndexStatus(weeks.Sum(week => week.Runs), missing + database.Number("SELECT count(*) FROM text_due"));
    }

    /// <summary>A run's place among the entries.</summary>
    public long EntryOf(long at) => at >> Shift;

    /// <summary>FTS5 is an option of SQLite's build, and its trigrams came with 3.34.</summary>
    static bool TryTrigrams()
    {
        try
        {
            using Database database = Database.Open(null, create: true);
            database.Execute("CREATE VIRTUAL TABLE probe USING fts5(text, content='', columnsize=0, detail=none, tokenize='trigram case_sensitive 1')");
            return true;
        }
        catch (SqliteException)
        {
            return false;
        }
    }
}
