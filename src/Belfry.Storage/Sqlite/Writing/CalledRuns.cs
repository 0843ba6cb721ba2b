using Belfry.Storage.Rollups;
using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Rows;
using Belfry.Storage.Writing;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>
/// The called runs that are open: which of them wait, and which a worker has. A cache of the tables <c>open</c> and <c>claim</c>, so it can be made
/// anew at any time.
/// </summary>
/// <remarks>
/// A called run is any open run of the source <c>local</c> that was submitted, whoever told so. One that is put and ends as this class knows it never
/// meets the fold; a test holds that its row is what the fold would make. When its events come from elsewhere too, it is a run like any other.
/// </remarks>
sealed class CalledRuns
{
    readonly Database _database;
    readonly NameTable _names;
    readonly RunRows _rows;
    readonly RollupChanges _rollups;
    readonly OpenLives _open;
    readonly WaitingCalls _waiting = new();
    readonly Dictionary<long, OpenCall> _calls = []; // by place; as many as called runs are open
    readonly ClaimTable _claims;
    readonly CallArgs _args;
    readonly List<OpenCall> _orphans = []; // begun, but in nobody's hands; Recover empties it
    readonly List<(WorkRoom Room, string Queue)> _entered = []; // in the group at hand; Settle and RollBack empty it
    Instant _now;

    public CalledRuns(Database database, NameTable names, RunRows rows, RollupChanges rollups, OpenLives open)
    {
        (_database, _names, _rows, _rollups, _open) = (database, names, rows, rollups, open);
        (_claims, _args) = (new ClaimTable(database), new CallArgs(database));
        open.SkipTo(_claims.LastPlace);
        HashSet<long> hidden = _args.Places();
        using Statement read = database.PrepareOnce($"""
            SELECT id, at, {RowCodec.Columns} FROM open WHERE sent IS NOT NULL AND source = (SELECT id FROM name WHERE kind = ? AND text = ?)
            """);
        read.Bind(1, (long)NameKind.Source).Bind(2, CallEvents.Source);
        while (read.Step())
        {
            TaskRun run = RowCodec.Read(read, 2, read.Int64(1), names);
            Add(read.Int64(0), run).HasHiddenArgs = hidden.Contains(read.Int64(0));
        }
    }

    /// <summary>When the next one becomes due; null when all that wait are.</summary>
    public Instant? NextDue => _waiting.NextDue;

    /// <summary>A row of <c>open</c> was written: it may be a call that waits from now on.</summary>
    public StoredRow See(StoredRow stored)
    {
        TaskRun run = stored.Row.Run;
        if (run.Submitted is not null && run.Source == CallEvents.Source && !_calls.ContainsKey(stored.Place))
        {
            Add(stored.Place, run);
        }
        return stored;
    }

    /// <summary>A row of <c>open</c> is gone.</summary>
    public void Close(long place)
    {
        if (_calls.Remove(place, out OpenCall? call))
        {
            call.Waiting.IsGone = true;
            _claims.Leave(call.Claim);
            _args.Delete(call);
        }
    }

    /// <summary>Events of a life come by another way: what ends it goes there, too.</summary>
    public void Touch(TrackedLife life)
    {
        for (int i = 0; _calls.Count > 0 && i < life.Rows.Count; i++)
        {
            if (life.Rows[i].IsOpen && _calls.TryGetValue(life.Rows[i].Place, out OpenCall? call))
            {
                (call.IsTouched, call.Row) = (true, null);
            }
        }
    }

