namespace Belfry.Server.Sources;

/// <summary>How the workers of a source stand: who beats, who is silent, and for how long.</summary>
/// <param name="workers">What was heard of them.</param>
/// <param name="unbrokenSince">Since when nothing was missed.</param>
/// <param name="now">Now.</param>
public sealed class WorkerStandings(IReadOnlyList<WatchedWorker> workers, Instant? unbrokenSince, Instant now)
{
    /// <summary>All of them, by name.</summary>
    public IReadOnlyDictionary<string, WatchedWorker> All { get; } = workers.ToDictionary(worker => worker.Name, StringComparer.Ordinal);

    /// <summary>Workers that beat.</summary>
    public IReadOnlyList<string> Beating { get; } = [.. workers.Where(worker => worker.Newest.Verdict == WorkerVerdict.Alive).Select(worker => worker.Name)];

    /// <summary>Workers that do not beat, and have not said that they stop.</summary>
    public IReadOnlyList<string> Silent { get; } =
        [.. workers.Where(worker => worker.Newest is { Verdict: not WorkerVerdict.Alive, Signs.LeftHeard: null }).Select(worker => worker.Name)];

    /// <summary>For how long the worker of a run was not heard.</summary>
    public TimeSpan Unheard(TaskRun? run) => unbrokenSince is not { } unbroken ? TimeSpan.Zero
        : run?.Worker is { } worker && All.TryGetValue(worker, out WatchedWorker? own) ? now - Instant.Max(unbroken, own.ProcessOf(run).LastHeard)
        : now - unbroken;
}

/// <summary>What was heard of a worker's processes, the newest last, and how each was judged.</summary>
/// <param name="Processes">One at least.</param>
public sealed record WatchedWorker(IReadOnlyList<(WorkerSigns Signs, WorkerVerdict Verdict)> Processes)
{
    /// <summary>Its node name.</summary>
    public string Name => Newest.Signs.Worker;

    /// <summary>The process that has the name now.</summary>
    public (WorkerSigns Signs, WorkerVerdict Verdict) Newest => Processes[^1];

    /// <summary>A run was begun by a process that another has followed under the same name.</summary>
    public bool IsOfEarlier(TaskRun run) => Processes.Count > 1 && BeganAt(run) < Newest.Signs.FirstSent;

    /// <summary>The process that began a run.</summary>
    public WorkerSigns ProcessOf(TaskRun run) =>
        IsOfEarlier(run) ? Processes.LastOrDefault(process => process.Signs.FirstSent <= BeganAt(run), Processes[0]).Signs : Newest.Signs;

    static Instant BeganAt(TaskRun run) => run.Started ?? run.Received ?? run.First;
}
