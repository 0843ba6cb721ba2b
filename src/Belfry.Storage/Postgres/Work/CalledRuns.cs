using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Rows;
using Belfry.Storage.Writing;
using Npgsql;

namespace Belfry.Storage.Postgres.Work;

/// <summary>
/// What the work queue wants of a group: calls are put, taken, ended and given back in the table <c>call</c>, and their events are told to the same
/// transaction. Nothing is remembered between two groups, because other processes do the same.
/// </summary>
sealed class CalledRuns(PostgresStore store, Presence presence, CallBell bell)
{
    const int MostAtOnce = 10_000;

    readonly GrantedStarts _starts = new(store.Names);
    readonly List<(WorkRoom Room, string Queue)> _entered = []; // in the group at hand
    readonly List<StartOrder> _taken = [];
    readonly HashSet<string> _limited = []; // queues of which somebody here takes no more than so many: as many as were ever named

    /// <summary>Does it; within the transaction, before all else that it writes.</summary>
    /// <returns>Events that belong to the group.</returns>
    public List<TaskEvent> Do(NpgsqlConnection connection, WorkOrders work, Instant now)
    {
        _entered.Clear();
        _taken.Clear();
        if (work.IsEmpty)
        {
            return [];
        }
        foreach (StartOrder order in work.Starts.Where(order => order.Claims.Count > 0))
        {
            presence.Begin(order.Claims[0].Started.Worker ?? "");
        }
        List<TaskEvent> told = _starts.Do(connection, work.Starts);
        _taken.AddRange(work.Starts);
        bool rings = Put(connection, work, told, now);
        rings |= Return(connection, work, told, now);
        if (work.Asks.Count > 0)
        {
            rings |= Recover(connection, told, now);
            work.Asks.ForEach(ask => Answer(connection, ask, told, now));
            work.NextDue = CallTable.NextDue(connection, now);
        }
        if (work.Counts.Count > 0)
        {
            work.Counted = CallTable.Waiting(connection);
        }
        if (rings)
        {
            Run(connection, new NpgsqlBatchCommand(CallBell.Ring));
        }
        return told;
    }

    /// <summary>The group was not written: who entered a room leaves it, and who claims starts may withdraw.</summary>
    public void RollBack()
    {
        _entered.ForEach(call => call.Room.Leave(call.Queue));
        _entered.Clear();
        _taken.ForEach(order => order.PutBack());
        _taken.Clear();
    }

    bool Put(NpgsqlConnection connection, WorkOrders work, List<TaskEvent> told, Instant now)
    {
        if (work.Puts.Count == 0)
        {
            return false;
        }
        HashSet<Guid> put = CallTable.Put(connection, work.Puts.Select(order => order.Call).DistinctBy(call => call.Id).Select(call => (call, 1)), Source);
        foreach (PutOrder order in work.Puts)
        {
            order.IsNew = put.Remove(CallTable.KeyOf(order.Call.Id));
            if (order.IsNew)
            {
                told.Add(order.Submitted);
            }
        }
        return work.Puts.Exists(order => order.IsNew && order.Call.Due <= now);
    }

    bool Return(NpgsqlConnection connection, WorkOrders work, List<TaskEvent> told, Instant now)
    {
        Guid[] ended = [.. work.Ends.Where(end => end.Next is null).Select(end => CallTable.KeyOf(end.Call.Call.Id))];
        NextAttempt[] again = [.. work.Ends.Select(end => end.Next).OfType<NextAttempt>()];
        Guid[] released = [.. work.Releases.SelectMany(release => release.Calls).Select(call => CallTable.KeyOf(call.Call.Id))];
        if (ended.Length > 0)
        {
            Run(connection, CallTable.End(ended, presence.Id));
        }
        if (again.Length > 0)
        {
            Run(connection, CallTable.Next(again, presence.Id));
        }
        foreach (EndOrder end in work.Ends)
        {
            told.Add(CallEvents.Started(end.Call, end.Started));
            told.Add(end.Ended);
            if (end.Next is { } next)
            {
                told.Add(next.Submitted);
            }
        }
        if (released.Length > 0)
        {
            Run(connection, CallTable.Release(released, presence.Id));
        }
        foreach (RevokeOrder revoke in work.Revokes)
        {
            int? attempt = CallTable.Revoke(connection, revoke.Id);
            revoke.Found = attempt is not null;
            if (attempt is { } next)
            {
                told.Add(CallEvents.Cancelled(revoke.Id, next, CallEvents.Revoked, now));
            }
        }
        return released.Length > 0 || Array.Exists(again, next => next.Call.Due <= now) || work.Ends.Exists(end => _limited.Contains(end.Call.Call.Queue));
    }

