namespace Belfry.Bench;

/// <summary>Events of made-up runs for the rows that leave Redis out: four a run, 200 tasks, 2 % fail, 20 % are called by another run.</summary>
/// <remarks>Arguments and result are about 184 bytes a run. The ids are random, so nothing is helped by their order.</remarks>
sealed class MadeUpEvents(int seed, Instant begin, double runsPerSecond)
{
    readonly Random _random = new(seed);
    long _runs;

    /// <summary>Ids of runs made so far, one of each thousand.</summary>
    public List<string> Sample { get; } = [];

    /// <summary>The events of the next runs, in order of their instants within a batch of a group.</summary>
    public List<TaskEvent> Next(int runs)
    {
        var first = new List<TaskEvent>(runs * 4);
        var last = new List<TaskEvent>(runs * 2);
        for (int i = 0; i < runs; i++)
        {
            Add(first, last, begin + TimeSpan.FromSeconds(_runs++ / runsPerSecond));
        }
        first.AddRange(last);
        return first;
    }

    void Add(List<TaskEvent> first, List<TaskEvent> last, Instant at)
    {
        string id = SyntheticRun.NewId(_random), task = $"shop.tasks.job_{_random.Next(200):000}", worker = $"w{_random.Next(8)}@lab";
        string? parent = _random.Next(5) == 0 ? SyntheticRun.NewId(_random) : null;
        string args = $"('customer-{_random.Next(1_000_000):000000}', {_random.Next(100_000)})";
        string kwargs = $"{{'region': 'eu-west-{_random.Next(4)}', 'order': '{_random.NextInt64():x16}', 'dry_run': False}}";
        var told = new TaskEvent
        {
            Source = "bench", Id = id, Kind = EventKind.Submitted, At = at, Attempt = 1, Task = task, Queue = "celery", Args = args, Kwargs = kwargs,
            Parent = parent, Root = parent ?? id,
        };
        first.Add(told);
        first.Add(told with { Kind = EventKind.Received, At = at + TimeSpan.FromMicroseconds(900), Worker = worker, Queue = null });
        var started = new TaskEvent { Source = "bench", Id = id, Kind = EventKind.Started, At = at + TimeSpan.FromMicroseconds(1900), Worker = worker };
        last.Add(started);
        last.Add(_random.Next(50) == 0
            ? started with { Kind = EventKind.Failed, At = at + TimeSpan.FromMilliseconds(9), Exception = $"ValueError('order {_random.Next(1000)} is closed')", Traceback = "Traceback (most recent call last): …" }
            : started with { Kind = EventKind.Succeeded, At = at + TimeSpan.FromMilliseconds(9), Runtime = 0.007, Result = $"{{'rows': {_random.Next(10_000)}, 'etag': '{_random.NextInt64():x16}', 'note': '{new string('.', 30)}'}}" });
        if (_runs % 1000 == 1)
        {
            Sample.Add(id);
        }
    }
}
