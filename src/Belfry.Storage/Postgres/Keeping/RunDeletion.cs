using System.Runtime.CompilerServices;
using Belfry.Storage.Payloads;
using Belfry.Storage.Postgres.Reading;
using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Postgres.Writing;
using Belfry.Storage.Rollups;
using Belfry.Storage.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Keeping;

/// <summary>Deletes runs because somebody wants it: the figures go down by what the deleted rows told, in the same transaction.</summary>
sealed class RunDeletion(PostgresStore store, Retention retention, TouchedRuns touched, RetentionPolicy policy, Instant now)
{
    const int Piece = 500, MostTries = 5;

    public async IAsyncEnumerable<IReadOnlyList<TaskRun>> RunAsync(IReadOnlyList<TaskRun> runs, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (TaskRun[] some in runs.Chunk(Piece))
        {
            yield return await Task.Run(() => Delete(some), cancel);
        }
    }

    List<TaskRun> Delete(TaskRun[] runs)
    {
        for (int tries = 1; ; tries++)
        {
            try
            {
                return DeleteOnce(runs);
            }
            catch (PostgresException raced) when (PostgresWriter.IsRace(raced) && tries < MostTries)
            {
                // another process was in the way: once more with fresh eyes
            }
            catch (NpgsqlException refused)
            {
                throw new StoreException($"{store.Url} cannot be cleared: {PostgresStore.ProblemOf(refused)}", refused);
            }
        }
    }

    // Rows, keys, figures: the order in which a writer holds them.
    List<TaskRun> DeleteOnce(TaskRun[] runs)
    {
        using NpgsqlConnection connection = store.Connect();
        using NpgsqlTransaction transaction = connection.BeginTransaction();
        using var context = new RowContext(store.Names, new PayloadUnpacker(new Dictionaries(), new DictionaryTable(store)));
        List<(TaskRun Run, Place Place)> gone = [.. DeleteRows(connection, "run_done", runs, context), .. DeleteRows(connection, "run_kept", runs, context)];
        if (gone.Count > 0)
        {
            retention.Forget(connection, gone.ConvertAll(row => ExpiredRun.Of(row.Run, row.Place, 0, 0, policy)), figuresStay: false);
            Lower(connection, gone, context);
        }
        transaction.Commit();
        return gone.ConvertAll(row => row.Run);
    }

    void Lower(NpgsqlConnection connection, List<(TaskRun Run, Place Place)> gone, RowContext context)
    {
        var ends = new LastEnds(store.Names);
        var rollups = new RollupChanges(store.Names.Number);
        foreach ((TaskRun run, Place place) in gone)
        {
            ends.Change(RunKey.Of(run.Id, place.Source), run, null);
            rollups.Change(run, null);
        }
        using (var hold = new NpgsqlCommand($"SELECT pg_advisory_xact_lock({PostgresStore.LockSpace}, {PostgresStore.FiguresLock})", connection))
        {
            hold.ExecuteNonQuery();
        }
        ends.Write(connection, context);
        new RollupWriter(connection).Write(rollups, now);
        Tell(connection, gone);
    }

    /// <summary>The other processes load their lists anew. Behind the lock of the figures, as with what is written.</summary>
    void Tell(NpgsqlConnection connection, List<(TaskRun Run, Place Place)> gone)
    {
        using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(touched.ToCommand(gone.ConvertAll(row => (RunKey.Of(row.Run.Id, row.Place.Source), new RunChange(0, null, row.Run, Gap: false)))));
        batch.ExecuteNonQuery();
    }

    List<(TaskRun Run, Place Place)> DeleteRows(NpgsqlConnection connection, string table, TaskRun[] runs, RowContext context)
    {
        (Guid Id, int Source, TaskRun Run)[] rows = [.. runs.Select(run => (Uuids.Of(RunKey.Of(run.Id, 0).Bits), store.Names.Number(NameKind.Source, run.Source), run)).OrderBy(row => row.Item1)];
        using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Commands.Of(
                    $"""
                    DELETE FROM {table} AS run USING unnest($1, $2, $3, $4) AS gone(gone_at, gone_id, gone_source, gone_attempt)
                    WHERE run.at = gone_at AND run.id = gone_id AND run.source = gone_source AND run.attempt = gone_attempt
                      AND NOT EXISTS(SELECT 1 FROM run_open WHERE id = gone_id AND source = gone_source)
                    RETURNING {RunColumns.Of("run")}
                    """,
                    rows.Select(row => row.Run.At.Micros).ToArray(), rows.Select(row => row.Id).ToArray(), rows.Select(row => row.Source).ToArray(), rows.Select(row => row.Run.Attempt).ToArray()),
            },
        };
        var gone = new List<(TaskRun, Place)>();
        using NpgsqlDataReader reader = batch.ExecuteReader();
        while (reader.Read())
        {
            gone.Add((RunColumns.Read(reader, context), Place.Of(reader)));
        }
        return gone;
    }
}
