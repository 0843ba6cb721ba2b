using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Rollups;
using Npgsql;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>
/// Writes what a group adds to the figures, and adds minutes up to hours and hours to days as time moves on. It holds the lock of the figures from
/// here to the commit: histograms are added here, not by the server, and the marks must not move meanwhile.
/// </summary>
/// <param name="connection">Where to.</param>
/// <param name="schema">In which schema.</param>
sealed class RollupWriter(NpgsqlConnection connection, string schema = "belfry")
{
    /// <summary>Cells added up in one transaction; a group that has more of its own may add up twice as many, so the marks always follow.</summary>
    const int Piece = 2000;

    /// <summary>Writes a group's changes; within its transaction. First the marks move: what the group has below them is written to all levels at once.</summary>
    public void Write(RollupChanges changes, Instant now)
    {
        if (changes.Count > 0)
        {
            RollupMarks marks = LockAndRead();
            Write(changes, AddUp(marks, RollupMarks.MinutesDue(changes.Newest, now), Math.Max(Piece, 2 * changes.Count)));
        }
    }

    /// <summary>Writes changes as they belong to where the marks are.</summary>
    public void Write(RollupChanges changes, RollupMarks marks)
    {
        IReadOnlyDictionary<long, RollupCell>[] cells = changes.Spread(marks);
        Write([.. cells.Select((ofLevel, level) => ((RollupLevel)level, ofLevel)).Where(one => one.ofLevel.Count > 0)]);
        changes.Clear();
    }

    /// <summary>Adds up a piece of what is due below a key of a minute.</summary>
    /// <returns>Whether that is done.</returns>
    public bool AddUp(long minutesDue)
    {
        RollupMarks marks = AddUp(LockAndRead(), minutesDue, Piece);
        return marks.MinutesAdded >= minutesDue && marks.HoursAdded >= marks.HoursDue;
    }

    /// <summary>Deletes a piece of a level's cells below a key, as far as they are part of the level above, and notes that they are gone.</summary>
    /// <returns>How many there were.</returns>
    public int Forget(RollupLevel level, long below)
    {
        RollupMarks marks = LockAndRead();
        below = Math.Min(below, marks.Added(level));
        if (below > marks.Kept(level))
        {
            Run(WriteMarks(marks.WithKept(level, below)));
        }
        return Run(Commands.Of($"DELETE FROM {level.Table()} WHERE cell IN (SELECT cell FROM {level.Table()} WHERE cell < $1 ORDER BY cell LIMIT 1000)", below));
    }

    /// <summary>Adds to cells of levels.</summary>
    public void Write(params IReadOnlyList<(RollupLevel Level, IReadOnlyDictionary<long, RollupCell> Cells)> changes)
    {
        List<Dictionary<long, (byte[]? Hist, byte[]? WaitHist)>> stored = ReadHistograms(changes);
        Run([.. changes.Select((change, i) => Upsert(change.Level, change.Cells, stored[i]))]);
    }

