using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>A row as it stands in the store.</summary>
/// <param name="Place">Its id in <c>open</c>, or its <c>at</c> in <c>run</c>.</param>
/// <param name="At">Its <c>at</c>.</param>
/// <param name="IsOpen">Which of the two.</param>
/// <param name="Row">The run and its facts.</param>
readonly record struct StoredRow(long Place, long At, bool IsOpen, FoldedRun Row);

/// <summary>An id with its facts and the rows it has in the store.</summary>
sealed class TrackedLife(RunKey key, Life life)
{
    public RunKey Key { get; } = key;

    public Life Life { get; } = life;

    public List<StoredRow> Rows { get; set; } = new(1);

    /// <summary>The group in hand has an event of it.</summary>
    public bool IsTouched { get; set; }

    /// <summary>An event of the group said something new.</summary>
    public bool IsDirty { get; set; }

    public bool IsOpen => Rows.Exists(static row => row.IsOpen);

    /// <summary>Which of the rows is that of an attempt; -1 when there is none.</summary>
    public int IndexOf(int attempt)
    {
        int at = Rows.Count - 1;
        while (at >= 0 && Rows[at].Row.Run.Attempt != attempt)
        {
            at--;
        }
        return at;
    }

    /// <summary>A row at that place is among them.</summary>
    public bool Has(long place, bool isOpen)
    {
        int at = Rows.Count - 1;
        while (at >= 0 && (Rows[at].Place != place || Rows[at].IsOpen != isOpen))
        {
            at--;
        }
        return at >= 0;
    }
}

/// <summary>
/// The open runs: of all of them where their rows are, and of those that had an event of late the facts as well. It is only a cache;
/// facts that are not here are read again, those of a whole group at once and in the order in which they lie.
/// </summary>
sealed class OpenLives
{
    const int Near = 8; // to read so many rows that nobody wants is less than to look for the next

    readonly Database _database;
    readonly KeySegments _keys;
    readonly NameTable _names;
    readonly int _half;
    readonly OpenPlaces _places = new();
    readonly OpenKeys _openKeys;
    readonly List<(long Place, TrackedLife Life)> _wanted = []; // rows of the group to be read; emptied by Load
    readonly List<long> _found = [];
    Dictionary<RunKey, TrackedLife> _young = [], _old = [];     // at most half the limit each, and what a group adds; Settle drops the old ones

    public OpenLives(Database database, KeySegments keys, NameTable names, int limit)
    {
        (_database, _keys, _names, _half) = (database, keys, names, limit / 2);
        _openKeys = new OpenKeys(database);
        using Statement open = database.PrepareOnce("SELECT id, uid, source FROM open");
        while (open.Step())
        {
            _places.Add(RunKey.Of(IdColumn.Read(open, 1)!, open.Int32(2)), open.Int64(0));
        }
    }

    /// <summary>An attempt of this id is open.</summary>
    public bool IsOpen(RunKey key) => _places.Has(key);

    /// <summary>Gives out no place up to this one any more.</summary>
    public void SkipTo(long place) => _places.SkipTo(place);

    /// <summary>Where a run that opens has its row.</summary>
    public long Open(RunKey key, string? parent)
    {
        long place = _places.Last + 1;
        _places.Add(key, place);
        _openKeys.Add(key, parent, place);
        return place;
    }

    /// <summary>A run is open no longer.</summary>
    public void Close(RunKey key, string? parent, long place)
    {
        _places.Remove(key, place);
        _openKeys.Remove(key, parent, place);
    }

    /// <summary>The parent of an open run became known, or another.</summary>
    public void Move(RunKey key, string? from, string? to, long place)
    {
        if (from != to)
        {
            _openKeys.Move(from, to, place);
        }
    }

    /// <summary>Writes the keys of what the group opened and closed; within its transaction.</summary>
    public void Flush() => _openKeys.Flush();

    /// <summary>The life of an id: from memory, or new; what the store knows of it is there after <see cref="Load()"/>.</summary>
    public TrackedLife Of(string source, string id)
    {
        RunKey key = RunKey.Of(id, _names.Number(NameKind.Source, source));
        if (_young.TryGetValue(key, out TrackedLife? life))
        {
            return life;
        }
        if (!_old.Remove(key, out life))
        {
            life = new TrackedLife(key, new Life(source, id));
            Want(life);
        }
        _young.Add(key, life);
        return life;
    }

    /// <summary>Reads what the store knows of the lives that were not in memory. Runs go on about as they came, so most lie near each other.</summary>
    public void Load()
    {
        if (_wanted.Count == 0)
        {
            return;
        }
        _wanted.Sort(static (a, b) => a.Place.CompareTo(b.Place));
        for (int from = 0, to; from < _wanted.Count; from = to)
        {
            to = from + 1;
            while (to < _wanted.Count && _wanted[to].Place <= _wanted[to - 1].Place + Near)
            {
                to++;
            }
            Load(from, to);
        }
        _wanted.Clear();
    }

    /// <summary>After a commit: forgets what has ended, and above the limit the facts of those that had no event for the longest.</summary>
    public void Settle(IEnumerable<TrackedLife> touched)
    {
        foreach (TrackedLife life in touched)
        {
            life.IsTouched = false;
            if (!life.IsOpen)
            {
                _young.Remove(life.Key);
            }
        }
        if (_young.Count > _half)
        {
            _old.Clear();
            (_young, _old) = (_old, _young);
        }
    }

    void Want(TrackedLife life)
    {
        _found.Clear();
        _places.Find(life.Key, _found);
        foreach (long place in _found)
        {
            _wanted.Add((place, life));
        }
        if (_keys.MayHave(life.Key))
        {
            Statement read = _database.Prepare($"SELECT at, {RowCodec.Columns} FROM run WHERE at = ?");
            foreach (long place in _keys.Find(life.Key))
            {
                if (read.Bind(1, place).Step())
                {
                    Add(read, life, place, isOpen: false);
                }
                read.Reset();
            }
        }
    }

    /// <summary>Reads the wanted rows from one to another with all that lie between.</summary>
    void Load(int from, int to)
    {
        Statement read = _database.Prepare($"SELECT at, {RowCodec.Columns}, id FROM open WHERE id >= ? AND id <= ? ORDER BY id");
        read.Bind(1, _wanted[from].Place).Bind(2, _wanted[to - 1].Place);
        while (from < to && read.Step())
        {
            long place = read.Int64(1 + RowCodec.Count);
            for (; from < to && _wanted[from].Place <= place; from++)
            {
                if (_wanted[from].Place == place)
                {
                    Add(read, _wanted[from].Life, place, isOpen: true);
                }
            }
        }
        read.Reset();
    }

    /// <summary>Adds the row that was read to a life, if it is one of its own: keys share bits, may outlive their row, and may be of a child.</summary>
    void Add(Statement read, TrackedLife life, long place, bool isOpen)
    {
        bool isOwn = IdColumn.Is(read, 1, life.Life.Id) && RowCodec.SourceOf(read, 1) == life.Key.Source;
        if (isOwn && !life.Has(place, isOpen))
        {
            FoldedRun row = RowCodec.ReadFacts(read, 1, read.Int64(0), life.Life.Id, _names);
            life.Rows.Add(new StoredRow(place, read.Int64(0), isOpen, row));
            for (int i = 0; i < row.Facts.Count; i++)
            {
                life.Life.Add(row.Facts[i]);
            }
        }
    }
}
