using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Reading;

/// <summary>
/// All ended runs, newest first, where no index serves: looked at in stretches, and a large one is read from its oldest run on, as runs lie in the file. Where the
/// system has given the file's pages away, each page that is read backwards is fetched by itself, at a quarter of the speed and for three times the CPU.
/// </summary>
sealed class StretchLane : ILane
{
    const int RunsAtFirst = 64; // mostly the page that is wanted is among the newest runs
    const int MostBackwards = 1024, Usual = 8192; // a megabyte of rows, some 8 ms: between stretches the time is looked at
    const int Most = 8 * Usual; // beyond, what was read is read again in pieces; bursts must seldom come to that
    const int Growth = 4;
    const int ManyWanted = 16; // of one in so many the page is full soon

    readonly RunMatch _match;
    readonly Statement _backwards, _forwards, _newest;
    readonly List<long> _found = []; // of the stretch, oldest first; Step empties it
    readonly long _from;
    long _to; // from here on all has been looked at
    long _width; // in which there would be as many runs as usual
    int _runs = RunsAtFirst;

    public StretchLane(Database database, RunMatch match, long from, long to)
    {
        (_match, _to) = (match, to);
        _from = Math.Max(from, Oldest(database) ?? to);
        _backwards = database.PrepareOnce($"SELECT at, {match.Columns} FROM run NOT INDEXED WHERE at >= ? AND at < ? ORDER BY at DESC LIMIT ?");
        _forwards = database.PrepareOnce($"SELECT at, {match.Columns} FROM run NOT INDEXED WHERE at >= ? AND at < ? ORDER BY at LIMIT ?");
        _newest = database.PrepareOnce("SELECT max(at) FROM run WHERE at >= ? AND at < ?");
        Row = database.PrepareOnce($"SELECT at, {RowCodec.Columns} FROM run WHERE at = ?");
        IsMark = true;
        Step();
    }

    public Statement Row { get; }

    public bool HasPlace { get; private set; }

    public bool IsMark { get; private set; }

    public bool IsTaken { get; set; }

    public long At { get; private set; }

    public void Step()
    {
        IsTaken = false;
        if (IsMark && _to > _from)
        {
            Look();
        }
        IsMark = _found.Count == 0;
        (At, HasPlace) = IsMark ? (_to, _to > _from) : (_found[^1], true);
        if (!IsMark)
        {
            _found.RemoveAt(_found.Count - 1);
            Row.Reset();
            Row.Bind(1, At).Step();
        }
    }

    public void Dispose()
    {
        _backwards.Dispose();
        _forwards.Dispose();
        _newest.Dispose();
        Row.Dispose();
    }

    static long? Oldest(Database database)
    {
        using Statement oldest = database.PrepareOnce("SELECT min(at) FROM run");
        return oldest.Step() ? oldest.Int64OrNull(0) : null;
    }

    void Look()
    {
        int looked = _runs <= MostBackwards ? LookBackwards() : LookForwards();
        _runs = _found.Count * ManyWanted > looked ? _runs : Math.Min(_runs * Growth, Usual);
    }

    /// <summary>The first stretches have a number of runs, and tell how long one is.</summary>
    int LookBackwards()
    {
        (int looked, long newest, long oldest) = Read(_backwards, _from, _runs);
        _found.Reverse();
        _to = looked < _runs ? _from : oldest;
        _width = WidthOf(newest - oldest, looked);
        return looked;
    }

    int LookForwards()
    {
        SkipQuiet();
        while (true)
        {
            long from = Math.Max(_from, _to - _width);
            (int looked, long oldest, long last) = Read(_forwards, from, Most);
            if (looked < Most || _width == 1)
            {
                _to = from;
                _width = Math.Clamp(WidthOf(_width, looked), Math.Max(1, _width / Growth), _width * 2); // not by much: behind a quiet time comes another burst
                return looked;
            }
            _width = Math.Min(WidthOf(last - oldest, looked), Math.Max(1, _width / Growth));
        }
    }

    static long WidthOf(long span, int runs) => Math.Max(1, (long)((double)span / Math.Max(1, runs) * Usual));

    /// <summary>Where there are no runs, nothing is looked at.</summary>
    void SkipQuiet()
    {
        _newest.Reset();
        _to = _newest.Bind(1, _from).Bind(2, _to).Step() && _newest.Int64OrNull(0) is { } newest ? newest + 1 : _from;
        _newest.Reset();
    }

    (int Looked, long First, long Last) Read(Statement rows, long from, int most)
    {
        (int looked, long first, long last) = (0, 0, 0);
        _found.Clear();
        rows.Reset();
        rows.Bind(1, from).Bind(2, _to).Bind(3, most);
        while (rows.Step())
        {
            last = rows.Int64(0);
            first = looked++ == 0 ? last : first;
            if (_match.Matches(rows, RowLane.First, last))
            {
                _found.Add(last);
            }
        }
        rows.Reset();
        return (looked, first, last);
    }
}
