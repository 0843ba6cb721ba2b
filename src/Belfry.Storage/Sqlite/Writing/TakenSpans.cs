namespace Belfry.Storage.Sqlite.Writing;

/// <summary>Stretches of instants that are known to be taken, so that not everybody who comes to one of them walks over all the others.</summary>
/// <remarks>What touches is one stretch: a burst of 100,000 runs that start at one instant costs as much as one of two.</remarks>
sealed class TakenSpans
{
    const int Most = 10_000; // beyond, the older half is forgotten: who comes there walks once more
    readonly List<(long From, long To)> _spans = []; // in order, and none touches another

    /// <summary>How many there are.</summary>
    public int Count => _spans.Count;

    /// <summary>An instant, or the end of the stretch that it lies in.</summary>
    public long Behind(long at)
    {
        int span = LastFrom(at);
        return span >= 0 && _spans[span].To > at ? _spans[span].To : at;
    }

    /// <summary>All from one instant up to another is taken.</summary>
    public void Add(long from, long to)
    {
        int first = LastFrom(from);
        first = first >= 0 && _spans[first].To >= from ? first : first + 1;
        int behind = first;
        for (; behind < _spans.Count && _spans[behind].From <= to; behind++)
        {
            (from, to) = (Math.Min(from, _spans[behind].From), Math.Max(to, _spans[behind].To));
        }
        if (behind > first)
        {
            _spans[first] = (from, to);
            _spans.RemoveRange(first + 1, behind - first - 1);
            return;
        }
        _spans.Insert(first, (from, to));
        if (_spans.Count > Most)
        {
            _spans.RemoveRange(0, Most / 2);
        }
    }

    /// <summary>The last stretch that does not begin later; -1 for none.</summary>
    int LastFrom(long at)
    {
        (int low, int high) = (0, _spans.Count);
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = _spans[middle].From <= at ? (middle + 1, high) : (low, middle);
        }
        return low - 1;
    }
}
