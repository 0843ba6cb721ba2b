using Belfry.Storage.Rollups;
using Belfry.Storage.Rows;

namespace Belfry.Storage.Sqlite.Reading;

/// <summary>Reads the figures of a span from rollups.</summary>
static class Figures
{
    public static LogFigures Read(Database database, Instant from, Instant to, IReadOnlyList<string> tasks, IRowContext names)
    {
        HashSet<long>? wanted = tasks.Count == 0 ? null : [.. new RunMatch(database, new RunFilter { Tasks = tasks }, names).Tasks!];
        var sum = new FiguresSum(from, to, wanted, IsThinned(database, from));
        AddEnds(database, sum);
        AddDurations(database, sum);
        AddBars(database, sum);
        AddOpen(database, sum);
        return sum.Total(name => names.Text(name)!);
    }

    /// <summary>Figures by the minute are gone there: hours begin before the first minute does.</summary>
    static bool IsThinned(Database database, Instant from)
    {
        Statement find = database.Prepare(
            "SELECT EXISTS(SELECT 1 FROM hour WHERE cell >= ? AND cell < coalesce((SELECT ((cell >> 20) / 60) << 20 FROM minute ORDER BY cell LIMIT 1), 9223372036854775807))");
        bool thinned = find.Bind(1, RollupChanges.HourOf(from) << 20).Step() && find.Int64(0) != 0;
        find.Reset();
        return thinned;
    }

    /// <summary>Ended runs of the whole log.</summary>
    public static long Ended(Database database) =>
        database.Number($"SELECT sum(completed + failed + retried + cancelled + skipped + lost) FROM hour WHERE cell & 1048575 = 1048575");

    static void AddEnds(Database database, FiguresSum sum)
    {
        Statement read = database.Prepare($"SELECT cell & {RollupChanges.All}, {FiguresSum.Sums} FROM {sum.Table} WHERE cell >= ? AND cell < ? GROUP BY 1");
        read.Bind(1, sum.FirstCell).Bind(2, sum.LastCell);
        while (read.Step())
        {
            sum.AddEnds(read.Int64(0), [read.Int64(1), read.Int64(2), read.Int64(3), read.Int64(4), read.Int64(5), read.Int64(6)]);
        }
        read.Reset();
    }

    static void AddDurations(Database database, FiguresSum sum)
    {
        Statement read = database.Prepare($"SELECT cell & {RollupChanges.All}, hist FROM {sum.Table} WHERE cell >= ? AND cell < ? AND timed > 0{OfAll(sum)}");
        read.Bind(1, sum.FirstCell).Bind(2, sum.LastCell);
        while (read.Step())
        {
            if (sum.Wants(read.Int64(0)))
            {
                sum.AddDurations(read.Bytes(1));
            }
        }
        read.Reset();
    }

    static void AddBars(Database database, FiguresSum sum)
    {
        Statement read = database.Prepare($"""
            SELECT cell, completed + failed + retried + cancelled + skipped + lost, failed + lost
            FROM {sum.BarTable} WHERE cell >= ? AND cell < ?{OfAll(sum)} ORDER BY cell
            """);
        read.Bind(1, sum.FirstBarCell).Bind(2, sum.LastBarCell);
        while (read.Step())
        {
            sum.AddBar(read.Int64(0), read.Int64(1), read.Int64(2));
        }
        read.Reset();
    }

    /// <summary>Of all tasks, one cell a bucket is enough; the words are those of the indexes minute_all and hour_all.</summary>
    static string OfAll(FiguresSum sum) => sum.Wants(RollupChanges.All) ? " AND cell & 1048575 = 1048575" : "";

    static void AddOpen(Database database, FiguresSum sum)
    {
        Statement read = database.Prepare("SELECT state, name, count(*) FROM open GROUP BY state, name");
        while (read.Step())
        {
            sum.AddOpen((RunState)read.Int32(0), read.Int64OrNull(1), read.Int64(2));
        }
        read.Reset();
    }
}
