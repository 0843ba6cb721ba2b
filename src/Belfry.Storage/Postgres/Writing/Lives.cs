using Belfry.Storage.Payloads;
using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>An id with its facts and the rows it has in the store.</summary>
sealed class TrackedLife(RunKey key, Life life)
{
    public RunKey Key { get; } = key;

    public Life Life { get; } = life;

    public List<FoldedRun> Rows { get; set; } = [];

    /// <summary>When it was deleted before its age, if it was.</summary>
    public Instant? Deleted { get; set; }

    public bool IsOpen => Rows.Exists(row => !row.Run.State.IsFinal());
}

/// <summary>
/// The lives of the ids that a group touches: from memory where nobody else changed them, else from the store. Ids share 64 locks for
/// each source; whoever writes a run holds its lock and counts the version of that lock up. A version that is not the one that this
/// writer left there means that another process wrote: what is remembered under that lock is forgotten and read again.
/// </summary>
sealed class Lives(PostgresStore store, int limit) : IDisposable
{
    const int LockBits = 6;

    readonly RowContext _context = new(store.Names, new PayloadUnpacker(new Dictionaries(), new DictionaryTable(store)));
    readonly Dictionary<long, Lock> _locks = [];                // 64 for each source
    readonly Dictionary<RunKey, TrackedLife> _group = [];       // of the group in hand
    readonly List<TrackedLife> _missing = [];

    /// <summary>The lives of the group in hand.</summary>
    public IReadOnlyCollection<TrackedLife> OfGroup => _group.Values;

    /// <summary>The locks that the group holds.</summary>
    public long[] Held { get; private set; } = [];

    /// <summary>Takes the locks of these ids, always in the same order, and gets their lives.</summary>
    public void Begin(NpgsqlConnection connection, IReadOnlyDictionary<RunKey, List<TaskEvent>> events)
    {
        _group.Clear();
        _missing.Clear();
        Held = [.. events.Keys.Select(LockOf).Distinct().Order()];
        if (Held.Length == 0)
        {
            return;
        }
        MakeLocks();
        TakeLocks(connection);
        foreach ((RunKey key, List<TaskEvent> ofRun) in events)
        {
            if (!_locks[LockOf(key)].Lives.TryGetValue(key, out TrackedLife? life))
            {
                life = new TrackedLife(key, new Life(ofRun[0].Source, ofRun[0].Id));
                _missing.Add(life);
            }
            _group.Add(key, life);
        }
        if (_missing.Count > 0)
        {
            Load(connection);
        }
    }

    /// <summary>After a commit: remembers what is open, as far as there is room.</summary>
    public void Settle()
    {
        foreach (long id in Held)
        {
            _locks[id].Version++;
        }
        foreach (TrackedLife life in _group.Values)
        {
            Dictionary<RunKey, TrackedLife> kept = _locks[LockOf(life.Key)].Lives;
            if (life.IsOpen)
            {
                kept[life.Key] = life;
            }
            else
            {
                kept.Remove(life.Key);
            }
        }
        if (_locks.Values.Sum(held => held.Lives.Count) > limit)
        {
            Forget();
        }
    }

    /// <summary>Forgets everything: it can be read again.</summary>
    public void Forget()
    {
        foreach (Lock held in _locks.Values)
        {
            held.Lives.Clear();
        }
    }

    public void Dispose() => _context.Dispose();

    /// <summary>The lock of an id.</summary>
    public static long LockOf(RunKey key) => ((long)key.Source << LockBits) | (long)(key.Bits & ((1 << LockBits) - 1));

    /// <summary>Stores the locks of a source that is new here, apart from the group's transaction.</summary>
    void MakeLocks()
    {
        foreach (long source in Held.Where(id => !_locks.ContainsKey(id)).Select(id => id >> LockBits).Distinct().ToList())
        {
            store.Apart($"INSERT INTO life_lock(id, version) SELECT {source << LockBits} + n, 0 FROM generate_series(0, {(1 << LockBits) - 1}) AS n ON CONFLICT DO NOTHING", command => command.ExecuteNonQuery());
            for (int n = 0; n < 1 << LockBits; n++)
            {
                _locks.TryAdd((source << LockBits) + n, new Lock());
            }
        }
    }

