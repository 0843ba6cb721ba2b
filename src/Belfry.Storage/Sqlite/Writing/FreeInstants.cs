namespace Belfry.Storage.Sqlite.Writing;

/// <summary>
/// Gives each run an instant of its own, over open and ended ones: its own instant, or the next microsecond that is free. An open run
/// keeps it when it ends, so it keeps its place between two pages.
/// </summary>
sealed class FreeInstants
{
    const int MostNext = 10_000;

    readonly Statement _isEnded;
    readonly HashSet<long> _ofOpen = [];               // as many as runs are open; Release empties it
    readonly Dictionary<long, long> _next = [];        // where to look on, of instants that many runs share; bounded by MostNext

    public FreeInstants(Database database)
    {
        _isEnded = database.Prepare("SELECT 1 FROM run WHERE at = ?");
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
        while (IsEnded(at))
        {
            at = After(instant, at);
        }
        _ofOpen.Add(at);
        return at;
    }

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
        long at = _next.Count > 0 && _next.TryGetValue(instant.Micros, out long next) ? next : instant.Micros;
        while (_ofOpen.Contains(at))
        {
            at++;
        }
        return at;
    }

    /// <summary>The next place after one that is taken.</summary>
    public long After(Instant instant, long at)
    {
        do
        {
            at++;
        }
        while (_ofOpen.Contains(at));
        if (_next.Count >= MostNext)
        {
            _next.Clear();
        }
        _next[instant.Micros] = at; // clocks of a second give thousands of runs one instant: not each of them walks over all the others
        return at;
    }

    bool IsEnded(long at)
    {
        bool found = _isEnded.Bind(1, at).Step();
        _isEnded.Reset();
        return found;
    }
}
