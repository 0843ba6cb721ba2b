using Belfry.Storage.Payloads;
using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>
/// The lives of the ids that a group touches. Memory is only a cache: what it has is written with its version, and what it has not is taken
/// for new. The guard of a new id can be made once; who cannot make it reads what is stored.
/// </summary>
sealed class Lives(PostgresStore store, int limit) : IDisposable
{
    readonly RowContext _context = new(store.Names, new PayloadUnpacker(new Dictionaries(), new DictionaryTable(store)));
    readonly NewGuards _guards = new();
    readonly Dictionary<RunKey, TrackedLife> _open = [];   // at most limit, but for those of one group
    readonly Queue<RunKey> _oldest = new();                // in the order in which they came to memory; emptied by Settle
    readonly Dictionary<RunKey, TrackedLife> _group = [];  // of the group in hand

    /// <summary>The lives of the group in hand.</summary>
    public IReadOnlyCollection<TrackedLife> OfGroup => _group.Values;

    /// <summary>Gets the lives of a group, with its events folded in, and makes the guards of those that are new; within the transaction.</summary>
    /// <returns>The version of all that this transaction writes.</returns>
    public uint Begin(NpgsqlConnection connection, IReadOnlyDictionary<RunKey, List<TaskEvent>> events, TooLate tooLate)
    {
        _group.Clear();
        var known = new List<TrackedLife>();
        var fresh = new List<TrackedLife>();
        var asked = new List<TrackedLife>();
        foreach ((RunKey key, List<TaskEvent> ofRun) in events)
        {
            if (_open.TryGetValue(key, out TrackedLife? life))
            {
                known.Add(life);
            }
            else
            {
                life = new TrackedLife(key, ofRun[0].Source, ofRun[0].Id);
                life.Add(ofRun, tooLate);
                (BeginsHere(ofRun) && CanBeNew(life, tooLate) ? fresh : asked).Add(life);
            }
            _group.Add(key, life);
        }
        if (asked.Count > 0)
        {
            Load(connection, asked, events, tooLate, ours: 0);
            fresh.AddRange(asked.Where(life => life.Guard is null && CanBeNew(life, tooLate)));
        }
        (int made, uint version) = Make(connection, fresh);
        if (made < fresh.Count)
        {
            Load(connection, fresh, events, tooLate, version);
            if (made + fresh.Count(life => life.IsOlderThan(version)) < fresh.Count)
            {
                throw new OvertakenException(); // a guard that was in the way has just been deleted
            }
        }
        known.ForEach(life => life.Add(events[life.Key], tooLate));
        return version;
    }

    /// <summary>After a commit: remembers what is open. Where there is no room, those go that came first.</summary>
    public void Settle()
    {
        foreach (TrackedLife life in _group.Values)
        {
            if (!life.IsOpen)
            {
                _open.Remove(life.Key);
            }
            else if (_open.TryAdd(life.Key, life))
            {
                _oldest.Enqueue(life.Key);
            }
        }
        while (_open.Count > limit || _oldest.Count > 2 * (_open.Count + limit))
        {
            _open.Remove(_oldest.Dequeue());
        }
    }

    /// <summary>After a failure: forgets what the group touched; it can be read again.</summary>
    public void ForgetGroup()
    {
        foreach (RunKey key in _group.Keys)
        {
            _open.Remove(key);
        }
    }

    public void Dispose() => _context.Dispose();

    /// <summary>Of other runs the beginning is most likely stored already.</summary>
    static bool BeginsHere(List<TaskEvent> events) => events.Exists(item => item.Kind is EventKind.Submitted or EventKind.Received);

    /// <summary>There is something to store.</summary>
    static bool CanBeNew(TrackedLife life, TooLate tooLate) => life.Folded is { Count: > 0 } rows && !tooLate.IsOld(rows);

    /// <summary>Makes the guards of ids that are taken for new.</summary>
    (int Made, uint Version) Make(NpgsqlConnection connection, List<TrackedLife> lives)
    {
        try
        {
            return _guards.Make(connection, lives);
        }
        catch (OvertakenException)
        {
            _group.Clear(); // nothing was added yet to what memory has
            throw;
        }
    }