    void TakeLocks(NpgsqlConnection connection)
    {
        using var command = new NpgsqlCommand("SELECT id, version FROM life_lock WHERE id = ANY($1) ORDER BY id FOR UPDATE", connection);
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = Held });
        using NpgsqlDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            Lock held = _locks[row.GetInt64(0)];
            if (held.Version != row.GetInt64(1))
            {
                held.Version = row.GetInt64(1);
                held.Lives.Clear();
            }
        }
    }

    void Load(NpgsqlConnection connection)
    {
        Guid[] ids = [.. _missing.Select(life => Uuids.Of(life.Key.Bits))];
        int[] sources = [.. _missing.Select(life => life.Key.Source)];
        const string wanted = "FROM unnest($1, $2) AS wanted(wanted_id, wanted_source) JOIN";
        const string on = "ON id = wanted_id AND source = wanted_source";
        using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Commands.Of($"SELECT {RunColumns.All} {wanted} run_open {on}", ids, sources),
                Commands.Of($"SELECT {RunColumns.All} {wanted} run_kept {on}", ids, sources),
                Commands.Of($"SELECT at, id, source, attempt {wanted} run_key {on}", ids, sources),
                Commands.Of($"SELECT id, source, gone {wanted} deleted {on} WHERE EXISTS(SELECT 1 FROM deleted)", ids, sources),
            },
        };
        var keys = (At: new List<long>(), Id: new List<Guid>(), Source: new List<int>(), Attempt: new List<int>());
        using (NpgsqlDataReader row = batch.ExecuteReader())
        {
            AddRows(row);
            row.NextResult();
            AddRows(row);
            row.NextResult();
            while (row.Read())
            {
                keys.At.Add(row.GetInt64(0));
                keys.Id.Add(row.GetGuid(1));
                keys.Source.Add(row.GetInt32(2));
                keys.Attempt.Add(row.GetInt32(3));
            }
            row.NextResult();
            while (row.Read())
            {
                _group[new RunKey(Uuids.BitsOf(row.GetGuid(0)), row.GetInt32(1))].Deleted = new Instant(row.GetInt64(2));
            }
        }
        if (keys.At.Count > 0)
        {
            LoadDone(connection, keys.At, keys.Id, keys.Source, keys.Attempt);
        }
    }

    void LoadDone(NpgsqlConnection connection, params ReadOnlySpan<object?> keys)
    {
        using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Commands.Of(
                    $"""
                    SELECT {RunColumns.All} FROM unnest($1, $2, $3, $4) AS wanted(wanted_at, wanted_id, wanted_source, wanted_attempt)
                    JOIN run_done ON at = wanted_at AND id = wanted_id AND source = wanted_source AND attempt = wanted_attempt
                    """,
                    keys),
            },
        };
        using NpgsqlDataReader row = batch.ExecuteReader();
        AddRows(row);
    }

    void AddRows(NpgsqlDataReader row)
    {
        while (row.Read())
        {
            TrackedLife life = _group[new RunKey(Uuids.BitsOf(row.GetGuid(RunColumns.Id)), row.GetInt32(RunColumns.Source))];
            FoldedRun stored = RunColumns.ReadFacts(row, _context);
            life.Rows.Add(stored);
            foreach (TaskEvent fact in stored.Facts)
            {
                life.Life.Add(fact);
            }
        }
    }

    sealed class Lock
    {
        /// <summary>As this writer last saw it; what is remembered is what stood in the store then.</summary>
        public long Version { get; set; } = -1;

        public Dictionary<RunKey, TrackedLife> Lives { get; } = [];
    }
}
