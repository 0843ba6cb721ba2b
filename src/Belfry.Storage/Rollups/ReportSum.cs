using System.Runtime.InteropServices;

namespace Belfry.Storage.Rollups;

/// <summary>Adds up what an engine reads for a report.</summary>
sealed class ReportSum
{
    readonly ReportQuery _query;
    readonly Dictionary<long, List<SubjectSum>> _sums = []; // of each name what it adds to
    readonly Dictionary<string, SubjectSum> _subjects = new(StringComparer.Ordinal);
    readonly SubjectSum _total = new("");

    public ReportSum(ReportQuery query, RollupMarks marks)
    {
        (_query, Plan) = (query, new ReportPlan(query, marks));
        if (!IsFiltered)
        {
            Count(RollupKeys.All, _total);
        }
    }

    /// <summary>Which cells to read.</summary>
    public ReportPlan Plan { get; }

    /// <summary>Kinds of names to tell before.</summary>
    public IReadOnlyList<NameKind> Kinds => IsFiltered ? [NameKind.Task, NameKind.Failure] : [_query.By];

    /// <summary>Names whose cells sums are made of.</summary>
    public IReadOnlyCollection<long> Names => _sums.Keys;

    /// <summary>Names whose cells bars are made of.</summary>
    public IReadOnlyCollection<long> BarNames => [.. _sums.Where(sum => sum.Value.Contains(_total)).Select(sum => sum.Key)];

    bool IsFiltered => _query.Tasks.Count > 0;

    /// <summary>Tells a name of the log.</summary>
    public void Know(long number, NameKind kind, string text)
    {
        if (number >= RollupKeys.All)
        {
            return;
        }
        if (IsFiltered && kind == NameKind.Task && _query.Wants(text))
        {
            Count(number, _total);
        }
        if (SubjectOf(kind, text) is { } subject)
        {
            ref SubjectSum? sum = ref CollectionsMarshal.GetValueRefOrAddDefault(_subjects, subject, out _);
            Count(number, sum ??= new SubjectSum(subject));
        }
    }

    /// <summary>Adds a cell of <see cref="ReportPlan.Sums"/>.</summary>
    public void Add(RollupLevel level, long bucket, long name, ICellRow cell)
    {
        foreach (SubjectSum sum in _sums[name])
        {
            sum.Add(cell);
            if (_query is { BarsOfEach: true, BarWidth: not null })
            {
                sum.AddBar(Plan.BarOf(level, bucket), cell);
            }
        }
    }

    /// <summary>Adds a cell of <see cref="ReportPlan.Bars"/>, where <see cref="Add"/> does not have it.</summary>
    public void AddBar(RollupLevel level, long bucket, ICellRow cell) => _total.AddBar(Plan.BarOf(level, bucket), cell);

    /// <summary>The whole.</summary>
    public LogReport ToReport() => new(
        Plan.From, _query.To,
        [.. _subjects.Values.Where(subject => subject.Any).OrderByDescending(subject => subject.Ended).ThenBy(subject => subject.Name, StringComparer.Ordinal).Select(subject => subject.ToFigures())],
        _total.ToFigures(), Plan.BarMicros / 1_000_000);

    string? SubjectOf(NameKind kind, string text) => (_query.By, kind) switch
    {
        (NameKind.Exception, NameKind.Failure) when IsFiltered => FailureName.Parse(text) is var failure && _query.Wants(failure.Task) ? failure.Class : null,
        (NameKind.Failure, NameKind.Failure) => !IsFiltered || _query.Wants(FailureName.Parse(text).Task) ? text : null,
        (NameKind.Task, NameKind.Task) => !IsFiltered || _query.Wants(text) ? text : null,
        var (by, known) => by == known && !IsFiltered ? text : null,
    };

    void Count(long name, SubjectSum sum)
    {
        ref List<SubjectSum>? sums = ref CollectionsMarshal.GetValueRefOrAddDefault(_sums, name, out _);
        (sums ??= new List<SubjectSum>(1)).Add(sum);
    }
}

/// <summary>The sum of one subject.</summary>
sealed class SubjectSum(string name)
{
    readonly CellNumbers _numbers = new();
    // A log may know very many names of which few ran.
    SortedDictionary<Instant, CellNumbers>? _bars;
    DurationSum? _runtimes, _waits;

    public string Name { get; } = name;

    public bool Any => Ended > 0 || _numbers.First > 0;

    public long Ended => _numbers.Ended;

    public void Add(ICellRow cell)
    {
        _numbers.Add(cell);
        (_runtimes ??= new()).Add(cell.Bytes(CellNumbers.Hist));
        (_waits ??= new()).Add(cell.Bytes(CellNumbers.WaitHist));
    }

    public void AddBar(Instant at, ICellRow cell)
    {
        _bars ??= [];
        if (!_bars.TryGetValue(at, out CellNumbers? bar))
        {
            _bars.Add(at, bar = new CellNumbers());
        }
        bar.Add(cell);
    }

    public SubjectFigures ToFigures()
    {
        (long ran, long runtime, long? shortest, long longest) = _numbers.Runtime;
        (long waited, long wait, long longestWait) = _numbers.Wait;
        return new SubjectFigures(
            Name, Counts(_numbers), Durations(_runtimes, ran, runtime, shortest, longest), Durations(_waits, waited, wait, null, longestWait),
            [.. (_bars ?? []).Where(bar => bar.Value.Ended > 0 || bar.Value.First > 0).Select(bar => Bar(bar.Key, bar.Value))]);
    }

    static ReportBar Bar(Instant at, CellNumbers numbers) => new(
        at, Counts(numbers), Mean(numbers.Runtime.Times, numbers.Runtime.Sum), Mean(numbers.Wait.Times, numbers.Wait.Sum));

    static RunCounts Counts(CellNumbers numbers) => new(
        numbers.First, numbers[RunState.Completed], numbers[RunState.Failed], numbers[RunState.Retried], numbers[RunState.Cancelled],
        numbers[RunState.Skipped], numbers[RunState.Lost]);

    static double? Mean(long times, long micros) => times > 0 ? micros / 1e6 / times : null;

    /// <summary>A bucket's middle may lie beyond what really occurred: no percentile does.</summary>
    static DurationFigures? Durations(DurationSum? spread, long times, long sum, long? least, long most)
    {
        double At(double share) => Math.Clamp(spread?.Percentile(share) ?? 0, Math.Min(least ?? 0, most) / 1e6, most / 1e6);
        return times > 0 ? new DurationFigures(times, sum / 1e6, least / 1e6, most / 1e6, At(0.5), At(0.95), At(0.99)) : null;
    }
}
