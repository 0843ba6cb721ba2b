using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Postgres.Writing;
using Belfry.Storage.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Keeping;

/// <summary>
/// One round of retention, on a connection of its own: small transactions that delete runs which are still as they were found, as a writer does.
/// The room is used again; the server gives what is empty back when it cleans up.
/// </summary>
sealed class Retention(PostgresStore store, RetentionPolicy policy, Instant now)
{
    /// <summary>Runs in one transaction: some 20 ms, in which writers of the same ids wait.</summary>
    const int Piece = 1000;

    public async Task<RetentionResult> RunAsync(CancellationToken cancel)
    {
        try
        {
            (long runs, long keys) = policy.KeepsAll ? (0, 0) : await DeleteRunsAsync(cancel);
            await DeleteAllAsync("DELETE FROM deleted WHERE (id, source) IN (SELECT id, source FROM deleted WHERE until < $1 LIMIT 1000)", now.Micros, cancel);
            (long minutes, long hours) = await new OldFigures(store, now).ForgetAsync(cancel);
            return new RetentionResult(runs, keys, minutes, hours);
        }
        catch (NpgsqlException refused)
        {
            cancel.ThrowIfCancellationRequested();
            throw new StoreException($"{store.Url} cannot be cleared: {PostgresStore.ProblemOf(refused)}", refused);
        }
    }

    /// <summary>What would go.</summary>
    public static async Task<RetentionPreview> PreviewAsync(Question question, RetentionPolicy policy, Instant now)
    {
        ExpiredRuns walk = await ExpiredRuns.BeginAsync(question, policy, now);
        (long runs, long bytes) = (0, 0);
        while (await walk.NextAsync(question, Piece) is { Count: > 0 } found)
        {
            (runs, bytes) = (runs + found.Count, bytes + found.Sum(run => run.Bytes));
        }
        return new RetentionPreview(runs, bytes);
    }

    async Task<(long Runs, long Keys)> DeleteRunsAsync(CancellationToken cancel)
    {
        ExpiredRuns walk = await store.ReadAsync(question => ExpiredRuns.BeginAsync(question, policy, now), cancel);
        (long runs, long keys) = await Task.Run(() => new OldPartitions(store, policy, now, (connection, gone) => Forget(connection, gone)).Drop(walk.Kept, cancel), cancel);
        while (await store.ReadAsync(question => walk.NextAsync(question, Piece), cancel) is { Count: > 0 } found)
        {
            (int gone, int goneKeys) = await Task.Run(() => Delete(walk.Table, found), cancel);
            (runs, keys) = (runs + gone, keys + goneKeys);
        }
        return (runs, keys);
    }

    /// <summary>Deletes ended runs and leaves their figures; those that became the last of their task, changed or opened again stay.</summary>
    (int Runs, int Keys) Delete(string table, List<ExpiredRun> found)
    {
        using NpgsqlConnection connection = store.Connect();
        using NpgsqlTransaction transaction = connection.BeginTransaction();
        List<ExpiredRun> gone = DeleteRows(connection, table, found);
        int keys = Forget(connection, gone);
        transaction.Commit();
        return (gone.Count, keys);
    }

    /// <summary>Takes leave of deleted rows: their keys go, their late events are known as such where they must be, and the hours of their figures can no longer be made of rows.</summary>
    /// <param name="connection">Within a transaction.</param>
    /// <param name="gone">They.</param>
    /// <param name="figuresStay">The figures still count them; else they went down by them.</param>
    public int Forget(NpgsqlConnection connection, List<ExpiredRun> gone, bool figuresStay = true)
    {
        ExpiredRun[] remembered = [.. gone.Where(run => run.RememberedUntil > now).DistinctBy(run => (run.Place.Id, run.Place.Source))];
        int keys = DeleteKeys(connection, gone);
        Run(
            connection,
            Commands.Of(
                """
                INSERT INTO deleted(id, source, gone, until) SELECT id, source, $4, until FROM unnest($1, $2, $3) AS gone(id, source, until)
                ON CONFLICT(id, source) DO UPDATE SET gone = excluded.gone, until = greatest(deleted.until, excluded.until)
                """,
                remembered.Select(run => Uuids.Of(run.Place.Id)).ToArray(), remembered.Select(run => run.Place.Source).ToArray(),
                remembered.Select(run => run.RememberedUntil.Micros).ToArray(), now.Micros),
            Commands.Of(
                "INSERT INTO lacking(hour) SELECT * FROM unnest($1) ORDER BY 1 ON CONFLICT DO NOTHING",
                figuresStay ? gone.SelectMany(run => (long[])[run.First, run.End]).Distinct().ToArray() : []));
        return keys;
    }

