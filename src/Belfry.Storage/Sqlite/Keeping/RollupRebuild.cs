using Belfry.Storage.Rollups;
using Belfry.Storage.Rows;
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
    const string Columns = "cell, first, completed, failed, retried, cancelled, skipped, lost, timed, sum, max, hist";

    public static RollupRepair Run(Database database, Instant now, CancellationToken cancel)
    {
        database.Execute("BEGIN IMMEDIATE");
        try
        {
            foreach (string table in (string[])["minute", "hour"])
            {
                database.Execute($"CREATE TEMP TABLE {table}(cell INTEGER PRIMARY KEY, first, completed, failed, retried, cancelled, skipped, lost, timed, sum, max, hist)");
            }
            CountRows(database, cancel);
            long mended = Exchange(database, "hour", "(cell >> 20)", long.MinValue)
                + Exchange(database, "minute", "(cell >> 20) / 60", RollupChanges.MinuteOf(now - RetentionPolicy.MinutesKept) << RollupChanges.NameBits);
            var repair = new RollupRepair(
                database.Number("SELECT count(DISTINCT cell >> 20) FROM main.hour WHERE cell >> 20 NOT IN (SELECT hour FROM lacking)"), mended, LeftAlone(database));
            database.Execute("COMMIT");
            return repair;
        }
        catch
        {
            database.Execute("ROLLBACK");
            throw;
        }
    }

    static void CountRows(Database database, CancellationToken cancel)
    {
        using var names = new NameTable(database);
        var changes = new RollupChanges();
        var writer = new RollupWriter(database, "temp.");
        long counted = 0;
        foreach (string table in (string[])["run", "open"])
        {
            using Statement read = database.PrepareOnce($"SELECT at, {RowCodec.Columns} FROM {table}");
            while (read.Step())
            {
                changes.Change(null, RowCodec.Read(read, 1, read.Int64(0), names), task => names.NumberOrNull(NameKind.Task, task));
                if (++counted % RowsAtOnce == 0)
                {
                    cancel.ThrowIfCancellationRequested();
                    writer.Write(changes);
                }
            }
        }
        writer.Write(changes);
    }

    /// <summary>Exchanges the cells of a table; returns how many were not what they should be.</summary>
    static long Exchange(Database database, string table, string hour, long from)
    {
        string allowed = $"cell >= {from} AND {hour} NOT IN (SELECT hour FROM lacking)";
        // A maximum is not lowered while events come, and a cell of which all went away may stay, empty: neither is wrong.
        const string figures = "cell, first, completed, failed, retried, cancelled, skipped, lost, timed, sum, coalesce(hist, x'')";
        const string some = "(first <> 0 OR completed <> 0 OR failed <> 0 OR retried <> 0 OR cancelled <> 0 OR skipped <> 0 OR lost <> 0)";
        long wrong = database.Number($"""
            SELECT count(DISTINCT cell) FROM (
              SELECT * FROM (SELECT {figures} FROM temp.{table} WHERE {allowed} AND {some} EXCEPT SELECT {figures} FROM main.{table})
              UNION ALL
              SELECT * FROM (SELECT {figures} FROM main.{table} WHERE {allowed} AND {some} EXCEPT SELECT {figures} FROM temp.{table}))
            """);
        database.Execute($"DELETE FROM main.{table} WHERE {allowed}; INSERT INTO main.{table}({Columns}) SELECT {Columns} FROM temp.{table} WHERE {allowed}");
        return wrong;
    }

    static List<Instant> LeftAlone(Database database)
    {
        var hours = new List<Instant>();
        using Statement read = database.PrepareOnce("SELECT hour FROM lacking ORDER BY hour");
        while (read.Step())
        {
            hours.Add(new Instant(read.Int64(0) * RollupChanges.HourMicros));
        }
        return hours;
    }
}
