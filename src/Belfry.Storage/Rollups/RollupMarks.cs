namespace Belfry.Storage.Rollups;

/// <summary>
/// How far figures are kept and added up, as keys; stored beside the cells and changed with them. An hour's cell has what lies below
/// <paramref name="MinutesAdded"/>, a day's what lies below <paramref name="HoursAdded"/>: so a task costs one cell in a group, one more each minute, and
/// one each hour. What comes later than that is added to the levels above at once.
/// </summary>
/// <param name="MinutesKept">Cells of minutes below are gone, and none come back.</param>
/// <param name="MinutesAdded">Cells of minutes below are part of their hours.</param>
/// <param name="HoursKept">Cells of hours below are gone, and none come back.</param>
/// <param name="HoursAdded">Cells of hours below are part of their days.</param>
readonly record struct RollupMarks(long MinutesKept, long MinutesAdded, long HoursKept, long HoursAdded)
{
    /// <summary>The minute before the newest stays apart as well: events come late by seconds, seldom by more.</summary>
    const long MinutesApart = 1;

    /// <summary>Up to which key minutes can be added up when the newest that was seen is this one. The future does not count: it may be a clock that is off.</summary>
    public static long MinutesDue(long newest, Instant now) => RollupKeys.FirstOf(Math.Max(0, Math.Min(newest, RollupKeys.MinuteOf(now)) - MinutesApart));

    /// <summary>Up to which key hours can be added up: those of which no minute is missing.</summary>
    public long HoursDue => RollupKeys.FirstOf((MinutesAdded >> RollupKeys.NameBits) / RollupLevel.Minute.InOneAbove());

    /// <summary>Cells of a level below this are part of the level above.</summary>
    public long Added(RollupLevel level) => level switch { RollupLevel.Minute => MinutesAdded, RollupLevel.Hour => HoursAdded, _ => 0 };

    /// <summary>Cells of a level below this are not kept.</summary>
    public long Kept(RollupLevel level) => level switch { RollupLevel.Minute => MinutesKept, RollupLevel.Hour => HoursKept, _ => 0 };

    public RollupMarks WithKept(RollupLevel level, long kept) => level == RollupLevel.Minute ? this with { MinutesKept = kept } : this with { HoursKept = kept };

    public RollupMarks WithAdded(RollupLevel level, long added) => level == RollupLevel.Minute ? this with { MinutesAdded = added } : this with { HoursAdded = added };
}
