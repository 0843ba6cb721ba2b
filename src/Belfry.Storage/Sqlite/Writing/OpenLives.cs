using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>A row as it stands in the store.</summary>
/// <param name="Place">Its id in <c>open</c>, or its <c>at</c> in <c>run</c>.</param>
/// <param name="IsOpen">Which of the two.</param>
/// <param name="Row">The run and its facts.</param>
readonly record struct StoredRow(long Place, bool IsOpen, FoldedRun Row);

/// <summary>An id with its facts and the rows it has in the store.</summary>
sealed class TrackedLife(RunKey key, Life life)
{
    public RunKey Key { get; } = key;

    public Life Life { get; } = life;

    public List<StoredRow> Rows { get; set; } = [];

    /// <summary>The group in hand has an event of it.</summary>
    public bool IsTouched { get; set; }

    /// <summary>An event of the group said something new.</summary>
    public bool IsDirty { get; set; }

    public bool IsOpen => Rows.Exists(row => row.IsOpen);
}

/// <summary>
/// The map of open runs: where each has its row, and of as many as may stay in memory the facts. It is only a cache; what is
/// not here is read again.
/// </summary>
sealed class OpenLives
{
    readonly Database _database;
    readonly KeySegments _keys;
    readonly NameTable _names;
    readonly int _limit;
    readonly Dictionary<RunKey, TrackedLife> _lives = [];       // open runs with their facts; Settle empties it above the limit
    readonly Dictionary<RunKey, List<long>> _elsewhere = [];    // open runs whose facts are only in the store: their ids in `open`

    public OpenLives(Database database, KeySegments keys, NameTable names, int limit)
    {
        (_database, _keys, _names, _limit) = (database, keys, names, limit);
        using Statement open = database.PrepareOnce("SELECT id, uid, source FROM open");
        while (open.Step())
        {
            long place = open.Int64(0);
            Elsewhere(RunKey.Of(IdColumn.Read(open, 1)!, open.Int32(2))).Add(place);
            LastPlace = Math.Max(LastPlace, place);
        }
    }

    /// <summary>The greatest id in <c>open</c>.</summary>
    public long LastPlace { get; set; }

    /// <summary>Open runs, in memory or not.</summary>
    public int Count => _lives.Count + _elsewhere.Count;

    /// <summary>An attempt of this id is open.</summary>
    public bool IsOpen(RunKey key) => _elsewhere.ContainsKey(key) || (_lives.TryGetValue(key, out TrackedLife? life) && life.IsOpen);

    /// <summary>The life of an id: from memory, from the store, or new.</summary>
    public TrackedLife Of(string source, string id)
    {
        RunKey key = RunKey.Of(id, _names.Number(NameKind.Source, source));
        if (_lives.TryGetValue(key, out TrackedLife? life))
        {
            return life;
        }
        life = new TrackedLife(key, new Life(source, id));
        if (_elsewhere.Remove(key, out List<long>? places))
        {
            places.ForEach(place => Load(life, place, isOpen: true));
        }
        _keys.Find(key).ForEach(place => Load(life, place, isOpen: false));
        _lives.Add(key, life);
        return life;
    }

    /// <summary>After a commit: forgets what has ended, and above the limit the facts of what is open.</summary>
    public void Settle(IEnumerable<TrackedLife> touched)
    {
        foreach (TrackedLife life in touched)
        {
            life.IsTouched = false;
            if (!life.IsOpen)
            {
                _lives.Remove(life.Key);
            }
        }
        if (_lives.Count > _limit)
        {
            foreach (TrackedLife life in _lives.Values)
            {
                Elsewhere(life.Key).AddRange(life.Rows.Where(row => row.IsOpen).Select(row => row.Place));
            }
            _lives.Clear();
        }
    }

    List<long> Elsewhere(RunKey key)
    {
        if (!_elsewhere.TryGetValue(key, out List<long>? places))
        {
            _elsewhere.Add(key, places = new List<long>(1));
        }
        return places;
    }

    /// <summary>Adds the row at a place to a life, if it is one of its own: keys share bits, may outlive their row, and may be of a child.</summary>
    void Load(TrackedLife life, long place, bool isOpen)
    {
        Statement read = _database.Prepare(isOpen
            ? $"SELECT at, {RowCodec.Columns} FROM open WHERE id = ?"
            : $"SELECT at, {RowCodec.Columns} FROM run WHERE at = ?");
        bool isOwn = read.Bind(1, place).Step() && IdColumn.Read(read, 1) == life.Life.Id;
        if (isOwn && !life.Rows.Exists(row => row.Place == place && row.IsOpen == isOpen))
        {
            FoldedRun row = RowCodec.ReadFacts(read, 1, read.Int64(0), _names);
            if (row.Run.Source == life.Life.Source)
            {
                life.Rows.Add(new StoredRow(place, isOpen, row));
                foreach (TaskEvent fact in row.Facts)
                {
                    life.Life.Add(fact);
                }
            }
        }
        read.Reset();
    }
}
