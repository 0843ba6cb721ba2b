namespace Belfry.Celery.Reconciling;

/// <summary>Notices from the stream itself that something of it is missing: a worker counts more starts than were seen, or fewer runs at work.</summary>
/// <remarks>
/// Heartbeats overtake the events of tasks, which wait in a buffer, so only what two beats running show counts. Jumps of Celery's logical clock are
/// no sign: they occur in streams that are whole.
/// </remarks>
public sealed class StreamSigns
{
    // A pool is smaller; whoever leaves more open than this does not count right.
    const int MostRunning = 10_000;

    readonly Dictionary<string, Tally> _workers = new(StringComparer.Ordinal); // bounded by WorkerNames.Most
    Dictionary<string, long> _starts = new(StringComparer.Ordinal);
    HashSet<string> _ends = new(StringComparer.Ordinal), _returned = new(StringComparer.Ordinal);
    long _heard; // events

    /// <summary>What is known of a worker from before: the log's last beat of it, and how many starts were seen after that.</summary>
    public void Learn(string worker, WorkerBeat beat, long seen)
    {
        if (beat.Processed is { } processed)
        {
            Tally tally = Of(worker);
            (tally.Pid, tally.Counted, tally.Seen) = (beat.Pid, processed, seen);
        }
    }

    /// <summary>Hears events, in the order of their arrival.</summary>
    public void Hear(IReadOnlyList<TaskEvent> events)
    {
        foreach (TaskEvent item in events)
        {
            if (item.Worker is not null && item.Kind != EventKind.Submitted)
            {
                Hear(item, Of(item.Worker));
            }
        }
    }

    /// <summary>What became of a run is known otherwise: its worker is not expected to have it.</summary>
    public void Forget(string worker, string id) => _workers.GetValueOrDefault(worker)?.Running.Remove(id);

    /// <summary>Runs of a worker that are at work as far as was seen.</summary>
    public IReadOnlyCollection<string> RunningAt(string worker) => _workers.TryGetValue(worker, out Tally? tally) ? tally.Running : [];

    /// <summary>What was noticed since this was last asked.</summary>
    public Signs Take()
    {
        var signs = new Signs(_starts, _ends, _returned);
        (_starts, _ends, _returned) = (new(StringComparer.Ordinal), new(StringComparer.Ordinal), new(StringComparer.Ordinal));
        return signs;
    }

    Tally Of(string worker)
    {
        if (!_workers.TryGetValue(worker, out Tally? tally))
        {
            WorkerNames.MakeRoom(_workers, one => one.Heard);
            _workers[worker] = tally = new Tally();
        }
        tally.Heard = ++_heard;
        return tally;
    }

    void Hear(TaskEvent item, Tally tally)
    {
        switch (item.Kind)
        {
            case EventKind.Received when tally.Waiting.Count < MostRunning:
                tally.Waiting.Add(item.Id);
                break;
            case EventKind.Started:
                tally.Seen++;
                tally.Waiting.Remove(item.Id);
                if (tally.Running.Count < MostRunning)
                {
                    tally.Running.Add(item.Id);
                }
                break;
            case EventKind.WorkerOnline or EventKind.WorkerHeartbeat:
                Beat(item.Worker!, item.Kind == EventKind.WorkerOnline, item.Beat, tally);
                break;
            case EventKind.Requeued or EventKind.Cancelled:
                tally.Running.Remove(item.Id);
                tally.Waiting.Remove(item.Id);
                break;
            case { } kind when kind.IsOutcome():
                // An end without a start: a pool of threads loses some. The run is known, so it is none of those that went by unseen.
                tally.Seen += !tally.Running.Remove(item.Id) && tally.Waiting.Remove(item.Id) ? 1 : 0;
                break;
        }
    }

    void Beat(string worker, bool comes, WorkerBeat? beat, Tally tally)
    {
        bool isNew = beat?.Pid is { } pid && tally.Pid is { } known && pid != known;
        if (isNew)
        {
            // Two processes of one name beat by turns, and cannot be told apart by what they count.
            tally.IsShared |= beat!.Pid == tally.PidBefore;
            tally.Begin();
            tally.PidBefore = tally.Pid;
        }
        if ((isNew || (comes && tally.Pid is not null)) && !tally.IsShared)
        {
            _returned.Add(worker);
        }
        tally.Pid = beat?.Pid ?? tally.Pid;
        // A beat that was asked for has no figures.
        if (beat is { Processed: { } processed, Active: { } active } && !tally.IsShared)
        {
            Count(worker, tally, processed, active);
        }
    }

    void Count(string worker, Tally tally, long processed, long active)
    {
        tally.Counted ??= processed;
        long missing = Math.Max(0, processed - tally.Counted.Value - tally.Seen), lost = Math.Min(missing, tally.Missing);
        if (lost > 0)
        {
            _starts[worker] = _starts.GetValueOrDefault(worker) + lost;
            tally.Seen += lost;
        }
        tally.Missing = missing - lost;
        bool tooMany = tally.Running.Count > active;
        if (tooMany && tally.HadTooMany)
        {
            _ends.Add(worker);
        }
        tally.HadTooMany = tooMany;
    }

    sealed class Tally
    {
        /// <summary>Which event was the last of it.</summary>
        public long Heard { get; set; }

        public int? Pid { get; set; }

        public int? PidBefore { get; set; }

        public bool IsShared { get; set; }

        /// <summary>What it had counted when we began to.</summary>
        public long? Counted { get; set; }

        /// <summary>Starts seen since.</summary>
        public long Seen { get; set; }

        /// <summary>Starts that were missing at its last beat.</summary>
        public long Missing { get; set; }

        public HashSet<string> Running { get; } = new(StringComparer.Ordinal); // bounded by MostRunning

        /// <summary>Runs that it has received and not begun, as far as was seen.</summary>
        public HashSet<string> Waiting { get; } = new(StringComparer.Ordinal); // bounded by MostRunning

        public bool HadTooMany { get; set; }

        /// <summary>A process begins to count at none.</summary>
        public void Begin()
        {
            (Counted, Seen, Missing, HadTooMany) = (0, 0, 0, false);
            Running.Clear();
            Waiting.Clear();
        }
    }
}

/// <summary>What the stream shows to be missing.</summary>
/// <param name="Starts">So many starts of a worker were not seen.</param>
/// <param name="Ends">Workers that have fewer runs at work than we know of: an end was not seen.</param>
/// <param name="Returned">Workers that came back: a new process, or after a lost connection; what they held they may have forgotten.</param>
public sealed record Signs(IReadOnlyDictionary<string, long> Starts, IReadOnlyCollection<string> Ends, IReadOnlyCollection<string> Returned)
{
    /// <summary>Nothing was noticed.</summary>
    public bool IsEmpty => Starts.Count == 0 && Ends.Count == 0 && Returned.Count == 0;
}
