using System.Runtime.InteropServices;

namespace Belfry.Storage.Rollups;

/// <summary>
/// What a group of changes adds to the figures beside the rows: what a row told before is taken away, what it tells after is added.
/// Outcomes, runtimes and waits stand in the bucket of the end, submissions in that of the first event.
/// </summary>
/// <param name="numberOf">The number of a name, which gets one if it has none.</param>
sealed class RollupChanges(Func<NameKind, string, int> numberOf)
{
    readonly Dictionary<long, RollupCell> _minutes = [];       // the group's changes; emptied by Clear
    readonly Dictionary<long, RollupCell> _ofSources = []; // those of them that are not part of all yet; emptied by Complete
    readonly Dictionary<long, long?> _apps = [];           // of each task's number that of its application; as many as the site has tasks

    /// <summary>The newest minute that changed.</summary>
    public long Newest { get; private set; }

    /// <summary>The cells of minutes that changed.</summary>
    public IReadOnlyDictionary<long, RollupCell> Minutes => Complete();

    /// <summary>How many cells of minutes changed.</summary>
    public int Count => Complete().Count;

    /// <summary>Takes note of a row that changed.</summary>
    /// <param name="before">The row before; null when it is new.</param>
    /// <param name="after">The row after; null when it went away.</param>
    public void Change(TaskRun? before, TaskRun? after)
    {
        if (before?.First != after?.First || before?.Task != after?.Task)
        {
            CountFirst(before, -1);
            CountFirst(after, 1);
        }
        RunEnd? was = RunEnd.Of(before), now = RunEnd.Of(after);
        if (was != now)
        {
            CountEnd(was, -1);
            CountEnd(now, 1);
        }
    }

    /// <summary>The cells to write, by level: what lies below a mark belongs to the level above as well.</summary>
    public IReadOnlyDictionary<long, RollupCell>[] Spread(RollupMarks marks)
    {
        Dictionary<long, RollupCell> hours = Above(RollupLevel.Minute, Complete(), marks), days = Above(RollupLevel.Hour, hours, marks);
        return [Kept(RollupLevel.Minute, _minutes, marks), Kept(RollupLevel.Hour, hours, marks), days];
    }

    /// <summary>Begins anew: what was noted is written, or rolled back.</summary>
    public void Clear()
    {
        _minutes.Clear();
        _ofSources.Clear();
        Newest = 0;
    }

    /// <summary>Adds a cell to one of a sum.</summary>
    public static RollupCell CellOf(Dictionary<long, RollupCell> cells, long key)
    {
        ref RollupCell? cell = ref CollectionsMarshal.GetValueRefOrAddDefault(cells, key, out _);
        return cell ??= new RollupCell();
    }

    static Dictionary<long, RollupCell> Above(RollupLevel level, Dictionary<long, RollupCell> cells, RollupMarks marks)
    {
        var above = new Dictionary<long, RollupCell>();
        foreach ((long key, RollupCell cell) in cells)
        {
            if (key < marks.Added(level))
            {
                CellOf(above, level.Above(key)).Add(cell);
            }
        }
        return above;
    }

    static Dictionary<long, RollupCell> Kept(RollupLevel level, Dictionary<long, RollupCell> cells, RollupMarks marks)
    {
        long kept = marks.Kept(level);
        return cells.Keys.All(key => key >= kept) ? cells : cells.Where(cell => cell.Key >= kept).ToDictionary();
    }

    void CountFirst(TaskRun? run, int times)
    {
        if (run is null)
        {
            return;
        }
        long minute = MinuteOf(run.First);
        Of(minute, RollupKeys.All).Numbers.AddFirst(times);
        if (NumberOf(NameKind.Task, run.Task) is { } task)
        {
            Of(minute, task).Numbers.AddFirst(times);
        }
    }

    void CountEnd(RunEnd? ended, int times)
    {
        if (ended is not { } end)
        {
            return;
        }
        long minute = MinuteOf(end.At);
        long? task = NumberOf(NameKind.Task, end.Task);
        CountOfSource(minute, NumberOf(NameKind.Source, end.Source), end, times);
        CountEnd(minute, task, end, times);
        CountEnd(minute, end.App is null ? AppOf(task, end.Task) : NumberOf(NameKind.App, end.App), end, times);
        CountEnd(minute, NumberOf(NameKind.Worker, end.Worker), end, times);
        CountEnd(minute, NumberOf(NameKind.Queue, end.Queue), end, times);
        if (end.Exception is { } thrown)
        {
            CountThrown(minute, NameKind.Exception, thrown, end.State, times);
            CountThrown(minute, NameKind.Failure, new FailureName(thrown, end.Task).ToString(), end.State, times);
        }
    }

    /// <summary>All runs are those of all sources: they are added up when the group is complete, not run by run. After that nothing is noted until <see cref="Clear"/>.</summary>
    void CountOfSource(long minute, long? source, in RunEnd end, int times)
    {
        RollupCell cell = Of(minute, source ?? RollupKeys.All);
        cell.Add(end, times);
        if (source is { } number)
        {
            _ofSources[RollupKeys.FirstOf(minute) | number] = cell;
        }
    }

    Dictionary<long, RollupCell> Complete()
    {
        foreach ((long key, RollupCell cell) in _ofSources)
        {
            Of(key >> RollupKeys.NameBits, RollupKeys.All).Add(cell);
        }
        _ofSources.Clear();
        return _minutes;
    }

    void CountEnd(long minute, long? name, in RunEnd end, int times)
    {
        if (name is { } number)
        {
            Of(minute, number).Add(end, times);
        }
    }

    void CountThrown(long minute, NameKind kind, string name, RunState end, int times)
    {
        if (NumberOf(kind, name) is { } number)
        {
            Of(minute, number).Add(end, times);
        }
    }

    long? AppOf(long? task, string? name)
    {
        if (task is not { } number)
        {
            return NumberOf(NameKind.App, AppNames.Of(name));
        }
        ref long? app = ref CollectionsMarshal.GetValueRefOrAddDefault(_apps, number, out bool known);
        return known ? app : app = NumberOf(NameKind.App, AppNames.Of(name));
    }

    long? NumberOf(NameKind kind, string? name) => name is not null && numberOf(kind, name) is var number && number < RollupKeys.All ? number : null;

    long MinuteOf(Instant at)
    {
        long minute = RollupKeys.MinuteOf(at);
        Newest = Math.Max(Newest, minute);
        return minute;
    }

    RollupCell Of(long minute, long name) => CellOf(_minutes, RollupKeys.FirstOf(minute) | name);
}

/// <summary>A class of exceptions and the task that failed with it, as one name; a class has no spaces.</summary>
/// <param name="Class">The class.</param>
/// <param name="Task">The task; null when it is not known.</param>
readonly record struct FailureName(string Class, string? Task)
{
    public override string ToString() => $"{Class} {Task}";

    public static FailureName Parse(string text)
    {
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        return new FailureName(text[..space], text[(space + 1)..]);
    }
}
