using Belfry.Storage.Payloads;
using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Postgres.Writing;
using Belfry.Storage.Rollups;
using Npgsql;

namespace Belfry.Storage.Postgres.Keeping;

/// <summary>
/// Makes figures of rows again, by the same code that keeps them from event to event: all rows are counted into tables beside,
/// then the cells of every hour whose rows are all still there are exchanged. One transaction, whose snapshot is taken after the lock of the figures:
/// rows and figures of a group are committed together, so it sees both or none, and whoever writes meanwhile waits before its figures.
/// </summary>
sealed class RollupRebuild(PostgresStore store, NpgsqlConnection connection) : IDisposable
{
    const int RowsAtOnce = 20_000; // bounds the cells in memory

    static readonly string Lock = $"{PostgresStore.LockSpace}, {PostgresStore.FiguresLock}";

    readonly RowContext _context = new(store.Names, new PayloadUnpacker(new Dictionaries(), new DictionaryTable(store)));

    /// <summary>Mends the figures, or only tells how many are wrong.</summary>
    public static RollupRepair Run(PostgresStore store, bool mend, CancellationToken cancel)
    {
        using NpgsqlConnection connection = store.Connect();
        using var rebuild = new RollupRebuild(store, connection);
        rebuild.Execute($"SELECT pg_advisory_lock({Lock})");
        try
        {
            return rebuild.Run(mend, cancel);
        }
        finally
        {
            rebuild.Execute($"SELECT pg_advisory_unlock({Lock})");
        }
    }

    public void Dispose() => _context.Dispose();

    RollupRepair Run(bool mend, CancellationToken cancel)
    {
        using NpgsqlTransaction transaction = connection.BeginTransaction(System.Data.IsolationLevel.RepeatableRead);
        RollupMarks marks = Marks();
        foreach (string table in (string[])["minute", "hour", "day"])
        {
            Execute($"CREATE TEMP TABLE {table}(LIKE belfry.{table} INCLUDING ALL) ON COMMIT DROP");
        }
        CountRows(marks, cancel);
        long mended = Exchange("minute", RollupDifference.Minutes(marks)) + Exchange("hour", RollupDifference.Hours(marks));
        CountHours(marks);
        mended += Exchange("day", RollupDifference.Days(marks));
        var repair = new RollupRepair(Number(RollupDifference.HoursWithRows("belfry")), mended, LeftAlone());
        if (mend)
        {
            transaction.Commit();
        }
        return repair;
    }

    void CountRows(RollupMarks marks, CancellationToken cancel)
    {
        var changes = new RollupChanges(store.Names.Number);
        var writer = new RollupWriter(connection, "pg_temp");
        Execute($"""
            DECLARE rows NO SCROLL CURSOR FOR
            SELECT {RunColumns.All} FROM run_open UNION ALL SELECT {RunColumns.All} FROM run_kept UNION ALL SELECT {RunColumns.All} FROM run_done
            """);
        while (CountSome(changes) > 0)
        {
            cancel.ThrowIfCancellationRequested();
            writer.Write(changes, marks);
        }
    }

    int CountSome(RollupChanges changes)
    {
        int counted = 0;
        Each($"FETCH {RowsAtOnce} FROM rows", row =>
        {
            changes.Change(null, RunColumns.Read(row, _context));
            counted++;
        });
        return counted;
    }

    /// <summary>Makes days of hours where rows are gone: the hours are right by now.</summary>
    void CountHours(RollupMarks marks)
    {
        Execute($"DELETE FROM pg_temp.day WHERE {RollupDifference.DayLacks}");
        var days = new Dictionary<long, RollupCell>();
        Each($"SELECT cell, {CellNumbers.Columns} FROM belfry.hour WHERE {RollupDifference.HoursOfLackingDays(marks)}", row =>
        {
            var cell = new CellRow(row);
            RollupChanges.CellOf(days, RollupLevel.Hour.Above(cell.Key)).Add(cell);
        });
        if (days.Count > 0)
        {
            new RollupWriter(connection, "pg_temp").Write(RollupLevel.Day, days);
        }
    }

    /// <summary>Exchanges the cells of a table; returns how many were not what they should be.</summary>
    long Exchange(string table, string allowed)
    {
        long wrong = Number(RollupDifference.Count($"pg_temp.{table}", $"belfry.{table}", allowed, "''::bytea"));
        Execute(RollupDifference.Exchange($"pg_temp.{table}", $"belfry.{table}", allowed));
        return wrong;
    }

    List<Instant> LeftAlone()
    {
        var hours = new List<Instant>();
        Each("SELECT hour FROM lacking ORDER BY hour", row => hours.Add(new Instant(row.GetInt64(0) * RollupLevel.Hour.Micros())));
        return hours;
    }

    RollupMarks Marks()
    {
        using var command = new NpgsqlCommand(MarkTable.Read, connection);
        using NpgsqlDataReader row = command.ExecuteReader();
        return MarkTable.Of(row);
    }

    void Each(string sql, Action<NpgsqlDataReader> take)
    {
        using NpgsqlCommand command = Endless(sql);
        using NpgsqlDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            take(row);
        }
    }

    long Number(string sql)
    {
        using NpgsqlCommand command = Endless(sql);
        return (long)command.ExecuteScalar()!;
    }

    void Execute(string sql)
    {
        using NpgsqlCommand command = Endless(sql);
        command.ExecuteNonQuery();
    }

    /// <summary>A large log takes its time.</summary>
    NpgsqlCommand Endless(string sql) => new(sql, connection) { CommandTimeout = 0 };
}