    /// <summary>Reads those that are in the store already, in one statement: so all rows are as of one moment. The group's events are added to them.</summary>
    void Load(NpgsqlConnection connection, List<TrackedLife> wanted, IReadOnlyDictionary<RunKey, List<TaskEvent>> events, TooLate tooLate, uint ours)
    {
        Read(connection, wanted, ours);
        foreach (TrackedLife life in wanted.Where(life => life.IsOlderThan(ours)))
        {
            life.Add(events[life.Key], tooLate);
        }
    }

    void Read(NpgsqlConnection connection, List<TrackedLife> wanted, uint ours)
    {
        const string on = "ON run.id = found.id AND run.source = found.source", ofGuard = on + " AND found.attempt = 1";
        using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Commands.Of(
                    $"""
                    WITH found AS MATERIALIZED (
                      SELECT key.at, key.id, key.source, key.attempt, key.xmin AS version FROM unnest($1, $2) AS wanted(id, source)
                      JOIN run_key AS key ON key.id = wanted.id AND key.source = wanted.source WHERE key.xmin <> $3)
                    SELECT at, NULL, NULL, NULL, NULL, id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, source, 0, 0::int2, 0::int2, 0::int2, NULL, version FROM found WHERE attempt = 1
                    UNION ALL SELECT {RunColumns.Of("run")}, run.xmin FROM found JOIN run_open AS run {ofGuard}
                    UNION ALL SELECT {RunColumns.Of("run")}, run.xmin FROM found JOIN run_kept AS run {ofGuard}
                    UNION ALL SELECT {RunColumns.Of("run")}, run.xmin FROM found JOIN run_done AS run {on} AND run.at = found.at AND run.attempt = found.attempt
                    """,
                    IdsOf(wanted), SourcesOf(wanted), new NpgsqlParameter { Value = ours, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Xid }),
                Commands.Of(
                    "SELECT id, source, gone FROM unnest($1, $2) AS wanted(wanted_id, wanted_source) JOIN deleted ON id = wanted_id AND source = wanted_source WHERE EXISTS(SELECT 1 FROM deleted)",
                    IdsOf(wanted), SourcesOf(wanted)),
            },
        };
        if (ours != 0)
        {
            // Attaching a partition waits for nobody, and a prepared statement learns of one only by a lock that its transaction does not hold yet. This one may have
            // read before: then it would see the guard of whoever was first, and not the row in the partition that he has just made; the run would be stored twice.
            // No other statement takes this mode of lock: that of COPY would hide from it the partitions that are made next.
            batch.BatchCommands.Insert(0, new NpgsqlBatchCommand("LOCK TABLE ONLY run_done IN ROW SHARE MODE"));
        }
        using NpgsqlDataReader row = batch.ExecuteReader();
        ReadRows(row);
        row.NextResult();
        while (row.Read())
        {
            LifeOf(row, 0, 1).LearnDeleted(new Instant(row.GetInt64(2)));
        }
    }

    /// <summary>Reads guards and rows; the guards come first.</summary>
    void ReadRows(NpgsqlDataReader row)
    {
        while (row.Read())
        {
            TrackedLife life = LifeOf(row, RunColumns.Id, RunColumns.Source);
            uint version = row.GetFieldValue<uint>(RunColumns.Count);
            if (row.GetInt32(RunColumns.Attempt) == 0)
            {
                life.Reset(new Guard(row.GetInt64(RunColumns.At), version));
            }
            else
            {
                life.Learn(new StoredRow(RunColumns.ReadFacts(row, _context), version));
            }
        }
    }

    TrackedLife LifeOf(NpgsqlDataReader row, int id, int source) => _group[new RunKey(Uuids.BitsOf(row.GetGuid(id)), row.GetInt32(source))];

    static Guid[] IdsOf(List<TrackedLife> lives) => [.. lives.Select(life => Uuids.Of(life.Key.Bits))];

    static int[] SourcesOf(List<TrackedLife> lives) => [.. lives.Select(life => life.Key.Source)];
}

/// <summary>Another process wrote an id of this group first: with fresh eyes it goes.</summary>
sealed class OvertakenException() : Exception("another process wrote these runs first");
