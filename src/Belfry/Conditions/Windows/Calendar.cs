namespace Belfry;

/// <summary>From its first instant up to, and without, its end.</summary>
readonly record struct Window(Instant Begin, Instant End)
{
    public bool Contains(Instant at) => Begin <= at && at < End;
}

/// <summary>The windows of a part in a zone.</summary>
/// <remarks>
/// Those of a day, week or month lie between two instants: a clock time that does not exist is the first instant after the gap, one that
/// comes twice its first, and a window that a gap swallows whole begins after it and keeps its length. Those of an hour and shorter are cut
/// by the offset in force at the instant asked about, so the repeated hour is a new one.
/// </remarks>
readonly struct Calendar(Part part, ZoneOffsets zone)
{
    /// <summary>A part that no month of a year has does not exist, so a year's months are enough to find the next.</summary>
    const int CyclesAhead = 13;

    bool IsFine => part.Period < Period.Day;

    /// <summary>The window in which an instant lies; null between two.</summary>
    public Window? Containing(Instant at)
    {
        OffsetSpan span = zone.At(at);
        long cycle = CycleAt(at, span);
        for (int back = 0; back <= 2; back++)
        {
            if (WindowOf(cycle - back, span) is { } window && window.Contains(at))
            {
                return window;
            }
        }
        return null;
    }

    /// <summary>The window in which an instant lies, else that of its day, week …, which may be over, to come, or missing.</summary>
    public Window? Asked(Instant at)
    {
        OffsetSpan span = zone.At(at);
        return Containing(at) ?? WindowOf(CycleAt(at, span), span);
    }

    /// <summary>The next instant at which <see cref="Containing"/> or <see cref="Asked"/> may answer otherwise.</summary>
    /// <param name="at">Later than this.</param>
    /// <param name="asked">Whether <see cref="Asked"/> matters: then each new cycle does.</param>
    public Instant NextEdge(Instant at, bool asked = false)
    {
        OffsetSpan span = zone.At(at);
        long cycle = CycleAt(at, span);
        Instant edge = Containing(at)?.End ?? new Instant(long.MaxValue);
        for (int ahead = -2; ahead <= CyclesAhead; ahead++)
        {
            if (WindowOf(cycle + ahead, span) is { } window && window.Begin > at)
            {
                edge = Instant.Min(edge, window.Begin);
                break;
            }
        }
        edge = asked ? Instant.Min(edge, InstantOf(Clock.BeginOf(part.Period, cycle + 1), span)) : edge;
        return IsFine ? Instant.Min(edge, new Instant(span.End)) : edge;
    }

    /// <summary>The last cycle that has begun: where the clock goes back over midnight that is the later day, though the wall shows the earlier.</summary>
    long CycleAt(Instant at, OffsetSpan span)
    {
        long cycle = Clock.CycleOf(part.Period, at.Micros + span.Offset);
        return !IsFine && zone.First(Clock.BeginOf(part.Period, cycle + 1)) <= at ? cycle + 1 : cycle;
    }

    Window? WindowOf(long cycle, OffsetSpan span)
    {
        long start = Clock.BeginOf(part.Period, cycle);
        (long Begin, long End) range = part.Range(LengthOf(cycle), part.Period == Period.Month ? LengthOf(cycle + 1) : LengthOf(cycle));
        if (range.End <= range.Begin)
        {
            return null;
        }
        Instant begin = InstantOf(start + range.Begin, span), end = InstantOf(start + range.End, span);
        return new Window(begin, end > begin ? end : begin + TimeSpan.FromMicroseconds(range.End - range.Begin));
    }

    long LengthOf(long cycle) => part.Period != Period.Month
        ? Clock.LengthOf(part.Period)
        : Clock.BeginOf(Period.Month, cycle + 1) - Clock.BeginOf(Period.Month, cycle);

    Instant InstantOf(long wall, OffsetSpan span) => IsFine ? new Instant(wall - span.Offset) : zone.First(wall);
}