    /// <summary>Does what can be done plainly, for the group at hand.</summary>
    /// <param name="work">What is wanted.</param>
    /// <param name="now">The group's instant.</param>
    /// <param name="find">The life of an id, with the rows it has.</param>
    /// <param name="changes">Runs that changed are added.</param>
    /// <returns>Events that tell the rest.</returns>
    public List<TaskEvent> Do(WorkOrders work, Instant now, Func<string, TrackedLife> find, List<RunChange> changes)
    {
        _now = now;
        _args.Begin();
        var told = new List<TaskEvent>();
        foreach (EndOrder end in work.Ends)
        {
            if (!TryEnd(end, changes))
            {
                told.Add(CallEvents.Started(end.Call, end.Started));
                told.Add(end.Ended);
                Again(end.Next, told);
            }
        }
        work.Releases.ForEach(Release);
        work.Revokes.ForEach(revoke => Revoke(revoke, find, told));
        var keyed = new HashSet<string>();
        foreach (PutOrder put in work.Puts)
        {
            put.IsNew = !put.Call.IsKeyed || (keyed.Add(put.Call.Id) && find(put.Call.Id).Rows.Count == 0);
            if (put.IsNew)
            {
                Put(put, told, changes);
            }
        }
        return told;
    }

    /// <summary>Hands out calls; after what <see cref="Do"/> told is in the rows.</summary>
    /// <returns>Events that end calls which have expired, and start those again whose process died.</returns>
    public List<TaskEvent> Claim(WorkOrders work, WorkerMark? mark, Func<string, TrackedLife> find)
    {
        var told = new List<TaskEvent>();
        _args.Keep(id => OpenOf(find(id)));
        if (work.Asks.Count > 0)
        {
            Recover(mark!, find, told);
        }
        foreach (AskOrder ask in work.Asks)
        {
            ask.Room.CountElsewhere(AtWorkElsewhere(ask.Room, mark!.Number));
            ask.Claimed = Claim(ask.Room, mark.Number, find, told);
        }
        return told;
    }

    /// <summary>Writes what is left to write; within the group's transaction.</summary>
    public void Flush(Func<string, TrackedLife> find)
    {
        _args.Keep(id => OpenOf(find(id)));
        _claims.Flush();
    }

    /// <summary>The group at hand is written: whoever entered a room is in it.</summary>
    public void Settle() => _entered.Clear();

    /// <summary>The group at hand was not written: who entered a room leaves it.</summary>
    public void RollBack()
    {
        _entered.ForEach(call => call.Room.Leave(call.Queue));
        _entered.Clear();
    }

    /// <summary>How many wait in each queue.</summary>
    public Dictionary<string, int> Count() =>
        _calls.Values.Where(call => call.Claim is null).GroupBy(call => call.Waiting.Queue).ToDictionary(queue => queue.Key, queue => queue.Count());

    void Put(PutOrder put, List<TaskEvent> told, List<RunChange> changes)
    {
        if (put.Call.IsKeyed || put.Submitted.ClockOff)
        {
            told.Add(put.Submitted);
            _args.PutLater(put.Call, put.Submitted);
            return;
        }
        var row = new FoldedRun(CallRows.Waiting(put.Submitted), [put.Submitted]);
        StoredRow stored = _rows.Open(RunKey.Of(put.Call.Id, Source), null, row);
        Note(null, row.Run, changes);
        OpenCall call = Add(stored.Place, row.Run);
        (call.Row, call.Waiting.Call) = (stored, put.Call);
        _args.Put(call, put.Call, put.Submitted);
    }

    bool TryEnd(EndOrder end, List<RunChange> changes)
    {
        var ticket = (OpenCall)end.Call.Ticket!;
        bool isPlain = _calls.TryGetValue(ticket.Place, out OpenCall? call) && call.Key == ticket.Key && Load(call) is not null
            && end.Ended.Kind != EventKind.Lost && end.Next is null && !end.Ended.ClockOff && call.Row!.Value.Row.Run.Submitted <= end.Started && end.Started <= end.Ended.At;
        if (!isPlain)
        {
            return false;
        }
        StoredRow before = call!.Row!.Value;
        TaskEvent started = CallEvents.Started(end.Call, end.Started);
        var row = new FoldedRun(CallRows.Ended(before.Row.Run, started, end.Ended), [before.Row.Facts[0], started, end.Ended]);
        long? at = RunRows.StandsAt(before, row.Run);
        _rows.Delete(call.Key, before);
        _rows.End(call.Key, at, row);
        Note(before.Row.Run, row.Run, changes);
        Close(before.Place);
        return true;
    }