    static List<ExpiredRun> DeleteRows(NpgsqlConnection connection, string table, List<ExpiredRun> found)
    {
        found.Sort((a, b) => (a.Place.Id, a.Place.Source, a.Place.Attempt).CompareTo((b.Place.Id, b.Place.Source, b.Place.Attempt)));
        using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Commands.Of(
                    $"""
                    DELETE FROM {table} AS run USING unnest($1, $2, $3, $4, $5) AS gone(at, id, source, attempt, version)
                    WHERE run.at = gone.at AND run.id = gone.id AND run.source = gone.source AND run.attempt = gone.attempt AND run.xmin = gone.version
                      AND NOT EXISTS(SELECT 1 FROM run_open WHERE id = gone.id AND source = gone.source)
                      AND NOT EXISTS(SELECT 1 FROM last_end WHERE name = run.name AND source = run.source AND id = run.id AND attempt = run.attempt)
                    RETURNING run.id, run.source, run.attempt
                    """,
                    found.Select(run => run.Place.At).ToArray(), found.Select(run => Uuids.Of(run.Place.Id)).ToArray(),
                    found.Select(run => run.Place.Source).ToArray(), found.Select(run => run.Place.Attempt).ToArray(), Commands.Xids(found.ConvertAll(run => run.Version))),
            },
        };
        var deleted = new HashSet<(UInt128, int, int)>();
        using NpgsqlDataReader row = batch.ExecuteReader();
        while (row.Read())
        {
            deleted.Add((Uuids.BitsOf(row.GetGuid(0)), row.GetInt32(1), row.GetInt32(2)));
        }
        return found.FindAll(run => deleted.Contains((run.Place.Id, run.Place.Source, run.Place.Attempt)));
    }

    /// <summary>Deletes the keys of deleted rows; the guard of an id stays while it has other rows, or its late events are to be known.</summary>
    int DeleteKeys(NpgsqlConnection connection, List<ExpiredRun> gone)
    {
        List<ExpiredRun> forgotten = gone.FindAll(run => run.RememberedUntil <= now);
        // Held first: what a writer puts under a guard meanwhile is then seen by the statement that looks for rows.
        Run(connection, Commands.Of(
            """
            SELECT 1 FROM run_key AS key JOIN unnest($1, $2) AS gone(id, source) ON key.id = gone.id AND key.source = gone.source AND key.attempt = 1
            ORDER BY key.id, key.source FOR UPDATE OF key
            """,
            forgotten.ConvertAll(run => Uuids.Of(run.Place.Id)), forgotten.ConvertAll(run => run.Place.Source)));
        return Run(
            connection,
            Commands.Of(
                """
                DELETE FROM run_key AS key USING unnest($1, $2, $3) AS gone(id, source, attempt)
                WHERE key.id = gone.id AND key.source = gone.source AND key.attempt = gone.attempt AND gone.attempt > 1
                """,
                gone.ConvertAll(run => Uuids.Of(run.Place.Id)), gone.ConvertAll(run => run.Place.Source), gone.ConvertAll(run => run.Place.Attempt)),
            Commands.Of(
                """
                DELETE FROM run_key AS key USING unnest($1, $2) AS gone(id, source)
                WHERE key.id = gone.id AND key.source = gone.source AND key.attempt = 1
                  AND NOT EXISTS(SELECT 1 FROM run_open AS run WHERE run.id = gone.id AND run.source = gone.source)
                  AND NOT EXISTS(SELECT 1 FROM run_kept AS run WHERE run.id = gone.id AND run.source = gone.source)
                  AND NOT EXISTS(SELECT 1 FROM run_done AS run WHERE run.at = key.at AND run.id = gone.id AND run.source = gone.source)
                  AND NOT EXISTS(SELECT 1 FROM run_key AS other WHERE other.id = gone.id AND other.source = gone.source AND other.attempt > 1)
                """,
                forgotten.ConvertAll(run => Uuids.Of(run.Place.Id)), forgotten.ConvertAll(run => run.Place.Source)));
    }

    /// <summary>Runs a statement until it finds no more, holding the lock of the figures each time.</summary>
    Task<long> DeleteAllAsync(string sql, long before, CancellationToken cancel) => Task.Run(
        () =>
        {
            long deleted = 0;
            int piece;
            do
            {
                cancel.ThrowIfCancellationRequested();
                using NpgsqlConnection connection = store.Connect();
                using NpgsqlTransaction transaction = connection.BeginTransaction();
                Run(connection, Commands.Of($"SELECT pg_advisory_xact_lock({PostgresStore.LockSpace}, {PostgresStore.FiguresLock})"));
                piece = Run(connection, Commands.Of(sql, before));
                transaction.Commit();
                deleted += piece;
            }
            while (piece > 0);
            return deleted;
        },
        cancel);

    static int Run(NpgsqlConnection connection, params ReadOnlySpan<NpgsqlBatchCommand> commands)
    {
        using var batch = new NpgsqlBatch(connection);
        foreach (NpgsqlBatchCommand command in commands)
        {
            batch.BatchCommands.Add(command);
        }
        return batch.ExecuteNonQuery();
    }
}
