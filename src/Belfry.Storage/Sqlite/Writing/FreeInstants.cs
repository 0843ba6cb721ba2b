namespace Belfry.Storage.Sqlite.Writing;

/// <summary>
/// Gives each run an instant of its own, over open and ended ones: its own instant, or the next microsecond that is free. An open run
/// keeps it when it ends, so it keeps its place between two pages.
/// </summary>
sealed class FreeInstants
{
    readonly Statement _isEnded;
    long _latestEnded; // behind it nobody is
    readonly HashSet<long> _ofOpen = []; // as many as runs are open; Release empties it
    readonly TakenSpans _taken = new();

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
        long at = _taken.Behind(instant.Micros);
        while (_ofOpen.Contains(at))
        {
            at = _taken.Behind(at + 1);
        }
        if (at != instant.Micros)
        {
            _taken.Add(instant.Micros, at); // clocks of a second give thousands of runs one instant, and so does a scheduler when they are due together
        }
        return at;
    }

    /// <summary>The next place after one that is taken.</summary>
    public long After(long at)
    {
        _taken.Add(at, at + 1);
        return First(new Instant(at));
    }

    bool IsEnded(long at)
    {
        bool found = _isEnded.Bind(1, at).Step();
        _isEnded.Reset();
        return found;
    }
}
