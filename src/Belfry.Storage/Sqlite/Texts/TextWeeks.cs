using Belfry.Storage.Search;

namespace Belfry.Storage.Sqlite.Texts;

/// <summary>The weeks of the index: each a table of FTS5 with trigrams, without the texts themselves. Numbers of entries that are close together take a third of the room.</summary>
static class TextWeeks
{
    static readonly Lazy<bool> Trigrams = new(TryTrigrams);

    /// <summary>Why the SQLite in use cannot keep such an index; null when it can.</summary>
    public static string? Lacks => Trigrams.Value ? null : $"SQLite {Database.LibraryVersion} was built without FTS5, or is older than 3.34, with which its trigrams came";

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
        (long oldest, long newest) = (database.Number("SELECT min(at) FROM run"), database.Number("SELECT max(at) FROM run"));
        return TextIndexStatus.Of(All(database), database.Number("SELECT count(*) FROM text_due"), oldest, newest);
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