    void Release(ReleaseOrder release)
    {
        foreach (ClaimedCall claimed in release.Calls)
        {
            if (_calls.TryGetValue(((OpenCall)claimed.Ticket!).Place, out OpenCall? call) && call.Claim is not null)
            {
                _claims.GiveBack(call.Claim, call.Place);
                call.Claim = null;
                _waiting.Add(call.Waiting, _now);
            }
        }
    }

    void Revoke(RevokeOrder revoke, Func<string, TrackedLife> find, List<TaskEvent> told)
    {
        StoredRow row = find(revoke.Id).Rows.Find(row => row.IsOpen);
        revoke.Found = row.IsOpen && _calls.TryGetValue(row.Place, out OpenCall? call) && call.Claim is null && !call.Waiting.IsGone;
        if (revoke.Found)
        {
            _calls[row.Place].Waiting.IsGone = true;
            told.Add(CallEvents.Cancelled(revoke.Id, row.Row.Run.Attempt, CallEvents.Revoked, _now));
        }
    }

    /// <summary>How many calls of queues with a limit other processes have.</summary>
    Dictionary<string, int> AtWorkElsewhere(WorkRoom room, int owner) => room.Limited.Any()
        ? _claims.Others(owner).SelectMany(claim => claim.Places.Select(place => _calls.GetValueOrDefault(place)).Where(call => call?.Claim == claim))
            .CountBy(call => call!.Waiting.Queue).ToDictionary()
        : [];

    List<ClaimedCall> Claim(WorkRoom room, int owner, Func<string, TrackedLife> find, List<TaskEvent> told)
    {
        var claimed = new List<ClaimedCall>(Math.Min(room.Free, _calls.Count));
        var places = new List<long>(claimed.Capacity);
        while (_waiting.Take(room, _now) is { } waiting)
        {
            OpenCall call = _calls[waiting.Number];
            QueuedCall what = waiting.Call ?? CallOf(call);
            if (what.Expires < _now)
            {
                room.Leave(waiting.Queue);
                waiting.IsGone = true;
                told.Add(CallEvents.Cancelled(what.Id, waiting.Attempt, "expired", _now));
                continue;
            }
            _entered.Add((room, waiting.Queue));
            places.Add(call.Place);
            claimed.Add(new ClaimedCall(what, waiting.Attempt, room.Worker, call) { Deaths = Deaths(find, what.Id, waiting.Attempt) });
        }
        if (places.Count > 0)
        {
            ClaimRow row = _claims.Add(owner, room.Worker, _now, places);
            places.ForEach(place => _calls[place].Claim = row);
        }
        return claimed;
    }

    /// <summary>Calls whose process died are lost, and wait again as the next attempt, unless that was their last.</summary>
    void Recover(WorkerMark mark, Func<string, TrackedLife> find, List<TaskEvent> told)
    {
        foreach (ClaimRow claim in _claims.OfTheDead(mark, _now))
        {
            foreach (long place in claim.Places)
            {
                if (_calls.TryGetValue(place, out OpenCall? call) && call.Claim == claim)
                {
                    Lose(call, claim.Worker, claim.At, find, told);
                }
            }
        }
        foreach (OpenCall call in _orphans)
        {
            Lose(call, null, _now, find, told);
        }
        _orphans.Clear();
    }

    /// <summary>How many processes have died of a call: its attempts before this one say.</summary>
    static int Deaths(Func<string, TrackedLife> find, string id, int attempt) => attempt == 1 ? 0 : find(id).Rows.Count(row => row.Row.Run.State == RunState.Lost);

