using Belfry.Storage.Rollups;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Reading;

/// <summary>Reads figures from rollups.</summary>
static class Figures
{
    /// <summary>The report that is asked for.</summary>
    public static LogReport Read(Database database, ReportQuery query)
    {
        var sum = new ReportSum(query, MarkTable.Read(database));
        foreach (NameKind kind in sum.Kinds)
        {
            foreach ((long number, string text) in KnownNames.All(database, kind))
            {
                sum.Know(number, kind, text);
            }
        }
        HashSet<long> names = [.. sum.Names];
        foreach (CellRange range in sum.Plan.Sums)
        {
            Each(database, range, names, (bucket, name, cell) => sum.Add(range.Level, bucket, name, cell));
        }
        HashSet<long> ofBars = [.. sum.BarNames];
        foreach (CellRange range in query.BarsOfEach ? [] : sum.Plan.Bars)
        {
            Each(database, range, ofBars, (bucket, _, cell) => sum.AddBar(range.Level, bucket, cell));
        }
        return sum.ToReport();
    }

    /// <summary>Ended runs of the whole log.</summary>
    public static long Ended(Database database)
    {
        var numbers = new CellNumbers();
        foreach (CellRange range in ReportPlan.Everything(MarkTable.Read(database)))
        {
            Each(database, range, [RollupKeys.All], (_, _, cell) => numbers.Add(cell));
        }
        return numbers.Ended;
    }

    /// <summary>Open runs by state, of all tasks or of those named.</summary>
    public static IReadOnlyDictionary<RunState, long> Open(Database database, ReportQuery query)
    {
        HashSet<long>? wanted = query.Tasks.Count == 0 ? null : [.. KnownNames.All(database, NameKind.Task).Where(name => query.Wants(name.Text)).Select(name => name.Number)];
        var open = new Dictionary<RunState, long>();
        Statement read = database.Prepare("SELECT state, name, count(*) FROM open GROUP BY state, name");
        while (read.Step())
        {
            if (wanted is null || (read.Int64OrNull(1) is { } name && wanted.Contains(name)))
            {
                open[(RunState)read.Int32(0)] = open.GetValueOrDefault((RunState)read.Int32(0)) + read.Int64(2);
            }
        }
        read.Reset();
        return open;
    }

    static void Each(Database database, CellRange range, HashSet<long> names, Action<long, long, ICellRow> take)
    {
        // Of all runs one cell a bucket is enough; the words are those of the indexes minute_all and hour_all.
        string onlyAll = range.Level < RollupLevel.Day && names.Count == 1 && names.Contains(RollupKeys.All) ? " AND cell & 1048575 = 1048575" : "";
        Statement read = database.Prepare($"SELECT cell, {CellNumbers.Columns} FROM {range.Level.Table()} WHERE cell >= ? AND cell < ?{onlyAll}");
        var cell = new CellRow(read);
        if (range.Level < RollupLevel.Day)
        {
            Each(read.Bind(1, range.First).Bind(2, range.Last));
            return;
        }
        foreach (long name in names)
        {
            Each(read.Bind(1, RollupKeys.FirstOf(name) + range.First).Bind(2, RollupKeys.FirstOf(name) + range.Last));
        }

        void Each(Statement bound)
        {
            while (bound.Step())
            {
                (long bucket, long name) = range.Level.Parts(cell.Key);
                if (names.Contains(name))
                {
                    take(bucket, name, cell);
                }
            }
            bound.Reset();
        }
    }
}
