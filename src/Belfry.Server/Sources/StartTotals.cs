using System.Text.Json;
using Belfry.Celery.Control;
using Belfry.Celery.Reconciling;
using Belfry.Storage;

namespace Belfry.Server.Sources;

/// <summary>How many runs of which task each worker of a source has begun, by its own account: asked for every 30 s, and kept in the log, so that an account from before our absence is there after it.</summary>
sealed class StartTotals(string source, ClusterEvidence evidence, RunLog log, TimeProvider clock)
{
    static readonly TimeSpan Every = TimeSpan.FromSeconds(30), KeptFor = TimeSpan.FromHours(12);

    // Those of so many workers are kept in the log, a kilobyte each, written every 30 s.
    const int MostKept = 1000;

    readonly Dictionary<string, (StartTotal? Before, StartTotal Now)> _workers = new(StringComparer.Ordinal); // bounded by WorkerNames.Most
    Instant _next = new(long.MinValue);

    /// <summary>Learns what workers said before we came.</summary>
    public async Task LearnAsync(CancellationToken cancel)
    {
        foreach (Sample sample in await log.Queries.LatestSamplesAsync(SampleKinds.WorkerStarts, cancel))
        {
            foreach ((string worker, StartTotal total) in string.Equals(sample.Source, source, StringComparison.Ordinal) ? Read(sample.Text ?? "") : [])
            {
                Note(worker, total);
            }
        }
    }

    /// <summary>Asks again, when it is time to.</summary>
    public async Task LookAsync(IReadOnlyCollection<string> workers, CancellationToken cancel)
    {
        Instant now = Instant.Now(clock);
        if (now < _next || workers.Count == 0)
        {
            return;
        }
        _next = now + Every;
        foreach ((string worker, WorkerStats stats) in await evidence.StatsAsync(workers, cancel))
        {
            Note(worker, StartTotal.Of(stats, Instant.Now(clock)));
        }
        Dictionary<string, Kept> kept = _workers.Where(one => now - one.Value.Now.At < KeptFor).OrderByDescending(one => one.Value.Now.At.Micros).Take(MostKept)
            .ToDictionary(one => one.Key, one => new Kept(one.Value.Now.At.Micros, one.Value.Now.Pid, one.Value.Now.Tasks), StringComparer.Ordinal);
        await log.SampleAsync([new Sample(source, SampleKinds.WorkerStarts, "", now, null, JsonSerializer.Serialize(kept))], cancel);
    }

    /// <summary>A worker's newest account; null when it gave none.</summary>
    public StartTotal? Latest(string worker) => _workers.TryGetValue(worker, out (StartTotal? Before, StartTotal Now) known) ? known.Now : null;

    /// <summary>A worker's newest account from before an instant; null when it gave none.</summary>
    public StartTotal? Before(string worker, Instant instant) =>
        !_workers.TryGetValue(worker, out (StartTotal? Before, StartTotal Now) known) ? null
        : known.Now.At < instant ? known.Now
        : known.Before?.At < instant ? known.Before
        : null;

    /// <summary>Of which tasks a worker began more runs between two accounts than the log has of it, and how many more; the most first.</summary>
    /// <param name="worker">The worker.</param>
    /// <param name="from">Its earlier account.</param>
    /// <param name="to">Its later one.</param>
    /// <param name="missed">When what is missing began: runs of which only a record is left stand in the log from there.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<IReadOnlyList<KeyValuePair<string, long>>> UnloggedAsync(string worker, StartTotal from, StartTotal to, Instant missed, CancellationToken cancel)
    {
        Dictionary<string, long> begun = to.Since(from);
        await foreach (TaskRun run in log.Queries.StreamAsync(new RunFilter { Sources = [source], Workers = [worker], From = Instant.Min(from.At, missed) }, cancel))
        {
            // Of a run of which only a record is left the end is all that is known.
            if (run.Task is { } task && begun.TryGetValue(task, out long starts) && (run.Started ?? run.Finished) is { } at && at > from.At && at <= to.At)
            {
                begun[task] = starts - 1;
            }
        }
        return [.. begun.Where(task => task.Value > 0).OrderByDescending(task => task.Value).ThenBy(task => task.Key, StringComparer.Ordinal)];
    }

    void Note(string worker, StartTotal total)
    {
        bool isKnown = _workers.TryGetValue(worker, out (StartTotal? Before, StartTotal Now) known);
        if (!isKnown)
        {
            WorkerNames.MakeRoom(_workers, one => one.Now.At);
        }
        _workers[worker] = (isKnown ? known.Now : null, total);
    }

    static IEnumerable<(string Worker, StartTotal Total)> Read(string text)
    {
        try
        {
            return (JsonSerializer.Deserialize<Dictionary<string, Kept>>(text) ?? []).Where(one => one.Value?.Tasks is not null)
                .Select(one => (one.Key, new StartTotal(new Instant(one.Value.At), one.Value.Pid, one.Value.Tasks!)));
        }
        catch (JsonException)
        {
            return [];
        }
    }

    sealed record Kept(long At, long? Pid, IReadOnlyDictionary<string, long>? Tasks);
}

/// <summary>What a worker said of the runs that it has begun since its own start.</summary>
/// <param name="At">When it said so.</param>
/// <param name="Pid">Its process: a new one begins at none.</param>
/// <param name="Tasks">Runs by task.</param>
sealed record StartTotal(Instant At, long? Pid, IReadOnlyDictionary<string, long> Tasks)
{
    // Names of tasks are input from outside; no application has so many.
    const int MostTasks = 1000;

    public static StartTotal Of(WorkerStats stats, Instant at) => new(at, stats.Pid, stats.Totals.Take(MostTasks).ToDictionary(StringComparer.Ordinal));

    /// <summary>Runs that it has begun since an earlier account, by task.</summary>
    public Dictionary<string, long> Since(StartTotal earlier) => Tasks.ToDictionary(
        task => task.Key, task => task.Value - (Pid == earlier.Pid ? earlier.Tasks.GetValueOrDefault(task.Key) : 0), StringComparer.Ordinal);
}
