using Belfry.Storage.Rollups;

namespace Belfry.Storage.Sqlite.Rows;

/// <summary>How far the figures of a SQLite store are kept and added up.</summary>
static class MarkTable
{
    public static RollupMarks Read(Database database)
    {
        Statement read = database.Prepare("SELECT kept, added FROM main.rollup_mark ORDER BY level");
        read.Step();
        (long minutesKept, long minutesAdded) = (read.Int64(0), read.Int64(1));
        read.Step();
        var marks = new RollupMarks(minutesKept, minutesAdded, read.Int64(0), read.Int64(1));
        read.Reset();
        return marks;
    }

    public static void Write(Database database, RollupMarks marks)
    {
        Statement write = database.Prepare("UPDATE rollup_mark SET kept = ?, added = ? WHERE level = ?");
        foreach (RollupLevel level in (RollupLevel[])[RollupLevel.Minute, RollupLevel.Hour])
        {
            write.Bind(1, marks.Kept(level)).Bind(2, marks.Added(level)).Bind(3, (long)level).Run();
        }
    }
}
