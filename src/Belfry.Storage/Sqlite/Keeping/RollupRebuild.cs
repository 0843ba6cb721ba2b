using Belfry.Storage.Rollups;
using Belfry.Storage.Sqlite.Rows;
using Belfry.Storage.Sqlite.Writing;

namespace Belfry.Storage.Sqlite.Keeping;

/// <summary>
/// Makes figures of rows again, by the same code that keeps them from event to event: all rows are counted into tables beside,
/// then the cells of every hour whose rows are all still there are exchanged. One transaction.
/// </summary>
static class RollupRebuild
{
    const int RowsAtOnce = 50_000; // bounds the cells in memory

    /// <summary>Mends the figures, or only tells how many are wrong.</summary>
    public static RollupRepair Run(Database database, bool mend, CancellationToken cancel)
    {
        database.Execute("BEGIN IMMEDIATE");
        try
        {
            RollupMarks marks = MarkTable.Read(database);
            foreach (string table in (string[])["minute", "hour", "day"])
            {
                database.Execute($"CREATE TEMP TABLE {table}(cell INTEGER PRIMARY KEY, {CellNumbers.Columns})");
            }
            CountRows(database, marks, cancel);
            long mended = Exchange(database, "minute", RollupDifference.Minutes(marks)) + Exchange(database, "hour", RollupDifference.Hours(marks));
            CountHours(database, marks);
            mended += Exchange(database, "day", RollupDifference.Days(marks));
            var repair = new RollupRepair(database.Number(RollupDifference.HoursWithRows("main")), mended, LeftAlone(database));
            database.Execute($"DROP TABLE temp.minute; DROP TABLE temp.hour; DROP TABLE temp.day; {(mend ? "COMMIT" : "ROLLBACK")}");
            return repair;
        }
        catch
        {
            database.Execute("ROLLBACK");
            throw;
        }
    }

    static void CountRows(Database database, RollupMarks marks, CancellationToken cancel)
    {
        using var names = new NameTable(database);
        var changes = new RollupChanges(names.Number);
        var writer = new RollupWriter(database, "temp");
        long counted = 0;
        foreach (string table in (string[])["run", "open"])
        {
            using Statement read = database.PrepareOnce($"SELECT at, {RowCodec.Columns} FROM {table}");
            while (read.Step())
            {
                changes.Change(null, RowCodec.Read(read, 1, read.Int64(0), names));
                if (++counted % RowsAtOnce == 0)
                {
                    cancel.ThrowIfCancellationRequested();
                    writer.Write(changes, marks);
                }
            }
        }
        writer.Write(changes, marks);
    }

    /// <summary>Makes days of hours where rows are gone: the hours are right by now.</summary>
    static void CountHours(Database database, RollupMarks marks)
    {
        database.Execute($"DELETE FROM temp.day WHERE {RollupDifference.DayLacks}");
        var days = new Dictionary<long, RollupCell>();
        using (Statement read = database.PrepareOnce($"SELECT cell, {CellNumbers.Columns} FROM main.hour WHERE {RollupDifference.HoursOfLackingDays(marks)}"))
        {
            var row = new CellRow(read);
            while (read.Step())
            {
                RollupChanges.CellOf(days, RollupLevel.Hour.Above(row.Key)).Add(row);
            }
        }
        new RollupWriter(database, "temp").Write(RollupLevel.Day, days);
    }

    /// <summary>Exchanges the cells of a table; returns how many were not what they should be.</summary>
    static long Exchange(Database database, string table, string allowed)
    {
        long wrong = database.Number(RollupDifference.Count($"temp.{table}", $"main.{table}", allowed, "x''"));
        database.Execute(RollupDifference.Exchange($"temp.{table}", $"main.{table}", allowed));
        return wrong;
    }

    static List<Instant> LeftAlone(Database database)
    {
        var hours = new List<Instant>();
        using Statement read = database.PrepareOnce("SELECT hour FROM lacking ORDER BY hour");
        while (read.Step())
        {
            hours.Add(new Instant(read.Int64(0) * RollupLevel.Hour.Micros()));
        }
        return hours;
    }
}
