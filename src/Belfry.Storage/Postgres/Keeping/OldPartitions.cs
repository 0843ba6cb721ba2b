using System.Globalization;
using Belfry.Storage.Postgres.Reading;
using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Postgres.Writing;
using Belfry.Storage.Rollups;
using Npgsql;

namespace Belfry.Storage.Postgres.Keeping;

/// <summary>
/// Takes whole days of successes away that are due. What stays for ever moves into the partition of all that is older, which grows up to that
/// day; the day's own is detached in the same transaction, its keys are deleted piece by piece, and then it is dropped. After a crash the next
/// round goes on with what is detached already. Days that somebody reads all the time are left to be deleted row by row.
/// </summary>
sealed class OldPartitions(PostgresStore store, RetentionPolicy policy, Instant now, Func<NpgsqlConnection, List<ExpiredRun>, int> forget)
{
    const string Gone = "run_done_gone_", Before = "run_done_before";

    // Whoever comes while we wait for the table waits behind us; an autovacuum that is in the way gives up after a second.
    const string Patience = "SET LOCAL lock_timeout = '1500ms'";
    const int Tries = 3, PagesAtOnce = 50; // about 1,000 rows

    /// <summary>Does so; tells how many runs went, and how many keys.</summary>
    /// <param name="kept">The last runs of tasks, which stay.</param>
    /// <param name="cancel">Stops it.</param>
    public (long Runs, long Keys) Drop(IReadOnlyList<Place> kept, CancellationToken cancel)
    {
        using NpgsqlConnection connection = store.Connect();
        if (!Ask(connection, $"SELECT pg_try_advisory_lock({PostgresStore.LockSpace}, {PostgresStore.DropLock})", row => row.GetBoolean(0)).Single())
        {
            return (0, 0); // another server is at it
        }
        try
        {
            long horizon = policy.Horizon(failure: false, now).Micros;
            foreach (int day in Ask(connection, "SELECT from_day FROM done_partition WHERE from_day <> -2147483648 ORDER BY from_day", row => row.GetInt32(0)))
            {
                cancel.ThrowIfCancellationRequested();
                if ((day + 1) * Partitions.DayMicros > horizon || !TryDetach(connection, day, kept, cancel))
                {
                    break;
                }
            }
            (long runs, long keys) = (0, 0);
            foreach (string table in Ask(connection, $"SELECT relname::text FROM pg_class WHERE relnamespace = 'belfry'::regnamespace AND relkind = 'r' AND starts_with(relname, '{Gone}') ORDER BY relname", row => row.GetString(0)))
            {
                (long someRuns, long someKeys) = Clear(connection, table, cancel);
                (runs, keys) = (runs + someRuns, keys + someKeys);
            }
            return (runs, keys);
        }
        finally
        {
            if (connection.State == System.Data.ConnectionState.Open)
            {
                Ask(connection, $"SELECT pg_advisory_unlock({PostgresStore.LockSpace}, {PostgresStore.DropLock})", row => 0);
            }
        }
    }

    static bool TryDetach(NpgsqlConnection connection, int day, IReadOnlyList<Place> kept, CancellationToken cancel)
    {
        for (int tries = 1; ; tries++)
        {
            try
            {
                Detach(connection, day, kept);
                return true;
            }
            catch (PostgresException busy) when (busy.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected)
            {
                if (tries == Tries)
                {
                    return false;
                }
                cancel.WaitHandle.WaitOne(TimeSpan.FromSeconds(1));
                cancel.ThrowIfCancellationRequested();
            }
        }
    }

    static void Detach(NpgsqlConnection connection, int day, IReadOnlyList<Place> kept)
    {
        string name = Partitions.NameOf(day), gone = Gone + name["run_done_".Length..];
        long from = day * Partitions.DayMicros, to = from + Partitions.DayMicros, hour = from / RollupLevel.Hour.Micros();
        using NpgsqlTransaction transaction = connection.BeginTransaction();
        Execute(connection, $"""
            {Patience};
            SELECT pg_advisory_xact_lock({PostgresStore.LockSpace}, {PostgresStore.PartitionLock});
            LOCK TABLE run_done IN ACCESS EXCLUSIVE MODE;
            ALTER TABLE run_done DETACH PARTITION {name};
            ALTER TABLE {name} RENAME TO {gone};
            ALTER TABLE run_done DETACH PARTITION {Before}
            """);
        using (var move = new NpgsqlBatch(connection))
        {
            move.BatchCommands.Add(Commands.Of(
                $"""
                WITH kept AS (
                  SELECT at, id, source, attempt FROM last_end WHERE at >= $5 AND at < $6
                  UNION SELECT * FROM unnest($1, $2, $3, $4)), moved AS (
                  DELETE FROM {gone} AS run USING kept WHERE run.at = kept.at AND run.id = kept.id AND run.source = kept.source AND run.attempt = kept.attempt RETURNING run.*)
                INSERT INTO {Before} SELECT * FROM moved
                """,
                kept.Select(place => place.At).ToArray(), kept.Select(place => Uuids.Of(place.Id)).ToArray(),
                kept.Select(place => place.Source).ToArray(), kept.Select(place => place.Attempt).ToArray(), from, to));
            move.ExecuteNonQuery();
        }
        Execute(connection, string.Create(CultureInfo.InvariantCulture, $"""
            ALTER TABLE run_done ATTACH PARTITION {Before} FOR VALUES FROM (MINVALUE) TO ({to});
            DELETE FROM done_partition WHERE from_day = {day};
            UPDATE done_partition SET to_day = {day + 1} WHERE from_day = -2147483648;
            INSERT INTO lacking(hour) SELECT * FROM generate_series({hour}, {hour + 23}) ON CONFLICT DO NOTHING
            """));
        transaction.Commit();
    }

    /// <summary>Forgets the runs of a detached day, and drops it.</summary>
    (long Runs, long Keys) Clear(NpgsqlConnection connection, string table, CancellationToken cancel)
    {
        (long runs, long keys) = (0, 0);
        using var context = new RowContext(store.Names, new Payloads.PayloadUnpacker(new Payloads.Dictionaries(), new DictionaryTable(store)));
        long pages = Ask(connection, $"SELECT pg_relation_size('{table}') / current_setting('block_size')::int8", row => row.GetInt64(0)).Single();
        for (long page = 0; page < pages; page += PagesAtOnce)
        {
            cancel.ThrowIfCancellationRequested();
            string sql = $"SELECT {RunColumns.All}, xmin FROM {table} WHERE ctid >= '({page},0)' AND ctid < '({page + PagesAtOnce},0)' ORDER BY id, source, attempt";
            List<ExpiredRun> found = Ask(connection, sql, row => ExpiredRun.Of(RunColumns.Read(row, context), Place.Of(row), row.GetFieldValue<uint>(RunColumns.Count), 0, policy));
            using NpgsqlTransaction transaction = connection.BeginTransaction();
            keys += forget(connection, found);
            transaction.Commit();
            runs += found.Count;
        }
        Execute(connection, $"DROP TABLE {table}");
        return (runs, keys);
    }

    static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }

    static List<T> Ask<T>(NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read)
    {
        var answers = new List<T>();
        using var command = new NpgsqlCommand(sql, connection);
        using NpgsqlDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            answers.Add(read(row));
        }
        return answers;
    }
}
