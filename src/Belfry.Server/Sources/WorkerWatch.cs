using Belfry.Storage;

namespace Belfry.Server.Sources;

/// <summary>Watches the workers of one source: hears every event, and from time to time judges who is gone.</summary>
/// <param name="source">The source.</param>
/// <param name="log">Takes the verdicts and what they mean for runs.</param>
/// <param name="lostAfter">How long an offline worker may be silent before its runs are lost.</param>
/// <param name="connected">Tells which of these workers are still connected to the broker, as far as anybody can say; null where nobody can.</param>
public sealed class WorkerWatch(
    string source, RunLog log, TimeSpan lostAfter, Func<IReadOnlyCollection<string>, CancellationToken, Task<IReadOnlySet<string>>>? connected = null)
{
    // Who is silent and connected is asked for again and again until it speaks.
    static readonly TimeSpan BetweenCalls = TimeSpan.FromSeconds(5);

    static readonly TimeSpan Forgotten = TimeSpan.FromDays(1);

    // Events come on one thread, judgements on another.
    readonly Lock _lock = new();
    readonly Dictionary<string, List<Process>> _workers = new(StringComparer.Ordinal);
    readonly HashSet<string> _unasked = new(StringComparer.Ordinal);
    Instant? _unbrokenSince;
    Instant _nextCall = new(long.MinValue);
    int _processes;

    /// <summary>Learns the workers that the log knows from before.</summary>
    public void Learn(IEnumerable<WorkerStatus> known)
    {
        lock (_lock)
        {
            foreach (WorkerStatus worker in known.Where(worker => string.Equals(worker.Source, source, StringComparison.Ordinal)))
            {
                var signs = new WorkerSigns(worker.Name, worker.Beat.Pid, worker.Beat.Frequency, worker.LastBeat, worker.LastBeat, worker.LastHeard);
                Add(new Process { Signs = signs, Verdict = WorkerVerdict.Unknown });
            }
        }
    }

    /// <summary>Something may have been missed until then: counting begins anew.</summary>
    public void Break(Instant unbrokenSince)
    {
        lock (_lock)
        {
            _unbrokenSince = unbrokenSince;
        }
    }

    /// <summary>Hears events, in the order of their arrival.</summary>
    public void Hear(IReadOnlyList<TaskEvent> events, Instant arrived)
    {
        lock (_lock)
        {
            foreach (TaskEvent item in events)
            {
                if (item.Worker is not null && item.Kind is not EventKind.Submitted)
                {
                    Hear(item, arrived);
                }
            }
        }
    }

    /// <summary>Workers that came, or were heard for the first time, since this was last asked.</summary>
    public IReadOnlyCollection<string> TakeNewcomers()
    {
        lock (_lock)
        {
            string[] workers = [.. _unasked];
            _unasked.Clear();
            return workers;
        }
    }

    /// <summary>Since when nothing was missed; null while that is not known.</summary>
    public Instant? UnbrokenSince
    {
        get
        {
            lock (_lock)
            {
                return _unbrokenSince;
            }
        }
    }

    /// <summary>What was heard of every worker's processes, the newest of each last, and how each was judged.</summary>
    public IReadOnlyList<WatchedWorker> Snapshot(Instant now)
    {
        lock (_lock)
        {
            return [.. _workers.Values.Select(all => new WatchedWorker(all.ConvertAll(one => (one.Signs, Liveness.Judge(one.Signs, _unbrokenSince, now, lostAfter)))))];
        }
    }

    /// <summary>Judges all workers as of now, and logs what changed: who is online, and what happened to the runs of those who are gone.</summary>
    /// <param name="listeningSince">Since when the source is listened to; null while it is not, and then nothing is judged.</param>
    /// <param name="now">Everything that arrived until then was read.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>The runs of those: what became of them may be known elsewhere.</returns>
    public async Task<IReadOnlyList<string>> JudgeAsync(Instant? listeningSince, Instant now, CancellationToken cancel)
    {
        var concerned = new List<string>();
        foreach (Change change in await WithoutConnectedAsync(Changes(listeningSince, now), now, cancel))
        {
            if (change.IsNewest)
            {
                log.JudgeWorker(source, change.Signs.Worker, change.Verdict == WorkerVerdict.Alive);
            }
            if (change.Verdict >= WorkerVerdict.Left)
            {
                IReadOnlyList<TaskRun> open = await log.Queries.OpenRunsOfAsync(source, change.Signs.Worker, cancel);
                TaskEvent[] inferred = [.. Liveness.Consequences(change.Signs, change.Verdict, change.Successor, open)];
                if (inferred.Length > 0)
                {
                    await log.AppendAsync(inferred, cancel);
                    concerned.AddRange(inferred.Select(fact => fact.Id));
                }
            }
            Settle(change);
        }
        return concerned;
    }

    /// <summary>A worker that is silent while its connection stands is offline and not gone: a solo pool says nothing while it works.</summary>
    async Task<IEnumerable<Change>> WithoutConnectedAsync(List<Change> changes, Instant now, CancellationToken cancel)
    {
        HashSet<string> silent = [.. changes.Where(IsSilent).Select(change => change.Signs.Worker)];
        if (connected is null || silent.Count == 0)
        {
            return changes;
        }
        IReadOnlySet<string> found = silent;
        if (now >= _nextCall)
        {
            _nextCall = now + BetweenCalls;
            found = await connected(silent, cancel);
        }
        return changes
            .Select(change => IsSilent(change) && found.Contains(change.Signs.Worker) ? change with { Verdict = WorkerVerdict.Offline } : change)
            .Where(change => change.Verdict != change.Process.Verdict);
    }

    static bool IsSilent(Change change) => change is { Verdict: WorkerVerdict.Gone, IsNewest: true, Signs.LeftHeard: null };

    void Hear(TaskEvent item, Instant arrived)
    {
        // Only beats carry a pid; other signs are of whoever beat last.
        int? pid = item.Beat?.Pid;
        Process? process = _workers.TryGetValue(item.Worker!, out List<Process>? all) ? all.FindLast(one => pid is null || one.Signs.Pid is null || one.Signs.Pid == pid) : null;
        if (process is null)
        {
            process = new Process { Signs = new WorkerSigns(item.Worker!, pid, null, item.Shown, item.Shown, arrived) };
            Add(process);
            _unasked.Add(item.Worker!);
        }
        if (item.Kind == EventKind.WorkerOnline)
        {
            _unasked.Add(item.Worker!);
        }
        process.Signs = process.Signs.With(item, arrived);
    }

    void Add(Process process)
    {
        // A name may have several processes.
        foreach ((_, List<Process> silent) in _processes < WorkerNames.Most ? [] : WorkerNames.Oldest(_workers, all => all[^1].Signs.LastHeard))
        {
            Forget(silent);
        }
        if (!_workers.TryGetValue(process.Signs.Worker, out List<Process>? all))
        {
            _workers[process.Signs.Worker] = all = [];
        }
        all.Add(process);
        _processes++;
    }

    void Forget(List<Process> all)
    {
        _workers.Remove(all[0].Signs.Worker);
        _processes -= all.Count;
    }

    List<Change> Changes(Instant? listeningSince, Instant now)
    {
        lock (_lock)
        {
            var changes = new List<Change>();
            // After a reconnection its break is still on its way to us, behind the events that came before it.
            Instant? unbroken = _unbrokenSince >= listeningSince ? _unbrokenSince : null;
            foreach (List<Process> all in _workers.Values.ToArray())
            {
                if (now - all[^1].Signs.LastHeard > Forgotten && all[^1].Verdict == WorkerVerdict.Gone)
                {
                    Forget(all);
                    continue;
                }
                for (int i = 0; i < all.Count; i++)
                {
                    WorkerVerdict verdict = Liveness.Judge(all[i].Signs, unbroken, now, lostAfter);
                    if (verdict != WorkerVerdict.Unknown && verdict != all[i].Verdict)
                    {
                        bool newest = i == all.Count - 1;
                        changes.Add(new Change(all[i], all[i].Signs, verdict, newest ? null : all[i + 1].Signs.FirstSent, newest));
                    }
                }
            }
            return changes;
        }
    }

    // Only now, so that what failed half-way is judged again.
    void Settle(Change change)
    {
        lock (_lock)
        {
            change.Process.Verdict = change.Verdict;
            if (change is { Verdict: WorkerVerdict.Gone, IsNewest: false } && _workers.TryGetValue(change.Signs.Worker, out List<Process>? all))
            {
                _processes -= all.Remove(change.Process) ? 1 : 0;
            }
        }
    }

    sealed class Process
    {
        public required WorkerSigns Signs { get; set; }

        public WorkerVerdict Verdict { get; set; }
    }

    sealed record Change(Process Process, WorkerSigns Signs, WorkerVerdict Verdict, Instant? Successor, bool IsNewest);
}
