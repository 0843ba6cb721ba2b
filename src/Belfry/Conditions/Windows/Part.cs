namespace Belfry;

/// <summary>How a part of a period is cut out.</summary>
enum Cut
{
    Whole,
    Before,
    After,
    Between,
    On,
    Starting,
}

/// <summary>A part of every second … month: the whole of it, or before, after, between, on places in it.</summary>
/// <param name="Period">Of which period.</param>
/// <param name="Cut">How it is cut out.</param>
/// <param name="From">Its one place, or the first of two.</param>
/// <param name="To">The second of two.</param>
sealed record Part(Period Period, Cut Cut, Place From = default, Place To = default)
{
    /// <summary>An end that lies before the start, or at it, is that of the next cycle. The longest month judges, so a short one changes nothing.</summary>
    bool Wraps => Cut == Cut.Starting
        || (Cut == Cut.Between && !IsOneUnit && To.End(Period, Clock.LengthOf(Period)) <= From.Begin(Period, Clock.LengthOf(Period)));

    bool IsOneUnit => Cut == Cut.Between && From == To && From.IsNamed;

    /// <summary>One follows the other without a break.</summary>
    public bool IsFull
    {
        get
        {
            long length = Clock.LengthOf(Period);
            (long begin, long end) = Range(length, length);
            return end - begin == length;
        }
    }

    /// <summary>What follows the period's name: <c> between 10:00 and 12:00</c>; nothing for the whole.</summary>
    public string Text => Cut switch
    {
        Cut.Whole => "",
        Cut.Between => $" between {From.Text(Period)} and {To.Text(Period)}",
        _ => $" {Cut.ToString().ToLowerInvariant()} {From.Text(Period)}",
    };

    /// <summary>Where it begins and ends by the wall, counted from the beginning of a cycle. Empty where it is passed over.</summary>
    /// <param name="length">The length of the cycle.</param>
    /// <param name="next">The length of the one that follows.</param>
    public (long Begin, long End) Range(long length, long next)
    {
        long begin = Cut is Cut.Whole or Cut.Before ? 0 : From.Begin(Period, length);
        return Cut switch
        {
            Cut.Whole or Cut.After => (begin, length),
            Cut.Before => (begin, From.End(Period, length)),
            Cut.Starting => (begin, length + From.Begin(Period, next)),
            Cut.On => From.IsLacking(Period, length) ? (begin, begin) : (begin, begin + Unit),
            _ when IsOneUnit => (begin, From.End(Period, length)),
            _ => (begin, Wraps ? length + To.End(Period, next) : To.End(Period, length)),
        };
    }

    /// <summary>What <c>on</c> and <c>at</c> mean: one hour of a day, a day of a week …</summary>
    long Unit => Period switch
    {
        Period.Second => Clock.Second / 1000,
        Period.Minute => Clock.Second,
        Period.Hour => Clock.Minute,
        Period.Day => Clock.Hour,
        _ => Clock.Day,
    };
}
