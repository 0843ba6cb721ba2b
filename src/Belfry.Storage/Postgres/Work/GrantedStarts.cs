using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Rows;
using Belfry.Storage.Writing;
using Npgsql;

namespace Belfry.Storage.Postgres.Work;

/// <summary>
/// Grants starts of tasks: a compare-and-set on the last start of each, in the transaction that stores the start. Of several schedulers that
/// decided upon the same one the first has its row until it commits, and the others find another start then.
/// </summary>
sealed class GrantedStarts(NameTable names)
{
    // The last start that a decision knows may be of another source, of which nothing stands here: it is enough that none here is newer. A claim that is
    // tried again after its connection broke in the commit may have been granted already.
    const string Grant = """
        INSERT INTO last_start(task, at, run, attempt) VALUES($1, $2, $3, $4)
        ON CONFLICT(task) DO UPDATE SET at = greatest(last_start.at, excluded.at), run = excluded.run, attempt = excluded.attempt
        WHERE $5 OR last_start.at <= $6 OR (last_start.run = excluded.run AND last_start.attempt = excluded.attempt)
        """;

    /// <summary>Grants what can be granted; within the transaction, before all else that it writes.</summary>
    /// <returns>The events of those.</returns>
    public List<TaskEvent> Do(NpgsqlConnection connection, IReadOnlyList<StartOrder> orders)
    {
        // In the order of the tasks: two who claim the same ones never wait for each other in a circle.
        List<(int Task, StartOrder Order, int Index)> claims =
        [
            .. from order in orders where order.TryTakeUp() from index in Enumerable.Range(0, order.Claims.Count)
               select (names.Number(NameKind.Task, order.Claims[index].Started.Task ?? ""), order, index),
        ];
        claims.Sort((a, b) => a.Task.CompareTo(b.Task));
        var told = new List<TaskEvent>();
        if (claims.Count == 0)
        {
            return told;
        }
        using var batch = new NpgsqlBatch(connection);
        foreach ((int task, StartOrder order, int index) in claims)
        {
            RunClaim claim = order.Claims[index];
            batch.BatchCommands.Add(Commands.Of(
                Grant, task, claim.Started.At.Micros, Uuids.Of(RunKey.Of(claim.Started.Id, 0).Bits), claim.Started.Attempt ?? 1, claim.IsByHand,
                new NpgsqlParameter<long?> { TypedValue = claim.LastStart?.Micros }));
        }
        batch.ExecuteNonQuery();
        for (int i = 0; i < claims.Count; i++)
        {
            (_, StartOrder order, int index) = claims[i];
            order.Granted[index] = batch.BatchCommands[i].RecordsAffected > 0;
            if (order.Granted[index])
            {
                told.Add(order.Events[index]);
            }
        }
        return told;
    }
}