    void Lose(OpenCall call, string? worker, Instant claimed, Func<string, TrackedLife> find, List<TaskEvent> told)
    {
        if (Read(call.Place) is not { } row)
        {
            return;
        }
        TaskRun run = row.Row.Run;
        int deaths = Deaths(find, run.Id, run.Attempt) + 1;
        told.AddRange(CallEvents.Lost(run, worker ?? run.Worker, claimed, _now, deaths));
        QueuedCall all = _args.Complete(call, CallEvents.CallOf(run));
        Again(CallEvents.Next(all, deaths, _now) is { } next ? new NextAttempt(next, CallEvents.Submitted(next, run.Attempt + 1), IsAfterDeath: true) : null, told);
    }

    void Again(NextAttempt? next, List<TaskEvent> told)
    {
        if (next is not null)
        {
            told.Add(next.Submitted);
            _args.PutLater(next.Call, next.Submitted);
        }
    }

    /// <summary>The open call of a life; null when it has none.</summary>
    OpenCall? OpenOf(TrackedLife life) => life.Rows.FindLast(row => row.IsOpen) is { IsOpen: true } row ? _calls.GetValueOrDefault(row.Place) : null;

    OpenCall Add(long place, TaskRun run)
    {
        QueuedCall call = CallEvents.CallOf(run);
        var added = new OpenCall
        {
            Place = place, Key = RunKey.Of(run.Id, Source), Claim = _claims.Of(place),
            Waiting = new WaitingCall { Queue = call.Queue, Task = call.Task, Number = place, Priority = call.Priority, Due = call.Due, Attempt = run.Attempt },
        };
        _calls.Add(place, added);
        if (added.Claim is { } claim)
        {
            claim.Left++;
        }
        else if (run.State == RunState.Pending)
        {
            _waiting.Add(added.Waiting, _now);
        }
        else
        {
            _orphans.Add(added);
        }
        return added;
    }

    /// <summary>The row of a call if it is as it was put; null when it has to go through the fold.</summary>
    StoredRow? Load(OpenCall call)
    {
        if (call.Row is null && !call.IsTouched && Read(call.Place) is { } read)
        {
            bool isPlain = read.Row.Facts is [{ Kind: EventKind.Submitted, ClockOff: false }] && read.Row.Run.Attempt == 1;
            (call.Row, call.IsTouched) = (isPlain ? read : null, !isPlain);
        }
        return call.Row;
    }

    QueuedCall CallOf(OpenCall call) => _args.Complete(call, CallEvents.CallOf((Load(call) ?? Read(call.Place))!.Value.Row.Run));

    StoredRow? Read(long place)
    {
        Statement read = _database.Prepare($"SELECT at, {RowCodec.Columns} FROM open WHERE id = ?");
        StoredRow? row = read.Bind(1, place).Step()
            ? new StoredRow(place, read.Int64(0), IsOpen: true, RowCodec.ReadFacts(read, 1, read.Int64(0), IdColumn.Read(read, 1)!, _names))
            : null;
        read.Reset();
        return row;
    }

    void Note(TaskRun? before, TaskRun after, List<RunChange> changes)
    {
        _rollups.Change(before, after);
        changes.Add(new RunChange(0, after, null, Gap: false));
    }

    int Source => _names.Number(NameKind.Source, CallEvents.Source);
}

/// <summary>A called run that is open.</summary>
sealed class OpenCall
{
    public required long Place { get; init; }

    public required RunKey Key { get; init; }

    public required WaitingCall Waiting { get; init; }

    /// <summary>Who has it; null while it waits.</summary>
    public ClaimRow? Claim { get; set; }

    /// <summary>Its row, as it was put; null while it is not in memory.</summary>
    public StoredRow? Row { get; set; }

    /// <summary>Other events came: its row is not as it was put.</summary>
    public bool IsTouched { get; set; }

    /// <summary>The log shows its arguments otherwise.</summary>
    public bool HasHiddenArgs { get; set; }
}
