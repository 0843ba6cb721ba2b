using Belfry.Storage.Rollups;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>Writes what a group adds to the figures.</summary>
/// <param name="database">Where to.</param>
/// <param name="schema">In which of its schemas, with a dot behind it; the tables of the log when it is empty.</param>
sealed class RollupWriter(Database database, string schema = "")
{
    /// <summary>Writes a group's changes; within its transaction.</summary>
    public void Write(RollupChanges changes)
    {
        Write(schema + "minute", changes.Minutes);
        Write(schema + "hour", changes.Hours);
        changes.Clear();
    }

    void Write(string table, IReadOnlyDictionary<long, RollupCell> cells)
    {
        Statement read = database.Prepare($"SELECT hist FROM {table} WHERE cell = ?");
        Statement write = database.Prepare($"""
            INSERT INTO {table}(cell, first, completed, failed, retried, cancelled, skipped, lost, timed, sum, max, hist)
            VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT(cell) DO UPDATE SET first = first + excluded.first, completed = completed + excluded.completed,
              failed = failed + excluded.failed, retried = retried + excluded.retried, cancelled = cancelled + excluded.cancelled,
              skipped = skipped + excluded.skipped, lost = lost + excluded.lost, timed = timed + excluded.timed,
              sum = sum + excluded.sum, max = max(max, excluded.max), hist = coalesce(excluded.hist, hist)
            """);
        foreach ((long key, RollupCell cell) in cells)
        {
            bool timed = !cell.Durations.IsEmpty; // a cell that only counts beginnings keeps its durations untouched
            if (timed && read.Bind(1, key).Step())
            {
                cell.Durations.AddUnder(read.Bytes(0));
            }
            read.Reset();
            write.Bind(1, key).Bind(2, cell.First)
                .Bind(3, cell[RunState.Completed]).Bind(4, cell[RunState.Failed]).Bind(5, cell[RunState.Retried])
                .Bind(6, cell[RunState.Cancelled]).Bind(7, cell[RunState.Skipped]).Bind(8, cell[RunState.Lost])
                .Bind(9, cell.Timed).Bind(10, cell.Sum).Bind(11, cell.Max);
            (timed ? write.Bind(12, cell.Durations.Sum()) : write.BindNull(12)).Run();
        }
    }
}
