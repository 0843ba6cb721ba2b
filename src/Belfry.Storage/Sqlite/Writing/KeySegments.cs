using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>
/// Finds ended runs by their id, and by that of their parent. A random key per row in one index would halve the speed of the log, so keys are collected in memory and
/// written sorted, a segment at a time; a look-up asks each segment. After a crash the last segment is read again from the runs themselves.
/// </summary>
sealed class KeySegments
{
    /// <summary>Keys of a segment in memory; more means fewer segments to ask and a longer tail to read at start.</summary>
    public const int Size = 32_768;

    readonly Database _database;
    readonly Statement _put;
    readonly Dictionary<long, long> _tail = new(Size); // low bits of the id → at; emptied when the segment is written
    readonly List<(long Bits, long At)> _more = [];     // further rows with the same bits: attempts of one id
    readonly List<long> _segments = []; // those with keys, oldest first
    long _segment, _from;

    public KeySegments(Database database)
    {
        _database = database;
        _put = database.Prepare("INSERT OR IGNORE INTO run_key(key, at) VALUES(?, ?)");
        using (Statement all = database.PrepareOnce("SELECT id, from_at FROM segment ORDER BY id"))
        {
            while (all.Step())
            {
                (_segment, _from) = (all.Int64(0), all.Int64(1));
                _segments.Add(_segment);
            }
        }
        using (Statement written = database.PrepareOnce("SELECT key FROM run_key"))
        {
            while (written.Step())
            {
                Seen.Add(RunKey.LowBitsOf(written.Int64(0)), RunKey.SegmentOf(written.Int64(0)));
            }
        }
        using (Statement deleted = database.PrepareOnce("SELECT uid FROM deleted"))
        {
            while (deleted.Step())
            {
                Seen.Add(RunKey.Of(IdColumn.Read(deleted, 0)!, 0).LowBits, _segment);
            }
        }
        Seen.Sealed = _segment;
        using Statement tail = database.PrepareOnce("SELECT at, uid, parent FROM run WHERE at >= ?");
        tail.Bind(1, _from);
        while (tail.Step())
        {
            Keep(RunKey.Of(IdColumn.Read(tail, 1)!, 0), tail.Int64(0));
            if (IdColumn.Read(tail, 2) is { } parent)
            {
                Keep(RunKey.Of(parent, 0), tail.Int64(0));
            }
        }
    }

    /// <summary>The ids, with the segments in which they may stand; readers may ask it as well.</summary>
    public SeenIds Seen { get; } = new();

    /// <summary>Adds the keys of a row just written: its own, and that under which its parent finds it.</summary>
    public void Add(RunKey key, string? parent, long at)
    {
        Add(key, at);
        if (parent is not null)
        {
            Add(RunKey.Of(parent, 0), at);
        }
    }

    /// <summary>Forgets a row that goes away. A key already written stays: one without its row counts as absent.</summary>
    public void Remove(RunKey key, string? parent, long at)
    {
        Remove(key, at);
        if (parent is not null)
        {
            Remove(RunKey.Of(parent, 0), at);
        }
    }

    /// <summary>
    /// False for an id of which no ended run was ever stored, nor one that names it as its parent; true may be wrong, about 1 time in 2,000 at ten million runs.
    /// </summary>
    public bool MayHave(RunKey key) => Seen.MayHave(key.LowBits);

    /// <summary>Asks a segment no longer when it has lost all its keys. The newest is always asked.</summary>
    public void DropIfEmpty(long segment)
    {
        Statement any = _database.Prepare("SELECT EXISTS(SELECT 1 FROM run_key WHERE key >= ? AND key < ?)");
        bool empty = any.Bind(1, RunKey.FirstIn(segment)).Bind(2, RunKey.FirstIn(segment + 1)).Step() && any.Int64(0) == 0;
        any.Reset();
        if (empty && segment != _segment && _segments.Remove(segment))
        {
            _database.Prepare("DELETE FROM segment WHERE id = ?").Bind(1, segment).Run();
        }
    }

    /// <summary>Where rows of an id, or of its children, may be; the caller compares the id itself, and asks <see cref="MayHave"/> first.</summary>
    public List<long> Find(RunKey key)
    {
        var places = new List<long>();
        if (_tail.TryGetValue(key.LowBits, out long at))
        {
            places.Add(at);
            places.AddRange(_more.Where(item => item.Bits == key.LowBits).Select(item => item.At));
        }
        AddWritten(_database, key, Seen.Among(_segments, key.LowBits), places);
        return places;
    }

    /// <summary>Where rows of an id may be in the written segments, newest segment first.</summary>
    public static void AddWritten(Database database, RunKey key, IReadOnlyList<long> segments, List<long> places)
    {
        Statement find = database.Prepare("SELECT at FROM run_key WHERE key = ?");
        for (int i = segments.Count - 1; i >= 0; i--)
        {
            find.Reset();
            find.Bind(1, key.InSegment(segments[i]));
            while (find.Step())
            {
                places.Add(find.Int64(0));
            }
        }
        find.Reset();
    }

    /// <summary>Writes the segment when it is full; within the transaction of the group.</summary>
    public void Flush()
    {
        if (_tail.Count + _more.Count < Size)
        {
            return;
        }
        (long Bits, long At)[] keys = [.. _tail.Select(item => (item.Key, item.Value)), .. _more];
        Array.Sort(keys);
        foreach ((long bits, long at) in keys)
        {
            Write(new RunKey((UInt128)bits, 0).InSegment(_segment), at);
        }
        long[] instants = [.. keys.Select(item => item.At).Order()];
        // Not the greatest: one run from the future would make every later run a late one. What lies above is read again after a crash.
        _from = instants[instants.Length * 3 / 4];
        Seen.Sealed = _segment; // not yet the next: this one is not committed
        _segment++;
        _segments.Add(_segment);
        _database.Prepare("INSERT INTO segment(id, from_at) VALUES(?, ?)").Bind(1, _segment).Bind(2, _from).Run();
        _tail.Clear();
        _more.Clear();
    }

    void Add(RunKey key, long at)
    {
        if (at >= _from)
        {
            Keep(key, at);
        }
        else
        {
            Seen.Add(key.LowBits, _segment);
            Write(key.InSegment(_segment), at);
        }
    }

    void Remove(RunKey key, long at)
    {
        if (_tail.TryGetValue(key.LowBits, out long first) && first == at)
        {
            int next = _more.FindIndex(item => item.Bits == key.LowBits);
            if (next < 0)
            {
                _tail.Remove(key.LowBits);
            }
            else
            {
                _tail[key.LowBits] = _more[next].At;
                _more.RemoveAt(next);
            }
            return;
        }
        _more.Remove((key.LowBits, at));
    }

    void Keep(RunKey key, long at)
    {
        Seen.Add(key.LowBits, _segment);
        if (!_tail.TryAdd(key.LowBits, at))
        {
            _more.Add((key.LowBits, at));
        }
    }

    void Write(long key, long at) => _put.Bind(1, key).Bind(2, at).Run();
}
