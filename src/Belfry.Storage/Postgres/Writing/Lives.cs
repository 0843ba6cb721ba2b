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
        var claimed = new List<TrackedLife>();
        var asked = new List<TrackedLife>();
        foreach ((RunKey key, List<TaskEvent> ofRun) in events)
        {
            bool known = _open.TryGetValue(key, out TrackedLife? life);
            life ??= new TrackedLife(key, ofRun[0].Source, ofRun[0].Id);
            _group.Add(key, life);
            life.Add(ofRun, tooLate);
            if (!known)
            {
                (life.Folded is { Count: > 0 } rows && !tooLate.IsOld(rows) ? claimed : asked).Add(life);
            }
        }
        claimed.Sort((a, b) => (a.Key.Bits, a.Key.Source).CompareTo((b.Key.Bits, b.Key.Source)));
        (int made, uint version) = Claim(connection, claimed);
        if (made < claimed.Count || asked.Count > 0)
        {
            Load(connection, [.. claimed, .. asked], version);
            if (made + claimed.Count(life => life.IsOlderThan(version)) < claimed.Count)
            {
                throw new OvertakenException(); // a guard that was in the way has just been deleted
            }
            foreach (TrackedLife life in claimed.Concat(asked).Where(life => life.IsOlderThan(version)))
            {
                life.Add(events[life.Key], tooLate);
            }
        }
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

    /// <summary>Makes the guards of ids, in their order: so two who do the same never wait for each other in a circle.</summary>
    static (int Made, uint Version) Claim(NpgsqlConnection connection, List<TrackedLife> lives)
    {
        using var batch = new NpgsqlBatch(connection);
        if (lives.Count > 0)
        {
            var at = new long[lives.Count];
            for (int i = 0; i < at.Length; i++)
            {
                at[i] = lives[i].Folded![0].Run.At.Micros;
            }
            batch.BatchCommands.Add(Commands.Of(
                "INSERT INTO run_key(at, id, source, attempt) SELECT *, 1 FROM unnest($1, $2, $3) ON CONFLICT DO NOTHING", at, IdsOf(lives), SourcesOf(lives)));
        }
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT pg_current_xact_id()::xid"));
        uint version = (uint)batch.ExecuteScalar()!;
        foreach (TrackedLife life in lives)
        {
            life.Guard = new Guard(life.Folded![0].Run.At.Micros, version);
        }
        return (lives.Count > 0 ? (int)batch.BatchCommands[0].RecordsAffected : 0, version);
    }

    /// <summary>Reads those that are in the store already, in one statement: so all rows are as of one moment.</summary>
    void Load(NpgsqlConnection connection, List<TrackedLife> wanted, uint ours)
    {
        const string ids = "FROM unnest($1, $2) AS wanted(wanted_id, wanted_source) JOIN run_key AS guard ON guard.id = wanted_id AND guard.source = wanted_source";
        const string guards = $"{ids} AND guard.attempt = 1 AND guard.xmin <> $3";
        using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Commands.Of(
                    $"""
                    SELECT guard.at, NULL, NULL, NULL, NULL, guard.id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, guard.source, 0, NULL, NULL, NULL, NULL, guard.xmin {guards}
                    UNION ALL SELECT {RunColumns.Of("run")}, run.xmin {guards} JOIN run_open AS run ON run.id = wanted_id AND run.source = wanted_source
                    UNION ALL SELECT {RunColumns.Of("run")}, run.xmin {guards} JOIN run_kept AS run ON run.id = wanted_id AND run.source = wanted_source
                    UNION ALL SELECT {RunColumns.Of("run")}, run.xmin {ids} AND guard.xmin <> $3
                      JOIN run_done AS run ON run.at = guard.at AND run.id = wanted_id AND run.source = wanted_source AND run.attempt = guard.attempt
                    """,
                    IdsOf(wanted), SourcesOf(wanted), new NpgsqlParameter { Value = ours, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Xid }),
                Commands.Of(
                    "SELECT id, source, gone FROM unnest($1, $2) AS wanted(wanted_id, wanted_source) JOIN deleted ON id = wanted_id AND source = wanted_source WHERE EXISTS(SELECT 1 FROM deleted)",
                    IdsOf(wanted), SourcesOf(wanted)),
            },
        };
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
