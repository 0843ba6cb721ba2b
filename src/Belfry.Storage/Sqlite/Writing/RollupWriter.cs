using Belfry.Storage.Rollups;
using System.Runtime.InteropServices;
using Belfry.Storage.Sqlite.Rows;
using Belfry.Storage.Sqlite;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>
/// Keeps the figures beside the rows: what a row told before a change is taken away, what it tells after is added. Outcomes and
/// durations stand in the bucket of the end, submissions in that of the first event.
/// </summary>
sealed class RollupWriter(Database database)
{
    /// <summary>The name that stands for all tasks; 1,048,574 names can have cells of their own, later ones count only here.</summary>
    public const long All = (1 << 20) - 1;

    const long MinuteMicros = 60_000_000, HourMicros = 3_600_000_000;
    readonly Dictionary<long, Cell> _minutes = [], _hours = []; // the group's changes; emptied by Write

    /// <summary>The bucket of an instant; those that no cell's key can hold fall into the first or the last.</summary>
    public static long BucketOf(Instant at, long width) => Math.Clamp(at.Micros / width, 0, long.MaxValue >> 20);

    /// <summary>Takes note of a row that changed.</summary>
    public void Change(TaskRun? before, TaskRun? after, NameTable names)
    {
        if (before is not null && after is not null && SameFigures(before, after))
        {
            return;
        }
        Count(before, -1, names);
        Count(after, 1, names);
    }

    /// <summary>Writes the group's changes; within its transaction.</summary>
    public void Write()
    {
        Write("minute", _minutes);
        Write("hour", _hours);
    }

    /// <summary>Forgets what was not written, after a roll-back.</summary>
    public void Clear()
    {
        _minutes.Clear();
        _hours.Clear();
    }

    static bool SameFigures(TaskRun a, TaskRun b) =>
        a.State == b.State && a.First == b.First && a.Finished == b.Finished && a.Runtime == b.Runtime && a.Task == b.Task;

    void Count(TaskRun? run, int times, NameTable names)
    {
        if (run is null)
        {
            return;
        }
        long name = names.NumberOrNull(NameKind.Task, run.Task) ?? 0;
        foreach ((Dictionary<long, Cell> cells, long width) in (ReadOnlySpan<(Dictionary<long, Cell>, long)>)[(_minutes, MinuteMicros), (_hours, HourMicros)])
        {
            Count(cells, width, All, run, times);
            if (name < All)
            {
                Count(cells, width, name, run, times);
            }
        }
    }

    static void Count(Dictionary<long, Cell> cells, long width, long name, TaskRun run, int times)
    {
        Of(cells, run.First, width, name).First += times;
        if (run.State.IsFinal() && run.Finished is { } end)
        {
            bool timed = run.State is RunState.Completed or RunState.Failed;
            Of(cells, end, width, name).Add(run.State, timed && run.Runtime is { } seconds ? (long)Math.Round(seconds * 1e6) : null, times);
        }
    }

    static Cell Of(Dictionary<long, Cell> cells, Instant at, long width, long name)
    {
        ref Cell? cell = ref CollectionsMarshal.GetValueRefOrAddDefault(cells, (BucketOf(at, width) << 20) | name, out _);
        return cell ??= new Cell();
    }

    void Write(string table, Dictionary<long, Cell> cells)
    {
        Statement read = database.Prepare($"SELECT hist FROM {table} WHERE cell = ?");
        Statement write = database.Prepare($"""
            INSERT INTO {table}(cell, first, completed, failed, retried, cancelled, skipped, lost, timed, sum, max, hist)
            VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT(cell) DO UPDATE SET first = first + excluded.first, completed = completed + excluded.completed,
              failed = failed + excluded.failed, retried = retried + excluded.retried, cancelled = cancelled + excluded.cancelled,
              skipped = skipped + excluded.skipped, lost = lost + excluded.lost, timed = timed + excluded.timed,
              sum = sum + excluded.sum, max = max(max, excluded.max), hist = excluded.hist
            """);
        foreach ((long key, Cell cell) in cells)
        {
            read.Reset();
            if (read.Bind(1, key).Step())
            {
                cell.Durations.AddUnder(read.Bytes(0));
            }
            read.Reset();
            cell.Bind(write.Bind(1, key));
            write.Run();
        }
        cells.Clear();
    }

    /// <summary>What one group adds to a cell.</summary>
    sealed class Cell
    {
        readonly long[] _states = new long[9];
        long _timed, _sum, _max;

        public long First { get; set; }

        public DurationChanges Durations { get; } = new();

        public void Add(RunState state, long? micros, int times)
        {
            _states[(int)state] += times;
            if (micros is { } duration)
            {
                _timed += times;
                _sum += times * duration;
                _max = Math.Max(_max, times > 0 ? duration : 0);
                Durations.Add(duration, times);
            }
        }

        public void Bind(Statement into)
        {
            into.Bind(2, First)
                .Bind(3, _states[(int)RunState.Completed]).Bind(4, _states[(int)RunState.Failed]).Bind(5, _states[(int)RunState.Retried])
                .Bind(6, _states[(int)RunState.Cancelled]).Bind(7, _states[(int)RunState.Skipped]).Bind(8, _states[(int)RunState.Lost])
                .Bind(9, _timed).Bind(10, _sum).Bind(11, _max);
            into.Bind(12, Durations.Sum());
        }
    }
}

/// <summary>Durations to add and to take away, applied to what is stored in that order: a histogram never holds less than none.</summary>
sealed class DurationChanges
{
    readonly List<(long Micros, int Times)> _changes = [];
    readonly DurationHistogram _sum = new();

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
