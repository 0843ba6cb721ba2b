using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Rows;
using Belfry.Storage.Writing;
using Npgsql;

namespace Belfry.Storage.Postgres.Work;

/// <summary>The table of calls: what it has of them, and its statements. Who takes rows skips those that another has in hand, so nobody waits for anybody.</summary>
static class CallTable
{
    const string Columns = "key, id, task, queue, priority, submitted, eta, expires, args, kwargs, parent, root, keyed, attempt, worker, claimed, deaths";

    /// <summary>Puts calls, in the order of their keys; gives the keys of those that were new. A key that the caller chose may be that of a run that has ended.</summary>
    public static HashSet<Guid> Put(NpgsqlConnection connection, IEnumerable<(QueuedCall Call, int Attempt)> calls, int source)
    {
        (Guid Key, QueuedCall Call, int Attempt)[] rows = [.. calls.Select(call => (KeyOf(call.Call.Id), call.Call, call.Attempt)).OrderBy(row => Uuids.BitsOf(row.Item1))];
        T[] Column<T>(Func<QueuedCall, T> value) => Array.ConvertAll(rows, row => value(row.Call));
        string?[] Text(Func<QueuedCall, string?> value) => Column(call => value(call) is { } text ? NameTable.Clean(text) : null);
        using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Commands.Of(
                    """
                    INSERT INTO call(key, id, task, queue, priority, due, submitted, eta, expires, args, kwargs, parent, root, keyed, attempt)
                    SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
                      AS new(key, id, task, queue, priority, due, submitted, eta, expires, args, kwargs, parent, root, keyed, attempt)
                    WHERE NOT keyed OR NOT EXISTS(SELECT 1 FROM run_key WHERE run_key.id = new.key AND run_key.source = $16)
                    ON CONFLICT DO NOTHING RETURNING key
                    """,
                    Array.ConvertAll(rows, row => row.Key), Text(call => call.Id), Text(call => call.Task), Text(call => call.Queue), Column(call => call.Priority),
                    Column(call => call.Due.Micros), Column(call => call.Submitted.Micros), Column(call => call.Eta?.Micros), Column(call => call.Expires?.Micros),
                    Text(call => call.Args), Text(call => call.Kwargs), Text(call => call.Parent), Text(call => call.Root), Column(call => call.IsKeyed), Array.ConvertAll(rows, row => row.Attempt), source),
            },
        };
        var put = new HashSet<Guid>();
        using NpgsqlDataReader row = batch.ExecuteReader();
        while (row.Read())
        {
            put.Add(row.GetGuid(0));
        }
        return put;
    }

    /// <summary>The priorities of calls that wait, highest first.</summary>
    public static List<int> Priorities(NpgsqlConnection connection) => Read(
        connection,
        Commands.Of("""
            WITH RECURSIVE level(priority) AS (
              (SELECT max(priority) FROM call WHERE owner IS NULL)
              UNION ALL SELECT (SELECT max(call.priority) FROM call WHERE owner IS NULL AND call.priority < level.priority) FROM level WHERE level.priority IS NOT NULL)
            SELECT priority FROM level WHERE priority IS NOT NULL
            """),
        row => row.GetInt32(0));

    /// <summary>Calls of a priority that are due, first those that go first; they are this transaction's alone until it ends.</summary>
    public static List<CallRow> Due(NpgsqlConnection connection, int priority, Instant now, int most, IEnumerable<string> notOf, IEnumerable<string> notIn, IEnumerable<Guid> not) => Read(
        connection,
        Commands.Of(
            $"""
            SELECT {Columns}, NULL FROM call WHERE owner IS NULL AND priority = $1 AND due <= $2 AND task <> ALL($3) AND queue <> ALL($4) AND key <> ALL($5)
            ORDER BY due, number LIMIT $6 FOR UPDATE SKIP LOCKED
            """,
            priority, now.Micros, notOf.ToArray(), notIn.ToArray(), not.ToArray(), most),
        CallRow.Of);

    /// <summary>Calls in the hands of the dead, or of nobody who is there, with the start that the log has of each.</summary>
    public static List<CallRow> OfTheDead(NpgsqlConnection connection, Guid us, IEnumerable<Guid> dead, int source) => Read(
        connection,
        Commands.Of(
            $"""
            SELECT {Columns}, (SELECT started FROM run_open WHERE run_open.id = key AND run_open.source = $3 AND run_open.attempt = call.attempt)
            FROM call WHERE owner IS NOT NULL AND owner <> $1 AND (owner = ANY($2) OR NOT EXISTS(SELECT 1 FROM process WHERE process.id = owner))
            LIMIT 1000 FOR UPDATE SKIP LOCKED
            """,
            us, dead.ToArray(), source),
        CallRow.Of);

    /// <summary>When the next waiting call becomes due; null when none does.</summary>
    public static Instant? NextDue(NpgsqlConnection connection, Instant now) => Read(
        connection,
        Commands.Of("SELECT due FROM call WHERE owner IS NULL AND due > $1 ORDER BY due LIMIT 1", now.Micros),
        row => (Instant?)new Instant(row.GetInt64(0))).FirstOrDefault();

    /// <summary>How many calls wait in each queue.</summary>
    public static Dictionary<string, int> Waiting(NpgsqlConnection connection) => Read(
        connection, Commands.Of("SELECT queue, count(*)::int4 FROM call WHERE owner IS NULL GROUP BY queue"), row => (row.GetString(0), row.GetInt32(1)))
        .ToDictionary(queue => queue.Item1, queue => queue.Item2);

    /// <summary>Of these queues those that are this transaction's alone until it ends.</summary>
    public static string[] Reserve(NpgsqlConnection connection, string[] queues) =>
    [
        .. Read(
            connection, Commands.Of($"SELECT queue FROM unnest($1) AS queue WHERE pg_try_advisory_xact_lock({PostgresStore.QueueLocks}, hashtext(queue))", (object)queues),
            row => row.GetString(0)),
    ];

    /// <summary>How many calls of these queues are in other processes' hands.</summary>
    public static Dictionary<string, int> AtWorkElsewhere(NpgsqlConnection connection, string[] queues, Guid us) => Read(
        connection, Commands.Of("SELECT queue, count(*)::int4 FROM call WHERE owner IS NOT NULL AND owner <> $1 AND queue = ANY($2) GROUP BY queue", us, queues),
        row => (row.GetString(0), row.GetInt32(1))).ToDictionary(queue => queue.Item1, queue => queue.Item2);

    public static NpgsqlBatchCommand Claim(IEnumerable<Guid> keys, Guid owner, string worker, Instant now) =>
        Commands.Of("UPDATE call SET owner = $2, worker = $3, claimed = $4 WHERE key = ANY($1)", keys.ToArray(), owner, NameTable.Clean(worker), now.Micros);

    public static NpgsqlBatchCommand End(IEnumerable<Guid> keys, Guid owner) =>
        Commands.Of("DELETE FROM call WHERE key = ANY($1) AND owner = $2", keys.Order().ToArray(), owner);

    public static NpgsqlBatchCommand Release(IEnumerable<Guid> keys, Guid owner) =>
        Commands.Of("UPDATE call SET owner = NULL, worker = NULL, claimed = NULL WHERE key = ANY($1) AND owner = $2", keys.Order().ToArray(), owner);

    public static NpgsqlBatchCommand Delete(IEnumerable<Guid> keys) => Commands.Of("DELETE FROM call WHERE key = ANY($1)", keys.ToArray());

    /// <summary>The next attempts at calls, each from its own instant on.</summary>
    /// <param name="attempts">The attempts.</param>
    /// <param name="owner">In whose hands the calls still have to be; null where this transaction holds their rows.</param>
    public static NpgsqlBatchCommand Next(NextAttempt[] attempts, Guid? owner) => Commands.Of(
        """
        UPDATE call SET attempt = attempt + 1, deaths = deaths + next.died, owner = NULL, worker = NULL, claimed = NULL, submitted = next.submitted, eta = next.eta, due = next.due
        FROM unnest($1, $2, $3, $4, $5) AS next(key, submitted, eta, due, died) WHERE call.key = next.key AND ($6 IS NULL OR owner = $6)
        """,
        Array.ConvertAll(attempts, next => KeyOf(next.Call.Id)), Array.ConvertAll(attempts, next => next.Call.Submitted.Micros),
        Array.ConvertAll(attempts, next => next.Call.Eta?.Micros), Array.ConvertAll(attempts, next => next.Call.Due.Micros),
        Array.ConvertAll(attempts, next => next.IsAfterDeath ? 1 : 0), new NpgsqlParameter<Guid?> { TypedValue = owner });

    /// <summary>Takes a waiting call away; null when it does not wait, else its next attempt.</summary>
    public static int? Revoke(NpgsqlConnection connection, string id) => Read(
        connection, Commands.Of("DELETE FROM call WHERE key = $1 AND owner IS NULL RETURNING attempt", KeyOf(id)), row => (int?)row.GetInt32(0)).FirstOrDefault();

    public static Guid KeyOf(string id) => Uuids.Of(RunKey.Of(id, 0).Bits);

    static List<T> Read<T>(NpgsqlConnection connection, NpgsqlBatchCommand command, Func<NpgsqlDataReader, T> of)
    {
        var all = new List<T>();
        using var batch = new NpgsqlBatch(connection) { BatchCommands = { command } };
        using NpgsqlDataReader row = batch.ExecuteReader();
        while (row.Read())
        {
            all.Add(of(row));
        }
        return all;
    }
}