    /// <summary>Calls whose process died are lost, and wait again as the next attempt, unless that was their last.</summary>
    bool Recover(NpgsqlConnection connection, List<TaskEvent> told, Instant now)
    {
        List<CallRow> lost = CallTable.OfTheDead(connection, presence.Id, presence.Dead.Select(process => process.Id), Source);
        var again = new List<NextAttempt>();
        var over = new List<Guid>();
        foreach (CallRow row in lost)
        {
            told.AddRange(CallEvents.Lost(row.Call.Id, row.Attempt, row.Started, row.Worker, row.Claimed ?? now, now, row.Deaths + 1));
            if (CallEvents.Next(row.Call, row.Deaths + 1, now) is { } next)
            {
                // Without arguments: the log has those of the attempt before, with what it may not show masked.
                told.Add(CallEvents.Submitted(next with { Args = null, Kwargs = null }, row.Attempt + 1));
                again.Add(new NextAttempt(next, told[^1], IsAfterDeath: true));
            }
            else
            {
                over.Add(row.Key);
            }
        }
        if (lost.Count > 0)
        {
            Run(connection, CallTable.Next([.. again], owner: null), CallTable.Delete(over));
        }
        return again.Count > 0;
    }

    /// <summary>
    /// Of queues with a limit the calls in other processes' hands count as well. Whoever takes such calls has their queue to himself until his commit; others leave it
    /// alone meanwhile, and look again half a second later at the latest. Nobody waits, so nobody waits in a circle.
    /// </summary>
    void Limit(NpgsqlConnection connection, WorkRoom room, Round round)
    {
        room.CountElsewhere(new Dictionary<string, int>());
        string[] limited = [.. room.Limited.Where(queue => room.FreeIn(queue) > 0)];
        if (limited.Length == 0)
        {
            return;
        }
        string[] ours = CallTable.Reserve(connection, limited);
        _limited.UnionWith(limited);
        round.Full.UnionWith(limited.Except(ours));
        if (ours.Length > 0)
        {
            room.CountElsewhere(CallTable.AtWorkElsewhere(connection, ours, presence.Id));
        }
    }

    /// <summary>Gives a worker what there is room for: by priority, then by instant, over all queues.</summary>
    void Answer(NpgsqlConnection connection, AskOrder ask, List<TaskEvent> told, Instant now)
    {
        presence.Begin(ask.Room.Worker);
        bell.Begin();
        var round = new Round(ask.Room, now);
        Limit(connection, ask.Room, round);
        foreach (int priority in ask.Room.Free > 0 ? CallTable.Priorities(connection) : [])
        {
            bool more = true;
            while (more && ask.Room.Free > 0)
            {
                int most = Math.Min(ask.Room.Free, MostAtOnce);
                List<CallRow> rows = CallTable.Due(connection, priority, now, most, round.Strangers, round.Full, round.Seen);
                rows.ForEach(row => round.Take(row, _entered));
                more = rows.Count == most;
            }
        }
        if (round.Claimed.Count + round.Expired.Count > 0)
        {
            Run(connection, CallTable.Claim(round.Claimed.Select(row => row.Key), presence.Id, ask.Room.Worker, now), CallTable.Delete(round.Expired.Select(row => row.Key)));
        }
        told.AddRange(round.Expired.Select(row => CallEvents.Cancelled(row.Call.Id, row.Attempt, "expired", now)));
        ask.Claimed = round.Claimed.ConvertAll(row => new ClaimedCall(row.Call, row.Attempt, ask.Room.Worker, null) { Deaths = row.Deaths });
    }

    int Source => store.Names.Number(NameKind.Source, CallEvents.Source);

    static void Run(NpgsqlConnection connection, params ReadOnlySpan<NpgsqlBatchCommand> commands)
    {
        using var batch = new NpgsqlBatch(connection);
        foreach (NpgsqlBatchCommand command in commands)
        {
            batch.BatchCommands.Add(command);
        }
        batch.ExecuteNonQuery();
    }

    /// <summary>What one worker gets.</summary>
    sealed class Round(WorkRoom room, Instant now)
    {
        public List<CallRow> Claimed { get; } = [];

        public List<CallRow> Expired { get; } = [];

        /// <summary>Tasks that it does not know.</summary>
        public HashSet<string> Strangers { get; } = [];

        /// <summary>Queues without room.</summary>
        public HashSet<string> Full { get; } = [];

        /// <summary>What need not be looked at again.</summary>
        public IEnumerable<Guid> Seen => Claimed.Concat(Expired).Select(row => row.Key);

        public void Take(CallRow row, List<(WorkRoom Room, string Queue)> entered)
        {
            if (row.Call.Expires < now)
            {
                Expired.Add(row);
            }
            else if (!room.Knows(row.Call.Task))
            {
                Strangers.Add(row.Call.Task);
            }
            else if (room.TryEnter(row.Call.Queue))
            {
                entered.Add((room, row.Call.Queue));
                Claimed.Add(row);
            }
            else
            {
                Full.Add(row.Call.Queue);
            }
        }
    }
}
