namespace Belfry.Storage.Rollups;

/// <summary>Adds up the figures of a span as an engine reads them from its rollups; which cells to read is decided here as well.</summary>
sealed class FiguresSum
{
    /// <summary>Spans up to this have a bar per minute, longer ones per hour.</summary>
    static readonly TimeSpan MinutesUpTo = TimeSpan.FromDays(2);

    /// <summary>Spans up to this are counted minute by minute, longer ones from the beginning of their first hour.</summary>
    static readonly TimeSpan ExactUpTo = TimeSpan.FromHours(6);

    /// <summary>The states of ends, in the order in which engines read their sums.</summary>
    static readonly RunState[] Ends = [RunState.Completed, RunState.Failed, RunState.Retried, RunState.Cancelled, RunState.Skipped, RunState.Lost];

    readonly Instant _from, _to;
    readonly long _width, _barWidth;
    readonly IReadOnlySet<long>? _wanted;
    readonly Dictionary<RunState, long> _states = [];
    readonly List<(long Name, long Ended, long Bad)> _byTask = [];
    readonly List<BucketFigures> _buckets = [];
    readonly DurationHistogram _durations = new();

    /// <summary>Begins a sum.</summary>
    /// <param name="from">Begin of the span.</param>
    /// <param name="to">Its end.</param>
    /// <param name="wanted">Numbers of the tasks asked for; null for all.</param>
    /// <param name="thinned">Figures by the minute are gone there.</param>
    public FiguresSum(Instant from, Instant to, IReadOnlySet<long>? wanted, bool thinned = false)
    {
        (_from, _to, _wanted) = (from, to, wanted);
        bool exact = to - from <= ExactUpTo && !thinned, minutes = to - from <= MinutesUpTo && !thinned;
        (Table, _width) = exact ? ("minute", RollupChanges.MinuteMicros) : ("hour", RollupChanges.HourMicros);
        (BarTable, _barWidth) = minutes ? ("minute", RollupChanges.MinuteMicros) : ("hour", RollupChanges.HourMicros);
        (FirstCell, LastCell) = Cells(_width);
        (FirstBarCell, LastBarCell) = Cells(_barWidth);
    }

    /// <summary>The sums a table gives for each name, as <see cref="AddEnds"/> takes them.</summary>
    public const string Sums = "sum(completed), sum(failed), sum(retried), sum(cancelled), sum(skipped), sum(lost)";

    /// <summary>Where the sums and durations stand, and in which cells: from the first, up to but without the last.</summary>
    public string Table { get; }

    public long FirstCell { get; }

    public long LastCell { get; }

    /// <summary>Where the bars stand, and in which cells.</summary>
    public string BarTable { get; }

    public long FirstBarCell { get; }

    public long LastBarCell { get; }

    /// <summary>The cells of a name belong to what is asked: of all tasks that of all, else those of the ones wanted.</summary>
    public bool Wants(long name) => _wanted is null ? name == RollupChanges.All : _wanted.Contains(name);

    /// <summary>The ends of one name in the span, by state in the order of <see cref="Sums"/>.</summary>
    public void AddEnds(long name, ReadOnlySpan<long> ends)
    {
        long ended = 0, bad = ends[1] + ends[5];
        foreach (long times in ends)
        {
            ended += times;
        }
        if (name is not (0 or RollupChanges.All) && ended > 0 && _wanted?.Contains(name) != false)
        {
            _byTask.Add((name, ended, bad));
        }
        for (int i = 0; Wants(name) && i < Ends.Length; i++)
        {
            _states[Ends[i]] = _states.GetValueOrDefault(Ends[i]) + ends[i];
        }
    }

    /// <summary>The durations of one cell.</summary>
    public void AddDurations(ReadOnlySpan<byte> histogram) => _durations.Add(histogram);

    /// <summary>A cell of <see cref="BarTable"/>; they come in the order of their keys.</summary>
    public void AddBar(long cell, long ended, long bad)
    {
        if (ended == 0 || !Wants(cell & RollupChanges.All))
        {
            return;
        }
        var at = new Instant((cell >> RollupChanges.NameBits) * _barWidth);
        if (_buckets.Count > 0 && _buckets[^1].At == at)
        {
            _buckets[^1] = new BucketFigures(at, _buckets[^1].Ended + ended, _buckets[^1].Bad + bad);
        }
        else
        {
            _buckets.Add(new BucketFigures(at, ended, bad));
        }
    }

    /// <summary>Open runs of a state and task.</summary>
    public void AddOpen(RunState state, long? name, long runs)
    {
        if (_wanted is null || (name is { } known && _wanted.Contains(known)))
        {
            _states[state] = _states.GetValueOrDefault(state) + runs;
        }
    }

    /// <summary>The whole.</summary>
    public LogFigures Total(Func<long, string> nameOf) => new(
        new Instant((FirstCell >> RollupChanges.NameBits) * _width), _to, (int)(_barWidth / 1_000_000), _buckets, _states,
        [.. _byTask.Select(task => new TaskFigures(nameOf(task.Name), task.Ended, task.Bad)).OrderByDescending(task => task.Ended).ThenBy(task => task.Task, StringComparer.Ordinal)],
        _durations.Percentile(0.95));

    (long First, long Last) Cells(long width) => (
        RollupChanges.BucketOf(_from, width) << RollupChanges.NameBits, (RollupChanges.BucketOf(_to, width) + 1) << RollupChanges.NameBits);
}
