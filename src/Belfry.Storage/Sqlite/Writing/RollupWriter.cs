using Belfry.Storage.Rollups;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>Writes what a group adds to the figures, and adds minutes up to hours and hours to days as time moves on.</summary>
/// <param name="database">Where to.</param>
/// <param name="schema">In which of its schemas.</param>
sealed class RollupWriter(Database database, string schema = "main")
{
    /// <summary>Cells added up in one transaction, some 10 ms; a group that has more of its own may add up twice as many, so the marks always follow.</summary>
    const int Piece = 2000;

    /// <summary>Writes a group's changes; within its transaction. First the marks move: what the group has below them is written to all levels at once.</summary>
    public void Write(RollupChanges changes, Instant now)
    {
        if (changes.Count > 0)
        {
            Write(changes, AddUp(RollupMarks.MinutesDue(changes.Newest, now), Math.Max(Piece, 2 * changes.Count)));
        }
    }

    /// <summary>Writes changes as they belong to where the marks are.</summary>
    public void Write(RollupChanges changes, RollupMarks marks)
    {
        IReadOnlyDictionary<long, RollupCell>[] cells = changes.Spread(marks);
        for (RollupLevel level = RollupLevel.Minute; level <= RollupLevel.Day; level++)
        {
            Write(level, cells[(int)level]);
        }
        changes.Clear();
    }

    /// <summary>Adds up a piece of what is due below a key of a minute; within a transaction.</summary>
    /// <returns>Whether that is done.</returns>
    public bool AddUp(long minutesDue)
    {
        RollupMarks marks = AddUp(minutesDue, Piece);
        return marks.MinutesAdded >= minutesDue && marks.HoursAdded >= marks.HoursDue;
    }

    /// <summary>Deletes a piece of a level's cells below a key, as far as they are part of the level above, and notes that they are gone.</summary>
    /// <returns>How many there were.</returns>
    public int Forget(RollupLevel level, long below)
    {
        RollupMarks marks = MarkTable.Read(database);
        below = Math.Min(below, marks.Added(level));
        if (below > marks.Kept(level))
        {
            MarkTable.Write(database, marks.WithKept(level, below));
        }
        database.Prepare($"DELETE FROM {level.Table()} WHERE cell IN (SELECT cell FROM {level.Table()} WHERE cell < ? ORDER BY cell LIMIT 1000)").Bind(1, below).Run();
        return database.Changes;
    }

    /// <summary>Adds up minutes to their hours as far as they are due, and hours to their days, so many cells at most.</summary>
    RollupMarks AddUp(long minutesDue, int most)
    {
        RollupMarks before = MarkTable.Read(database), marks = before;
        marks = AddUp(RollupLevel.Minute, marks, minutesDue, ref most);
        marks = AddUp(RollupLevel.Hour, marks, marks.HoursDue, ref most);
        if (marks != before)
        {
            MarkTable.Write(database, marks);
        }
        return marks;
    }

    RollupMarks AddUp(RollupLevel level, RollupMarks marks, long due, ref int most)
    {
        if (marks.Added(level) >= due || most <= 0)
        {
            return marks;
        }
        var above = new Dictionary<long, RollupCell>();
        Statement read = database.Prepare(
            $"SELECT cell, {CellNumbers.Columns} FROM {schema}.{level.Table()} WHERE cell >= ? AND cell < ? ORDER BY cell LIMIT ?");
        read.Bind(1, marks.Added(level)).Bind(2, due).Bind(3, most);
        var row = new CellRow(read);
        long last = due - 1;
        while (read.Step())
        {
            RollupChanges.CellOf(above, level.Above(row.Key)).Add(row);
            last = --most > 0 ? last : row.Key;
        }
        read.Reset();
        Write(level + 1, above);
        return marks.WithAdded(level, last + 1);
    }

    /// <summary>Adds to cells of a level.</summary>
    public void Write(RollupLevel level, IReadOnlyDictionary<long, RollupCell> cells)
    {
        if (cells.Count == 0)
        {
            return;
        }
        Statement read = database.Prepare($"SELECT hist, wait_hist FROM {schema}.{level.Table()} WHERE cell = ?"), write = database.Prepare(Upsert(level));
        foreach ((long key, RollupCell cell) in cells)
        {
            write.Bind(1, key);
            for (int column = 0; column < CellNumbers.Names.Length; column++)
            {
                write.Bind(2 + column, cell.Numbers[column]);
            }
            bool isThere = cell is not { Runtimes: null, Waits: null } && read.Bind(1, key).Step();
            Bind(write, 2 + CellNumbers.Hist, cell.Runtimes, isThere ? read.Bytes(0) : default);
            Bind(write, 2 + CellNumbers.WaitHist, cell.Waits, isThere ? read.Bytes(1) : default);
            read.Reset();
            write.Run();
        }
    }

    /// <summary>A cell of which no durations change keeps what it has.</summary>
    static void Bind(Statement write, int parameter, DurationHistogram? added, ReadOnlySpan<byte> stored) =>
        _ = added is null ? write.BindNull(parameter) : write.Bind(parameter, added.Onto(stored));

    string Upsert(RollupLevel level) => $"""
        INSERT INTO {schema}.{level.Table()}(cell, {CellNumbers.Columns}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT(cell) DO UPDATE SET {CellNumbers.Upsert(level.Table(), "max", "min")},
          hist = coalesce(excluded.hist, hist), wait_hist = coalesce(excluded.wait_hist, wait_hist)
        """;
}
