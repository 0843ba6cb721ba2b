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

    static readonly Dictionary<long, RollupCell> Nothing = [];

    /// <summary>Writes a group's changes; within its transaction. First the marks move: what the group has below them is written to all levels at once.</summary>
    public void Write(RollupChanges changes, Instant now)
    {
        if (changes.Count > 0)
        {
            (RollupMarks marks, Dictionary<long, Histograms> minutes) = LockAndRead(changes.Minutes);
            Write(changes, AddUp(marks, RollupMarks.MinutesDue(changes.Newest, now), Math.Max(Piece, 2 * changes.Count)), minutes);
        }
    }

    /// <summary>Writes changes as they belong to where the marks are.</summary>
    public void Write(RollupChanges changes, RollupMarks marks) => Write(changes, marks, null);

    /// <summary>Adds up a piece of what is due below a key of a minute.</summary>
    /// <returns>Whether that is done.</returns>
    public bool AddUp(long minutesDue)
    {
        RollupMarks marks = AddUp(LockAndRead(Nothing).Marks, minutesDue, Piece);
        return marks.MinutesAdded >= minutesDue && marks.HoursAdded >= marks.HoursDue;
    }

    /// <summary>Deletes a piece of a level's cells below a key, as far as they are part of the level above, and notes that they are gone.</summary>
    /// <returns>How many there were.</returns>
    public int Forget(RollupLevel level, long below)
    {
        RollupMarks marks = LockAndRead(Nothing).Marks;
        below = Math.Min(below, marks.Added(level));
        if (below > marks.Kept(level))
        {
            Run(WriteMarks(marks.WithKept(level, below)));
        }
        return Run(Commands.Of($"DELETE FROM {level.Table()} WHERE cell IN (SELECT cell FROM {level.Table()} WHERE cell < $1 ORDER BY cell LIMIT 1000)", below));
    }

    /// <summary>Adds to cells of a level.</summary>
    public void Write(RollupLevel level, Dictionary<long, RollupCell> cells) => Write([(level, cells)], null);

    void Write(RollupChanges changes, RollupMarks marks, Dictionary<long, Histograms>? minutes)
    {
        Write([.. changes.Spread(marks).Select((cells, level) => ((RollupLevel)level, cells))], minutes);
        changes.Clear();
    }

    void Write(IEnumerable<(RollupLevel Level, IReadOnlyDictionary<long, RollupCell> Cells)> changes, Dictionary<long, Histograms>? minutes)
    {
        (RollupLevel Level, IReadOnlyDictionary<long, RollupCell> Cells)[] some = [.. changes.Where(change => change.Cells.Count > 0)];
        List<NpgsqlBatchCommand> reads = [.. some.Where(change => minutes is null || change.Level > RollupLevel.Minute).Select(change => ReadHistograms(change.Level, change.Cells))];
        var stored = new Queue<Dictionary<long, Histograms>>(ReadAll(reads));
        Run([.. some.Select(change => Upsert(change.Level, change.Cells, minutes is not null && change.Level == RollupLevel.Minute ? minutes : stored.Dequeue()))]);
    }

    /// <summary>How far figures are kept and added up, and what minutes have so far; nobody else changes that, or a cell, until this transaction ends.</summary>
    (RollupMarks Marks, Dictionary<long, Histograms> Minutes) LockAndRead(IReadOnlyDictionary<long, RollupCell> minutes)
    {
        using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Commands.Of($"SELECT pg_advisory_xact_lock({PostgresStore.LockSpace}, {PostgresStore.FiguresLock})"),
                // A statement sees what was committed before it began: these two see all that was until the lock was had.
                Commands.Of(MarkTable.Read),
                ReadHistograms(RollupLevel.Minute, minutes),
            },
        };
        using NpgsqlDataReader row = batch.ExecuteReader();
        row.NextResult();
        RollupMarks marks = MarkTable.Of(row);
        row.NextResult();
        return (marks, Histograms.Of(row));
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
        Write(level + 1, above);
        return marks.WithAdded(level, last + 1);
    }

    /// <summary>Asks what the cells have so far that get more durations.</summary>
    NpgsqlBatchCommand ReadHistograms(RollupLevel level, IReadOnlyDictionary<long, RollupCell> cells) => Commands.Of(
        $"SELECT cell, hist, wait_hist FROM {schema}.{level.Table()} WHERE cell = ANY($1)",
        cells.Where(cell => cell.Value is not { Runtimes: null, Waits: null }).Select(cell => cell.Key).ToArray());

    List<Dictionary<long, Histograms>> ReadAll(List<NpgsqlBatchCommand> reads)
    {
        var all = new List<Dictionary<long, Histograms>>();
        if (reads.Count == 0)
        {
            return all;
        }
        using var batch = new NpgsqlBatch(connection);
        reads.ForEach(batch.BatchCommands.Add);
        using NpgsqlDataReader row = batch.ExecuteReader();
        do
        {
            all.Add(Histograms.Of(row));
        }
        while (row.NextResult());
        return all;
    }

    NpgsqlBatchCommand Upsert(RollupLevel level, IReadOnlyDictionary<long, RollupCell> changes, Dictionary<long, Histograms> stored)
    {
        KeyValuePair<long, RollupCell>[] cells = [.. changes];
        object[] columns =
        [
            Array.ConvertAll(cells, cell => cell.Key),
            .. CellNumbers.Names.Select((_, column) => Array.ConvertAll(cells, cell => cell.Value.Numbers[column])),
            Array.ConvertAll(cells, cell => cell.Value.Runtimes?.Onto(stored.GetValueOrDefault(cell.Key).Runtimes)),
            Array.ConvertAll(cells, cell => cell.Value.Waits?.Onto(stored.GetValueOrDefault(cell.Key).Waits)),
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

    /// <summary>The durations that a cell has so far.</summary>
    readonly record struct Histograms(byte[]? Runtimes, byte[]? Waits)
    {
        public static Dictionary<long, Histograms> Of(NpgsqlDataReader row)
        {
            var all = new Dictionary<long, Histograms>();
            while (row.Read())
            {
                all[row.GetInt64(0)] = new Histograms(Bytes(row, 1), Bytes(row, 2));
            }
            return all;
        }

        static byte[]? Bytes(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<byte[]>(column);
    }
}