    /// <summary>How far figures are kept and added up; nobody else changes that, or a cell, until this transaction ends.</summary>
    RollupMarks LockAndRead()
    {
        using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Commands.Of($"SELECT pg_advisory_xact_lock({PostgresStore.LockSpace}, {PostgresStore.FiguresLock})"),
                Commands.Of(MarkTable.Read),
            },
        };
        using NpgsqlDataReader row = batch.ExecuteReader();
        row.NextResult();
        return MarkTable.Of(row);
    }

    /// <summary>Adds up minutes to their hours as far as they are due, and hours to their days, so many cells at most.</summary>
    RollupMarks AddUp(RollupMarks before, long minutesDue, int most)
    {
        RollupMarks marks = AddUp(RollupLevel.Minute, before, minutesDue, ref most);
        marks = AddUp(RollupLevel.Hour, marks, marks.HoursDue, ref most);
        if (marks != before)
        {
            Run(WriteMarks(marks));
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
        long last = due - 1;
        using (var batch = new NpgsqlBatch(connection) { BatchCommands = { Commands.Of(Cells(level), marks.Added(level), due, most) } })
        using (NpgsqlDataReader reader = batch.ExecuteReader())
        {
            var row = new CellRow(reader);
            while (reader.Read())
            {
                RollupChanges.CellOf(above, level.Above(row.Key)).Add(row);
                last = --most > 0 ? last : row.Key;
            }
        }
        Write((level + 1, above));
        return marks.WithAdded(level, last + 1);
    }

    /// <summary>What the cells have so far that get more durations.</summary>
    List<Dictionary<long, (byte[]? Hist, byte[]? WaitHist)>> ReadHistograms(IReadOnlyList<(RollupLevel Level, IReadOnlyDictionary<long, RollupCell> Cells)> changes)
    {
        var all = new List<Dictionary<long, (byte[]?, byte[]?)>>();
        if (changes.Count == 0)
        {
            return all;
        }
        using var batch = new NpgsqlBatch(connection);
        foreach ((RollupLevel level, IReadOnlyDictionary<long, RollupCell> cells) in changes)
        {
            long[] keys = [.. cells.Where(cell => cell.Value is not { Runtimes: null, Waits: null }).Select(cell => cell.Key)];
            batch.BatchCommands.Add(Commands.Of($"SELECT cell, hist, wait_hist FROM {schema}.{level.Table()} WHERE cell = ANY($1)", keys));
        }
        using NpgsqlDataReader row = batch.ExecuteReader();
        do
        {
            var ofLevel = new Dictionary<long, (byte[]?, byte[]?)>();
            while (row.Read())
            {
                ofLevel[row.GetInt64(0)] = (Bytes(row, 1), Bytes(row, 2));
            }
            all.Add(ofLevel);
        }
        while (row.NextResult());
        return all;
    }

    NpgsqlBatchCommand Upsert(RollupLevel level, IReadOnlyDictionary<long, RollupCell> changes, Dictionary<long, (byte[]? Hist, byte[]? WaitHist)> stored)
    {
        KeyValuePair<long, RollupCell>[] cells = [.. changes];
        object[] columns =
        [
            Array.ConvertAll(cells, cell => cell.Key),
            .. CellNumbers.Names.Select((_, column) => Array.ConvertAll(cells, cell => cell.Value.Numbers[column])),
            Array.ConvertAll(cells, cell => cell.Value.Runtimes?.Onto(stored.GetValueOrDefault(cell.Key).Hist)),
            Array.ConvertAll(cells, cell => cell.Value.Waits?.Onto(stored.GetValueOrDefault(cell.Key).WaitHist)),
        ];
        string table = level.Table();
        return Commands.Of(
            $"""
            INSERT INTO {schema}.{table}(cell, {CellNumbers.Columns})
            SELECT * FROM unnest({string.Join(", ", columns.Select((_, i) => $"${i + 1}"))})
            ON CONFLICT(cell) DO UPDATE SET {CellNumbers.Upsert(table, "greatest", "least")},
              hist = coalesce(excluded.hist, {table}.hist), wait_hist = coalesce(excluded.wait_hist, {table}.wait_hist)
            """,
            columns);
    }

    string Cells(RollupLevel level) =>
        $"SELECT cell, {CellNumbers.Columns} FROM {schema}.{level.Table()} WHERE cell >= $1 AND cell < $2 ORDER BY cell LIMIT $3";

    static NpgsqlBatchCommand[] WriteMarks(RollupMarks marks) =>
        [.. new[] { RollupLevel.Minute, RollupLevel.Hour }.Select(level => Commands.Of(MarkTable.Write, marks.Kept(level), marks.Added(level), (int)level))];

    int Run(params ReadOnlySpan<NpgsqlBatchCommand> commands)
    {
        if (commands.IsEmpty)
        {
            return 0;
        }
        using var batch = new NpgsqlBatch(connection);
        foreach (NpgsqlBatchCommand command in commands)
        {
            batch.BatchCommands.Add(command);
        }
        return batch.ExecuteNonQuery();
    }

    static byte[]? Bytes(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<byte[]>(column);
}
