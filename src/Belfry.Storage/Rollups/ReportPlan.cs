namespace Belfry.Storage.Rollups;

/// <summary>Cells to read: of minutes and hours those with keys, of days those with buckets from the first up to but without the last.</summary>
readonly record struct CellRange(RollupLevel Level, long First, long Last);

/// <summary>Decides which cells make up a span: whole days and hours where they fit, and what is not part of them yet.</summary>
sealed class ReportPlan
{
    /// <summary>Spans up to this are counted from the beginning of their first minute, longer ones from that of their first hour.</summary>
    static readonly TimeSpan ExactUpTo = TimeSpan.FromHours(6);

    readonly RollupMarks _marks;

    public ReportPlan(ReportQuery query, RollupMarks marks)
    {
        _marks = marks;
        RollupLevel sums = Kept(query.To - query.From <= ExactUpTo ? RollupLevel.Minute : RollupLevel.Hour, query.From);
        BarLevel = Kept(LevelOf(query.BarWidth), query.From);
        BarMicros = query.BarWidth is { } width ? Math.Max((long)width.TotalMicroseconds / BarLevel.Micros() * BarLevel.Micros(), BarLevel.Micros()) : 0;
        Bars = query.BarWidth is null ? [] : [.. Parts(BarLevel, query.From, query.To)];
        Sums = query is { BarsOfEach: true, BarWidth: not null } ? Bars : [.. Fewest(sums, sums.BucketOf(query.From), sums.BucketOf(query.To) + 1)];
        From = new Instant(sums.BucketOf(query.From) * sums.Micros());
    }

    /// <summary>Begin of what is counted.</summary>
    public Instant From { get; }

    /// <summary>What sums are made of.</summary>
    public IReadOnlyList<CellRange> Sums { get; }

    /// <summary>What bars are made of.</summary>
    public IReadOnlyList<CellRange> Bars { get; }

    /// <summary>The level of <see cref="Bars"/>.</summary>
    public RollupLevel BarLevel { get; }

    /// <summary>The width of a bar; 0 without any.</summary>
    public long BarMicros { get; }

    /// <summary>All that there is.</summary>
    public static IEnumerable<CellRange> Everything(RollupMarks marks) => Whole(RollupLevel.Day, 0, RollupKeys.All + 1, marks);

    /// <summary>Where the bar begins into which a cell falls.</summary>
    public Instant BarOf(RollupLevel level, long bucket) => new(bucket * level.Micros() / BarMicros * BarMicros);

    static RollupLevel LevelOf(TimeSpan? width) => width switch
    {
        { Ticks: var ticks } when ticks % TimeSpan.TicksPerDay == 0 => RollupLevel.Day,
        { Ticks: var ticks } when ticks % TimeSpan.TicksPerHour == 0 => RollupLevel.Hour,
        _ => RollupLevel.Minute,
    };

    /// <summary>The level, or the next above that still has the beginning of the span.</summary>
    RollupLevel Kept(RollupLevel level, Instant from)
    {
        while (level < RollupLevel.Day && RollupKeys.FirstOf(level.BucketOf(from)) < _marks.Kept(level))
        {
            level++;
        }
        return level;
    }

    IEnumerable<CellRange> Parts(RollupLevel level, Instant from, Instant to) => Whole(level, level.BucketOf(from), level.BucketOf(to) + 1, _marks);

    /// <summary>The fewest cells that make up some buckets: those of the level above in the middle, if one fits.</summary>
    IEnumerable<CellRange> Fewest(RollupLevel level, long first, long last)
    {
        int many = level.InOneAbove();
        (long firstAbove, long lastAbove) = ((first + many - 1) / many, last / many);
        return level == RollupLevel.Day || lastAbove <= firstAbove
            ? Whole(level, first, last, _marks)
            : [.. Whole(level, first, firstAbove * many, _marks), .. Fewest(level + 1, firstAbove, lastAbove), .. Whole(level, lastAbove * many, last, _marks)];
    }

    /// <summary>Whole buckets of a level: their own cells, and those of the levels below that are not part of them yet.</summary>
    static IEnumerable<CellRange> Whole(RollupLevel level, long first, long last, RollupMarks marks)
    {
        if (first < last)
        {
            yield return level == RollupLevel.Day ? new CellRange(level, first, last) : new CellRange(level, RollupKeys.FirstOf(first), RollupKeys.FirstOf(last));
        }
        while (level-- > RollupLevel.Minute)
        {
            (first, last) = (first * level.InOneAbove(), last * level.InOneAbove());
            long from = Math.Max(RollupKeys.FirstOf(first), marks.Added(level)), to = RollupKeys.FirstOf(last);
            if (from < to)
            {
                yield return new CellRange(level, from, to);
            }
        }
    }
}
