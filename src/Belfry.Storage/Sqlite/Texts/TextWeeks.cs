using Belfry.Storage.Search;

namespace Belfry.Storage.Sqlite.Texts;

/// <summary>The weeks of the index: each a table of FTS5 with trigrams, without the texts themselves. Numbers of entries that are close together take a third of the room.</summary>
static class TextWeeks
{
    static readonly Lazy<bool> Trigrams = new(TryTrigrams);

    /// <summary>The SQLite in use can keep such an index.</summary>
    public static bool IsSupported => Trigrams.Value;

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
        long missing = weeks.Count(week => !week.IsWhole) + (oldest > 0 && weeks.TrueForAll(week => week.Week != TextWeek.Of(oldest)) ? 1 : 0) + (newest > 0 && weeks.TrueForAll(week => week.Week != TextWeek.Of(newest)) ? 1 : 0);
        return new TextIndexStatus(weeks.Sum(week => week.Runs), missing + database.Number("SELECT count(*) FROM text_due"));
    }

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