/// <summary>A row of the table.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Call">The call.</param>
/// <param name="Attempt">The attempt that is next, or at work.</param>
/// <param name="Worker">Who has it.</param>
/// <param name="Claimed">Since when.</param>
/// <param name="Deaths">How many processes have died of it.</param>
/// <param name="Started">The start that the log has of the attempt.</param>
sealed record CallRow(Guid Key, QueuedCall Call, int Attempt, string? Worker, Instant? Claimed, int Deaths, Instant? Started)
{
    public static CallRow Of(NpgsqlDataReader row)
    {
        string? Text(int column) => row.IsDBNull(column) ? null : row.GetString(column);
        Instant? Maybe(int column) => row.IsDBNull(column) ? null : new Instant(row.GetInt64(column));
        var call = new QueuedCall
        {
            Id = row.GetString(1), Task = row.GetString(2), Queue = row.GetString(3), Priority = row.GetInt32(4), Submitted = new Instant(row.GetInt64(5)), Eta = Maybe(6),
            Expires = Maybe(7), Args = Text(8), Kwargs = Text(9), Parent = Text(10), Root = Text(11), IsKeyed = row.GetBoolean(12),
        };
        return new CallRow(row.GetGuid(0), call, row.GetInt32(13), Text(14), Maybe(15), row.GetInt32(16), Maybe(17));
    }
}
