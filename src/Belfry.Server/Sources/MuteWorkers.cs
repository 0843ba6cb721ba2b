namespace Belfry.Server.Sources;

/// <summary>Notices workers that take tasks and send no events of them: what they count grows from beat to beat, and nothing else is heard of them.</summary>
/// <remarks>Heartbeats overtake the events of tasks, which wait in a buffer; and what is missed in a gap says nothing of a worker.</remarks>
sealed class MuteWorkers
{
    // Events come within a beat or two of what they tell.
    const int BeatsOfSilence = 3;

    readonly Lock _lock = new(); // events come on one thread, pages ask on others
    readonly Dictionary<string, Tally> _workers = new(StringComparer.Ordinal); // bounded by WorkerNames.Most

    string? _spoke;
    long _beats; // heard so far

    /// <summary>They, sorted.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            lock (_lock)
            {
                return [.. _workers.Where(worker => worker.Value.Silent >= BeatsOfSilence).Select(worker => worker.Key).Order(StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>Hears events, in the order of their arrival.</summary>
    /// <param name="events">They.</param>
    /// <param name="broken">Something may be missing before them.</param>
    public void Hear(IReadOnlyList<TaskEvent> events, bool broken)
    {
        lock (_lock)
        {
            if (broken)
            {
                _workers.Clear();
            }
            foreach (TaskEvent item in events)
            {
                if (item.Worker is { } worker && item.Kind != EventKind.Submitted)
                {
                    Hear(worker, item);
                }
            }
        }
    }

    void Hear(string worker, TaskEvent item)
    {
        switch (item.Kind)
        {
            case EventKind.WorkerOnline or EventKind.WorkerHeartbeat when item.Beat is { Processed: { } processed } beat:
                Beats(worker, item.Kind == EventKind.WorkerOnline, beat.Pid, processed);
                break;
            case EventKind.WorkerOnline or EventKind.WorkerHeartbeat:
                break;
            default:
                Speaks(worker);
                break;
        }
    }

    /// <summary>Once it has begun something each beat without a word about it counts.</summary>
    void Beats(string worker, bool comes, int? pid, long processed)
    {
        bool isKnown = _workers.TryGetValue(worker, out Tally? known);
        if (!isKnown)
        {
            WorkerNames.MakeRoom(_workers, one => one.Beat);
        }
        _beats++;
        _workers[worker] = isKnown && !comes && known!.Pid == pid
            ? known with { Silent = processed > known.Counted ? known.Silent + 1 : 0, Beat = _beats }
            : new Tally(pid, processed, 0, _beats);
        _spoke = null;
    }

    /// <summary>It is counted anew from its next beat on. Of a million events hardly one is by another worker than the one before it, or after a beat.</summary>
    void Speaks(string worker)
    {
        if (!ReferenceEquals(worker, _spoke))
        {
            _workers.Remove(worker);
            _spoke = worker;
        }
    }

    /// <summary>What a worker counts.</summary>
    /// <param name="Pid">Its process.</param>
    /// <param name="Counted">What it had begun when nothing was missing.</param>
    /// <param name="Silent">Beats since it began more.</param>
    /// <param name="Beat">Which of all beats was its last.</param>
    sealed record Tally(int? Pid, long Counted, int Silent, long Beat);
}
