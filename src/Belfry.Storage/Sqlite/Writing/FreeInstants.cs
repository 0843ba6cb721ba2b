namespace Belfry.Storage.Sqlite.Writing;

/// <summary>
/// Gives each run an instant of its own, over open and ended ones: its own instant, or the next microsecond that is free. An open run
/// keeps it when it ends, so it keeps its place between two pages.
/// </summary>
sealed class FreeInstants
{
    const int MostNext = 10_000;

    readonly Statement _isEnded;
    long _latestEnded; // behind it nobody is
    readonly HashSet<long> _ofOpen = [];               // as many as runs are open; Release empties it
    readonly Dictionary<long, long> _next = [];        // where to look on behind instants that are taken; bounded by MostNext

    public FreeInstants(Database database)
    {
        _isEnded = database.Prepare("SELECT 1 FROM run WHERE at = ?");
        _latestEnded = database.Number("SELECT max(at) FROM run");
        using Statement open = database.PrepareOnce("SELECT at FROM open");
        while (open.Step())
        {
            _ofOpen.Add(open.Int64(0));
        }
    }

    /// <summary>Reserves a place for an open run.</summary>
    public long Reserve(Instant instant)
    {
        long at = First(instant);
        while (at <= _latestEnded && IsEnded(at))
        {
            at = After(at);
        }
        _ofOpen.Add(at);
        return at;
    }

    /// <summary>An ended run stands there.</summary>
    public void End(long at) => _latestEnded = Math.Max(_latestEnded, at);

    /// <summary>The place is free again, or now that of an ended run.</summary>
    public void Release(long at) => _ofOpen.Remove(at);

    /// <summary>Reserves the place that a run has already.</summary>
    public long Keep(long at)
    {
        _ofOpen.Add(at);
        return at;
    }

    /// <summary>Where an ended run may go, unless another ended one is there.</summary>
    public long First(Instant instant)
    {
        long end = instant.Micros;
        bool isLinked;
        while ((isLinked = _next.TryGetValue(end, out long next)) || _ofOpen.Contains(end))
        {
            end = isLinked ? next : end + 1;
        }
        if (end != instant.Micros)
        {
            Link(instant.Micros, end);
        }
        return end;
    }

    /// <summary>The next place after one that is taken.</summary>
    public long After(long at)
    {
        Link(at, at + 1);
        return First(new Instant(at));
    }

    /// <summary>
    /// Whoever comes to one of these places goes on behind them at once: clocks of a second give thousands of runs one instant, and those that
    /// start in a burst stand shoulder to shoulder for a millisecond; not each of them walks over all the others.
    /// </summary>
    void Link(long from, long end)
    {
        if (_next.Count >= MostNext)
        {
            _next.Clear();
        }
        while (from != end)
        {
            long next = _next.GetValueOrDefault(from, from + 1);
            _next[from] = end;
            from = next;
        }
    }

    bool IsEnded(long at)
    {
        bool found = _isEnded.Bind(1, at).Step();
        _isEnded.Reset();
        return found;
    }
}
