using Belfry.Storage.Postgres.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>
/// Makes the guards of ids that are taken for new, in the order of the ids: so two who do the same never wait for each other in a circle.
/// Many are copied, which costs the server a third of what inserting them does, but fails when a single one is there already. That is rare while
/// this process alone hears of these runs and remembers those that are open; when it happens, the next groups are inserted row by row.
/// </summary>
sealed class NewGuards
{
    /// <summary>So many at least are copied; of fewer the gain is not worth two more round trips.</summary>
    const int Many = 200;

    /// <summary>So many groups are inserted after a copy that failed: each failure is an error in the server's log, and leaves rows for its vacuum.</summary>
    const int CarefulFor = 100;

    readonly CopyWriter _copy = new();
    int _careful; // groups for which nothing is copied any more

    /// <summary>Makes them; within the transaction, before all else that it writes.</summary>
    /// <returns>How many were not there yet, and the version of all that this transaction writes.</returns>
    /// <exception cref="OvertakenException">Some were there; from now on they are inserted, and told.</exception>
    public (int Made, uint Version) Make(NpgsqlConnection connection, List<TrackedLife> lives)
    {
        lives.Sort((a, b) => a.Key.Bits != b.Key.Bits ? a.Key.Bits.CompareTo(b.Key.Bits) : a.Key.Source.CompareTo(b.Key.Source));
        bool copies = lives.Count >= Many && --_careful < 0;
        using var batch = new NpgsqlBatch(connection);
        if (lives.Count > 0 && !copies)
        {
            batch.BatchCommands.Add(Insert(lives));
        }
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT pg_current_xact_id()::xid"));
        uint version = (uint)batch.ExecuteScalar()!;
        if (copies)
        {
            _careful = 0;
            Copy(connection, lives);
        }
        foreach (TrackedLife life in lives)
        {
            life.Guard = new Guard(AtOf(life), version);
        }
        return (copies || lives.Count == 0 ? lives.Count : (int)batch.BatchCommands[0].RecordsAffected, version);
    }

    void Copy(NpgsqlConnection connection, List<TrackedLife> lives)
    {
        _copy.Begin();
        foreach (TrackedLife life in lives)
        {
            _copy.Row(4);
            _copy.Write(AtOf(life));
            _copy.Write(life.Key.Bits);
            _copy.Write(life.Key.Source);
            _copy.Write(1);
        }
        try
        {
            _copy.Send(connection, "run_key", "at, id, source, attempt");
        }
        catch (PostgresException there) when (there.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            _careful = CarefulFor;
            throw new OvertakenException();
        }
    }

    static NpgsqlBatchCommand Insert(List<TrackedLife> lives) => Commands.Of(
        "INSERT INTO run_key(at, id, source, attempt) SELECT *, 1 FROM unnest($1, $2, $3) ON CONFLICT DO NOTHING",
        lives.ConvertAll(AtOf), lives.ConvertAll(life => Uuids.Of(life.Key.Bits)), lives.ConvertAll(life => life.Key.Source));

    static long AtOf(TrackedLife life) => life.Folded![0].Run.At.Micros;
}
