using System.Runtime.InteropServices;
using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>
/// Finds open runs by their id, and by that of their parent, also from another process. Places of open runs grow, so keys sorted within
/// 4,096 places go to the end of the table, and a look-up asks each such segment that has any. A key may outlive its run: when no run of a
/// segment is open any more, its keys go in one statement, at a fifth of the cost.
/// </summary>
sealed class OpenKeys
{
    const int PlaceBits = 12, IdBits = 24, SegmentShift = PlaceBits + IdBits;

    /// <summary>So many keys may be without a run, of segments in which others are open still; beyond it they are deleted one by one.</summary>
    const int MostGone = 400_000;

    readonly Statement _put, _delete, _deleteSegment;
    readonly Dictionary<long, Segment> _segments = []; // of open runs; Remove empties it
    readonly List<long> _added = [], _removed = [], _empty = []; // the group's; emptied by Flush
    int _gone;

    public OpenKeys(Database database)
    {
        _put = database.Prepare("INSERT OR IGNORE INTO open_key(key) VALUES(?)");
        _delete = database.Prepare("DELETE FROM open_key WHERE key = ?");
        _deleteSegment = database.Prepare("DELETE FROM open_key WHERE key >= ? AND key < ?");
        if (database.Number("SELECT EXISTS(SELECT 1 FROM open) AND NOT EXISTS(SELECT 1 FROM open_key)") != 0)
        {
            Fill(database); // of an older Belfry, or copied
        }
        using Statement open = database.PrepareOnce("SELECT id >> ?, count(*) FROM open GROUP BY 1");
        for (open.Bind(1, PlaceBits); open.Step();)
        {
            _segments.Add(open.Int64(0), new Segment { Open = open.Int32(1) });
        }
        EachSegment(database, segment =>
        {
            if (!_segments.ContainsKey(segment))
            {
                _empty.Add(segment);
            }
        });
    }

    /// <summary>Notes the keys of a run that opens.</summary>
    public void Add(RunKey key, string? parent, long place)
    {
        Note(_added, key, parent, place);
        ref Segment? segment = ref CollectionsMarshal.GetValueRefOrAddDefault(_segments, place >> PlaceBits, out _);
        (segment ??= new Segment()).Open++;
    }

    /// <summary>Notes that a run is open no longer.</summary>
    public void Remove(RunKey key, string? parent, long place)
    {
        Segment segment = _segments[place >> PlaceBits];
        int before = segment.Gone.Count;
        Note(segment.Gone, key, parent, place);
        _gone += segment.Gone.Count - before;
        if (--segment.Open == 0)
        {
            _gone -= segment.Gone.Count;
            _segments.Remove(place >> PlaceBits);
            _empty.Add(place >> PlaceBits);
        }
    }

    /// <summary>Notes that an open run has another parent.</summary>
    public void Move(string? from, string? to, long place)
    {
        if (from is not null)
        {
            _removed.Add(KeyOf(RunKey.Of(from, 0), place));
        }
        if (to is not null)
        {
            _added.Add(KeyOf(RunKey.Of(to, 0), place));
        }
    }

    /// <summary>Writes what the group changed, sorted; within its transaction.</summary>
    public void Flush()
    {
        foreach (long segment in _empty)
        {
            _deleteSegment.Bind(1, segment << SegmentShift).Bind(2, (segment + 1) << SegmentShift).Run();
        }
        _empty.Clear();
        foreach (Segment segment in _gone > MostGone ? [.. _segments.Values] : Array.Empty<Segment>())
        {
            if (_gone > MostGone)
            {
                _gone -= segment.Gone.Count;
                Run(_delete, segment.Gone);
            }
        }
        Run(_delete, _removed);
        Run(_put, _added);
    }

    /// <summary>Adds the places that open runs of an id, or its children, may have; the caller compares the id itself.</summary>
    /// <returns>False when there are no keys, so that all open runs must be looked through.</returns>
    public static bool TryFind(Database database, RunKey key, List<long> places)
    {
        Statement find = database.Prepare("SELECT key FROM open_key WHERE key >= ? AND key < ?");
        return EachSegment(database, segment =>
        {
            long first = KeyOf(key, segment << PlaceBits);
            find.Bind(1, first).Bind(2, first + (1 << PlaceBits));
            while (find.Step())
            {
                places.Add((segment << PlaceBits) | (find.Int64(0) & ((1 << PlaceBits) - 1)));
            }
            find.Reset();
        });
    }

    /// <summary>Does something with each segment that has keys.</summary>
    /// <returns>False when there are none.</returns>
    static bool EachSegment(Database database, Action<long> act)
    {
        Statement next = database.Prepare("SELECT key FROM open_key WHERE key >= ? ORDER BY key LIMIT 1");
        bool any = false;
        for (long segment = 0; next.Bind(1, segment << SegmentShift).Step(); segment++)
        {
            any = true;
            segment = next.Int64(0) >> SegmentShift;
            next.Reset();
            act(segment);
        }
        next.Reset();
        return any;
    }

    static long KeyOf(RunKey key, long place) =>
        (place >> PlaceBits << SegmentShift) | ((key.LowBits & ((1 << IdBits) - 1)) << PlaceBits) | (place & ((1 << PlaceBits) - 1));

    static void Note(List<long> keys, RunKey key, string? parent, long place)
    {
        keys.Add(KeyOf(key, place));
        if (parent is not null)
        {
            keys.Add(KeyOf(RunKey.Of(parent, 0), place));
        }
    }

    static void Run(Statement statement, List<long> keys)
    {
        keys.Sort();
        foreach (long key in keys)
        {
            statement.Bind(1, key).Run();
        }
        keys.Clear();
    }

    void Fill(Database database)
    {
        using (Statement open = database.PrepareOnce("SELECT id, uid, parent FROM open"))
        {
            while (open.Step())
            {
                Note(_added, RunKey.Of(IdColumn.Read(open, 1)!, 0), IdColumn.Read(open, 2), open.Int64(0));
            }
        }
        database.Execute("SAVEPOINT fill"); // a group's transaction may be under way, or none
        Flush();
        database.Execute("RELEASE fill");
    }

    /// <summary>4,096 places.</summary>
    sealed class Segment
    {
        /// <summary>Runs that are open.</summary>
        public int Open { get; set; }

        /// <summary>Keys of those that are not any more.</summary>
        public List<long> Gone { get; } = [];
    }
}
