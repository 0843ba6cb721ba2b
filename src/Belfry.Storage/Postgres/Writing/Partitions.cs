using System.Globalization;
using Npgsql;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>
/// The partitions of successes: one per day, made when they are needed and a few days ahead. All before the log's first weeks share one,
/// so that senders with strange clocks cannot make thousands.
/// </summary>
/// <remarks>
/// They are made apart from the group's transaction, and attached: attaching, unlike creating within the table, waits for nobody who
/// reads or writes it.
/// </remarks>
sealed class Partitions(PostgresStore store)
{
    /// <summary>A day.</summary>
    public const long DayMicros = 86_400_000_000;

    const int DaysAhead = 3, DaysBefore = 60;

    readonly HashSet<int> _known = []; // as many as the log has days
    int _firstDay = int.MaxValue;      // of the days that have a partition of their own

    /// <summary>The day of an instant.</summary>
    public static int DayOf(long at) => (int)(at / DayMicros);

    /// <summary>The name of a day's own partition.</summary>
    public static string NameOf(int day) => DateOnly.FromDayNumber(new DateOnly(1970, 1, 1).DayNumber + day).ToString("'run_done_'yyyyMMdd", CultureInfo.InvariantCulture);

    /// <summary>Makes those that are missing for these days and for the next ones.</summary>
    public void Ensure(IEnumerable<int> days, Instant now)
    {
        int today = DayOf(now.Micros);
        HashSet<int> wanted = [.. days, .. Enumerable.Range(today, DaysAhead + 1)];
        if (_firstDay != int.MaxValue && wanted.All(day => day < _firstDay || _known.Contains(day)))
        {
            return;
        }
        using NpgsqlConnection connection = store.Connect();
        using NpgsqlTransaction transaction = connection.BeginTransaction();
        Execute(connection, $"SELECT pg_advisory_xact_lock({PostgresStore.LockSpace}, {PostgresStore.PartitionLock})");
        Learn(connection);
        if (_firstDay == int.MaxValue)
        {
            Make(connection, "run_done_before", "MINVALUE", int.MinValue, today - DaysBefore);
            _firstDay = today - DaysBefore;
        }
        foreach (int day in wanted.Where(day => day >= _firstDay && !_known.Contains(day)).Order())
        {
            Make(connection, NameOf(day), $"{day * DayMicros}", day, day + 1);
        }
        transaction.Commit();
        _known.UnionWith(wanted.Where(day => day >= _firstDay));
    }

    void Learn(NpgsqlConnection connection)
    {
        using var command = new NpgsqlCommand("SELECT from_day, to_day FROM done_partition", connection);
        using NpgsqlDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            if (row.GetInt32(0) == int.MinValue)
            {
                _firstDay = row.GetInt32(1);
            }
            else
            {
                _known.Add(row.GetInt32(0));
            }
        }
    }

    static void Make(NpgsqlConnection connection, string name, string from, int day, int until) => Execute(connection, $"""
        CREATE TABLE {name}(LIKE run_done INCLUDING ALL);
        ALTER TABLE run_done ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({until * DayMicros});
        INSERT INTO done_partition(from_day, to_day) VALUES({day}, {until})
        """);

    static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }
}
