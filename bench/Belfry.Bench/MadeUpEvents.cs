using System.Buffers.Binary;

namespace Belfry.Bench;

/// <summary>Events of made-up runs for the rows that leave Redis out: four a run, 200 tasks, 2 % fail, 20 % are called by another run.</summary>
/// <remarks>
/// Arguments and result are about 184 bytes a run. The ids are random, so nothing is helped by their order. A run is made of its number
/// alone, so those that wait for their end take no memory here.
/// </remarks>
sealed class MadeUpEvents(int seed, Instant begin, double runsPerSecond, int waiting = 0)
{
    static readonly TimeSpan Ordinary = TimeSpan.FromMicroseconds(1900);
    int _begun, _ended;

    /// <summary>Ids of runs made so far, one of each thousand.</summary>
    public List<string> Sample => [.. Enumerable.Range(0, (_begun + 999) / 1000).Select(n => IdOf(n * 1000))];

    /// <summary>The events of a group: so many runs begin, and those end that have waited long enough.</summary>
    public List<TaskEvent> Next(int runs)
    {
        var events = new List<TaskEvent>(runs * 4);
        for (int end = _begun + runs; _begun < end; _begun++)
        {
            AddBegin(events, _begun);
        }
        for (; _ended < _begun - waiting; _ended++)
        {
            AddEnd(events, _ended);
        }
        return events;
    }

    /// <summary>The id of a run. It is made of all that tells runs apart, not of a hash of 31 bits, of which some in a few hundred thousand would be the same.</summary>
    public string IdOf(int run)
    {
        ulong number = ((ulong)seed << 32) | (uint)run;
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, (Mixed(number) & ~0xf000ul) | 0x4000);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], (Mixed(~number) >> 2) | (1ul << 63));
        return new Guid(bytes, bigEndian: true).ToString();
    }

    /// <summary>Another number for each: the last steps of SplitMix64.</summary>
    static ulong Mixed(ulong number)
    {
        number = (number ^ (number >> 30)) * 0xBF58_476D_1CE4_E5B9;
        number = (number ^ (number >> 27)) * 0x94D0_49BB_1331_11EB;
        return number ^ (number >> 31);
    }

    int HashCode(int run) => unchecked((int)(((uint)run * 2_654_435_769) ^ ((uint)seed * 40_503)));

    Instant BeginOf(int run) => begin + TimeSpan.FromSeconds(run / runsPerSecond);

    void AddBegin(List<TaskEvent> events, int run)
    {
        var random = new Random(HashCode(run));
        string id = IdOf(run), task = $"shop.tasks.job_{random.Next(200):000}", worker = WorkerOf(run);
        string? parent = random.Next(5) == 0 ? SyntheticRun.NewId(random) : null;
        string args = $"('customer-{random.Next(1_000_000):000000}', {random.Next(100_000)})";
        string kwargs = $"{{'region': 'eu-west-{random.Next(4)}', 'order': '{random.NextInt64():x16}', 'dry_run': False}}";
        var told = new TaskEvent
        {
            Source = "bench", Id = id, Kind = EventKind.Submitted, At = BeginOf(run), Attempt = 1, Task = task, Queue = "celery", Args = args, Kwargs = kwargs,
            Parent = parent, Root = parent ?? id,
        };
        events.Add(told);
        events.Add(told with { Kind = EventKind.Received, At = told.At + TimeSpan.FromMicroseconds(900), Worker = worker, Queue = null });
    }

    void AddEnd(List<TaskEvent> events, int run)
    {
        var random = new Random(~HashCode(run));
        Instant at = BeginOf(run) + Ordinary + TimeSpan.FromSeconds(waiting / runsPerSecond);
        var started = new TaskEvent { Source = "bench", Id = IdOf(run), Kind = EventKind.Started, At = at, Worker = WorkerOf(run) };
        events.Add(started);
        events.Add(random.Next(50) == 0
            ? started with { Kind = EventKind.Failed, At = at + TimeSpan.FromMilliseconds(7), Exception = $"ValueError('order {random.Next(1000)} is closed')", Traceback = "Traceback (most recent call last): …" }
            : started with { Kind = EventKind.Succeeded, At = at + TimeSpan.FromMilliseconds(7), Runtime = 0.007, Result = $"{{'rows': {random.Next(10_000)}, 'etag': '{random.NextInt64():x16}', 'note': '{new string('.', 30)}'}}" });
    }

    static string WorkerOf(int run) => WorkerNames[run % WorkerNames.Length];

    static readonly string[] WorkerNames = [.. Enumerable.Range(0, 8).Select(n => $"w{n}@lab")];
}
