namespace Belfry.Storage.Rollups;

/// <summary>What a group adds to a cell, or takes away.</summary>
sealed class RollupCell
{
    /// <summary>The numbers.</summary>
    public CellNumbers Numbers { get; } = new();

    /// <summary>How runtimes are spread; null when none changes.</summary>
    public DurationHistogram? Runtimes { get; private set; }

    /// <summary>How waits are spread; null when none changes.</summary>
    public DurationHistogram? Waits { get; private set; }

    /// <summary>Adds an end, or takes it away.</summary>
    public void Add(in RunEnd end, int times)
    {
        Numbers.Add(end.State, times);
        if (end.Runtime is { } runtime)
        {
            Numbers.AddRuntime(runtime, times);
            (Runtimes ??= new()).Add(DurationBuckets.Of(runtime), times);
        }
        if (end.Wait is { } wait)
        {
            Numbers.AddWait(wait, times);
            (Waits ??= new()).Add(DurationBuckets.Of(wait), times);
        }
    }

    /// <summary>Adds an end without its durations, or takes it away.</summary>
    public void Add(RunState end, int times) => Numbers.Add(end, times);

    /// <summary>Adds another cell.</summary>
    public void Add(RollupCell other)
    {
        Numbers.Add(other.Numbers);
        if (other.Runtimes is { } runtimes)
        {
            (Runtimes ??= new()).Add(runtimes);
        }
        if (other.Waits is { } waits)
        {
            (Waits ??= new()).Add(waits);
        }
    }

    /// <summary>Adds a cell that is stored.</summary>
    public void Add(ICellRow row)
    {
        Numbers.Add(row);
        if (row.Bytes(CellNumbers.Hist) is { IsEmpty: false } runtimes)
        {
            (Runtimes ??= new()).Add(runtimes);
        }
        if (row.Bytes(CellNumbers.WaitHist) is { IsEmpty: false } waits)
        {
            (Waits ??= new()).Add(waits);
        }
    }
}

/// <summary>The numbers of a cell, in the order of its columns.</summary>
sealed class CellNumbers
{
    /// <summary>The columns of numbers; two of histograms follow them.</summary>
    public static readonly string[] Names =
        ["first", "completed", "failed", "retried", "cancelled", "skipped", "lost", "timed", "sum", "waited", "wait_sum", "max", "wait_max", "min"];

    /// <summary>All columns but the key, as statements have them.</summary>
    public static readonly string Columns = string.Join(", ", [.. Names, "hist", "wait_hist"]);

    /// <summary>Where the histograms stand among the <see cref="Columns"/>.</summary>
    public const int Hist = 14, WaitHist = 15;

    /// <summary>The first so many are sums, the next two maxima, the last is a minimum.</summary>
    const int Sums = 11, Max = 11, WaitMax = 12, Min = 13, Timed = 7;

    /// <summary>The final states, in the order of their columns.</summary>
    static readonly RunState[] Ends = [RunState.Completed, RunState.Failed, RunState.Retried, RunState.Cancelled, RunState.Skipped, RunState.Lost];
    static readonly int[] ColumnOf = [.. Enum.GetValues<RunState>().Order().Select(state => 1 + Array.IndexOf(Ends, state))];

    readonly long[] _numbers = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, long.MaxValue];

    /// <summary>Runs whose first event fell into the cell.</summary>
    public long First => _numbers[0];

    /// <summary>Ends of any kind.</summary>
    public long Ended => this[RunState.Completed] + this[RunState.Failed] + this[RunState.Retried] + this[RunState.Cancelled] + this[RunState.Skipped] + this[RunState.Lost];

    /// <summary>Runtimes: how many, their sum, the least and the greatest in microseconds. What was taken away may still be among the last two.</summary>
    public (long Times, long Sum, long? Least, long Most) Runtime => (_numbers[Timed], _numbers[8], _numbers[Min] == long.MaxValue ? null : _numbers[Min], _numbers[Max]);

    /// <summary>Waits: how many, their sum, and the greatest in microseconds.</summary>
    public (long Times, long Sum, long Most) Wait => (_numbers[9], _numbers[10], _numbers[WaitMax]);

    /// <summary>Ends in a final state.</summary>
    public long this[RunState state] => _numbers[ColumnOf[(int)state]];

    /// <summary>What is stored in a column; null for a minimum of nothing.</summary>
    public long? this[int column] => column == Min && _numbers[Min] == long.MaxValue ? null : _numbers[column];

    public void AddFirst(int times) => _numbers[0] += times;

    public void Add(RunState end, int times) => _numbers[ColumnOf[(int)end]] += times;

    public void AddRuntime(long micros, int times)
    {
        _numbers[Timed] += times;
        _numbers[8] += times * micros;
        if (times > 0)
        {
            _numbers[Max] = Math.Max(_numbers[Max], micros);
            _numbers[Min] = Math.Min(_numbers[Min], micros);
        }
    }

    public void AddWait(long micros, int times)
    {
        _numbers[9] += times;
        _numbers[10] += times * micros;
        _numbers[WaitMax] = times > 0 ? Math.Max(_numbers[WaitMax], micros) : _numbers[WaitMax];
    }

    public void Add(CellNumbers other)
    {
        for (int column = 0; column < Sums; column++)
        {
            _numbers[column] += other._numbers[column];
        }
        _numbers[Max] = Math.Max(_numbers[Max], other._numbers[Max]);
        _numbers[WaitMax] = Math.Max(_numbers[WaitMax], other._numbers[WaitMax]);
        _numbers[Min] = Math.Min(_numbers[Min], other._numbers[Min]);
    }

    public void Add(ICellRow row)
    {
        for (int column = 0; column < Sums; column++)
        {
            _numbers[column] += row.Number(column);
        }
        _numbers[Max] = Math.Max(_numbers[Max], row.Number(Max));
        _numbers[WaitMax] = Math.Max(_numbers[WaitMax], row.Number(WaitMax));
        if (!row.IsNull(Min))
        {
            _numbers[Min] = Math.Min(_numbers[Min], row.Number(Min));
        }
    }

    /// <summary>What an upsert does with the numbers that a cell has already: statements of both engines say the same.</summary>
    /// <param name="table">The table, as the statement knows it.</param>
    /// <param name="greatest">The engine's function for the greater of two.</param>
    /// <param name="least">Its function for the lesser.</param>
    public static string Upsert(string table, string greatest, string least) => string.Join(", ", Names.Select((name, column) => column switch
    {
        < Sums => $"{name} = {table}.{name} + excluded.{name}",
        < Min => $"{name} = {greatest}({table}.{name}, excluded.{name})",
        _ => $"{name} = coalesce({least}({table}.{name}, excluded.{name}), {table}.{name}, excluded.{name})",
    }));
}

/// <summary>A stored cell as an engine reads it; columns are those of <see cref="CellNumbers.Columns"/>.</summary>
interface ICellRow
{
    long Number(int column);

    bool IsNull(int column);

    ReadOnlySpan<byte> Bytes(int column);
}
