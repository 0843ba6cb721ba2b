using System.Runtime.InteropServices;

namespace Belfry.Storage.Rollups;

/// <summary>
/// What a group of changes adds to the figures beside the rows: what a row told before is taken away, what it tells after is added.
/// Outcomes and durations stand in the bucket of the end, submissions in that of the first event.
/// </summary>
sealed class RollupChanges
{
    /// <summary>The name that stands for all tasks; 1,048,574 names can have cells of their own, later ones count only here.</summary>
    public const long All = (1 << NameBits) - 1;

    /// <summary>A cell's key is its bucket above so many bits of its name.</summary>
    public const int NameBits = 20;

    /// <summary>Widths of the buckets.</summary>
    public const long MinuteMicros = 60_000_000, HourMicros = 3_600_000_000;

    readonly Dictionary<long, RollupCell> _minutes = [], _hours = []; // the group's changes; emptied by Clear

    /// <summary>Cells by minute.</summary>
    public IReadOnlyDictionary<long, RollupCell> Minutes => _minutes;

    /// <summary>Cells by hour.</summary>
    public IReadOnlyDictionary<long, RollupCell> Hours => _hours;

    /// <summary>The bucket of an instant; those that no cell's key can hold fall into the first or the last.</summary>
    public static long BucketOf(Instant at, long width) => Math.Clamp(at.Micros / width, 0, long.MaxValue >> NameBits);

    /// <summary>The minute of an instant, as cells count it.</summary>
    public static long MinuteOf(Instant at) => BucketOf(at, MinuteMicros);

    /// <summary>The hour of an instant, as cells count it.</summary>
    public static long HourOf(Instant at) => BucketOf(at, HourMicros);

    /// <summary>Takes note of a row that changed.</summary>
    /// <param name="before">The row before; null when it is new.</param>
    /// <param name="after">The row after; null when it went away.</param>
    /// <param name="nameOf">The number of a task's name.</param>
    public void Change(TaskRun? before, TaskRun? after, Func<string?, long?> nameOf)
    {
        if (before is not null && after is not null && SameFigures(before, after))
        {
            return;
        }
        Count(before, -1, nameOf);
        Count(after, 1, nameOf);
    }

    /// <summary>Begins anew: what was noted is written, or rolled back.</summary>
    public void Clear()
    {
        _minutes.Clear();
        _hours.Clear();
    }

    static bool SameFigures(TaskRun a, TaskRun b) =>
        a.State == b.State && a.First == b.First && a.Finished == b.Finished && a.Runtime == b.Runtime && a.Task == b.Task;

    void Count(TaskRun? run, int times, Func<string?, long?> nameOf)
    {
        if (run is null)
        {
            return;
        }
        long name = nameOf(run.Task) ?? 0;
        Count(_minutes, MinuteMicros, name, run, times);
        Count(_hours, HourMicros, name, run, times);
    }

    static void Count(Dictionary<long, RollupCell> cells, long width, long name, TaskRun run, int times)
    {
        CountOne(cells, width, All, run, times);
        if (name < All)
        {
            CountOne(cells, width, name, run, times);
        }
    }

    static void CountOne(Dictionary<long, RollupCell> cells, long width, long name, TaskRun run, int times)
    {
        Of(cells, run.First, width, name).First += times;
        if (run.State.IsFinal() && run.Finished is { } end)
        {
            bool timed = run.State is RunState.Completed or RunState.Failed;
            Of(cells, end, width, name).Add(run.State, timed && run.Runtime is { } seconds ? (long)Math.Round(seconds * 1e6) : null, times);
        }
    }

    static RollupCell Of(Dictionary<long, RollupCell> cells, Instant at, long width, long name)
    {
        ref RollupCell? cell = ref CollectionsMarshal.GetValueRefOrAddDefault(cells, (BucketOf(at, width) << NameBits) | name, out _);
        return cell ??= new RollupCell();
    }
}

/// <summary>What one group adds to a cell.</summary>
sealed class RollupCell
{
    readonly long[] _states = new long[9];

    /// <summary>Submissions.</summary>
    public long First { get; set; }

    /// <summary>Ends with a duration.</summary>
    public long Timed { get; private set; }

    /// <summary>The sum of those, in microseconds.</summary>
    public long Sum { get; private set; }

    /// <summary>The longest of those.</summary>
    public long Max { get; private set; }

    /// <summary>How they are spread.</summary>
    public DurationChanges Durations { get; } = new();

    /// <summary>Ends in a state.</summary>
    public long this[RunState state] => _states[(int)state];

    /// <summary>Adds an end, or takes it away.</summary>
    public void Add(RunState state, long? micros, int times)
    {
        _states[(int)state] += times;
        if (micros is { } duration)
        {
            Timed += times;
            Sum += times * duration;
            Max = Math.Max(Max, times > 0 ? duration : 0);
            Durations.Add(duration, times);
        }
    }
}

/// <summary>Durations to add and to take away, applied to what is stored in that order: a histogram never holds less than none.</summary>
sealed class DurationChanges
{
    readonly List<(long Micros, int Times)> _changes = [];
    readonly DurationHistogram _sum = new();

    /// <summary>There is nothing to change.</summary>
    public bool IsEmpty => _changes.Count == 0;

    public void Add(long micros, int times) => _changes.Add((micros, times));

    /// <summary>What is stored so far.</summary>
    public void AddUnder(ReadOnlySpan<byte> written) => _sum.Add(written);

    /// <summary>The whole, as bytes.</summary>
    public byte[] Sum()
    {
        foreach ((long micros, int times) in _changes.OrderByDescending(change => change.Times))
        {
            _sum.Add(micros, times);
        }
        return _sum.Write();
    }
}
