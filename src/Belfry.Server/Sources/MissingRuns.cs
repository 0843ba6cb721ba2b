using Belfry.Celery.Reconciling;
using Belfry.Storage;

namespace Belfry.Server.Sources;

/// <summary>Finds the runs of which events may be missing, and puts them into the book.</summary>
sealed class MissingRuns(SourceSettings settings, ClusterEvidence evidence, RunLog log, TimeProvider clock)
{
    const int Page = 1000;

    // Gaps of a burst come one after the other.
    static readonly TimeSpan Calm = TimeSpan.FromMilliseconds(200), LongestStorm = TimeSpan.FromSeconds(5);

    // The last beats of workers that lived lie so close together.
    static readonly TimeSpan LastBeats = TimeSpan.FromSeconds(10);

    // Those that settle nothing are asked less and less.
    static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5), LongestPause = TimeSpan.FromSeconds(300);

    // Looking through all open runs is work; at most a twentieth of the time goes to it.
    static readonly TimeSpan BetweenSweeps = TimeSpan.FromSeconds(5);
    const int SweepShare = 20;

    static readonly RunState[] Open = [RunState.Pending, RunState.Queued, RunState.Running];

    readonly Lock _lock = new(); // events come on one thread, questions on another
    readonly StreamSigns _signs = new();
    readonly Dictionary<string, long> _starts = new(StringComparer.Ordinal);
    readonly Dictionary<string, (Instant Next, TimeSpan Pause)> _pauses = new(StringComparer.Ordinal); // bounded by the number of workers
    Gap? _gap;
    Instant _firstMissed, _lastMissed, _nextSweep;

    /// <summary>The latest gap.</summary>
    public Gap? LastGap { get; private set; }

    /// <summary>A gap waits for others to join it.</summary>
    public bool IsHurried
    {
        get
        {
            lock (_lock)
            {
                return _gap is not null;
            }
        }
    }

    /// <summary>Learns what workers had counted when the log last heard of them.</summary>
    public async Task LearnAsync(CancellationToken cancel)
    {
        WorkerStatus[] workers = [.. (await log.Queries.WorkersAsync(cancel)).Where(worker => string.Equals(worker.Source, settings.Name, StringComparison.Ordinal))];
        Dictionary<string, long> seen = await SeenSinceAsync(workers, cancel);
        lock (_lock)
        {
            foreach (WorkerStatus worker in workers)
            {
                _signs.Learn(worker.Name, worker.Beat, seen.GetValueOrDefault(worker.Name));
            }
        }
    }

    /// <summary>Starts that the log has of workers after their last beats.</summary>
    async Task<Dictionary<string, long>> SeenSinceAsync(WorkerStatus[] workers, CancellationToken cancel)
    {
        var seen = new Dictionary<string, long>(StringComparer.Ordinal);
        Dictionary<string, Instant> beats = workers.Where(worker => worker.Online).ToDictionary(worker => worker.Name, worker => worker.LastBeat, StringComparer.Ordinal);
        if (beats.Count == 0)
        {
            return seen;
        }
        var since = new RunFilter { Sources = [settings.Name], From = beats.Values.Max() - LastBeats };
        await foreach (TaskRun run in log.Queries.StreamAsync(since, cancel))
        {
            if (run.Worker is { } worker && beats.TryGetValue(worker, out Instant beat) && run.Started > beat && run.Reconciled == RunParts.None)
            {
                seen[worker] = seen.GetValueOrDefault(worker) + 1;
            }
        }
        return seen;
    }

    /// <summary>Hears what the stream brought.</summary>
    public void Hear(IReadOnlyList<TaskEvent> events)
    {
        lock (_lock)
        {
            _signs.Hear(events);
        }
    }

    /// <summary>Something was missed.</summary>
    public void Miss(Gap gap)
    {
        lock (_lock)
        {
            _lastMissed = Instant.Now(clock);
            _firstMissed = _gap is null ? _lastMissed : _firstMissed;
            _gap = _gap is { } other ? new Gap(Instant.Min(other.From, gap.From), Instant.Max(other.To, gap.To)) : gap;
        }
    }

    /// <summary>Starts that workers counted and nobody saw, since this was last asked.</summary>
    public IReadOnlyDictionary<string, long> TakeStarts()
    {
        lock (_lock)
        {
            var taken = new Dictionary<string, long>(_starts, StringComparer.Ordinal);
            _starts.Clear();
            return taken;
        }
    }

    /// <summary>What came of a question: a worker whose missing events it explained is listened to closely again.</summary>
    public void Settle(Answer answer)
    {
        if (answer is not { Known.Worker: { } worker, Concluded.Facts.Count: > 0 })
        {
            return;
        }
        lock (_lock)
        {
            _signs.Forget(worker, answer.Inquiry.Id);
            _pauses.Remove(worker);
        }
    }

    /// <summary>Puts into the book what is to be asked now.</summary>
    public async Task AskAsync(InquiryBook book, WorkerWatch watch, CancellationToken cancel)
    {
        Instant now = Instant.Now(clock);
        (Signs signs, Gap? gap) = Take(now);
        if (gap is not null || signs.Returned.Count > 0)
        {
            await AskForOpenAsync(book, gap, _ => now, cancel);
            await AskForUnknownAsync(book, gap, watch, cancel);
        }
        if (gap is { } missed)
        {
            LastGap = missed;
            await AskForRecordsAsync(book, missed, cancel);
        }
        await AskForWorkersAsync(book, signs, now, cancel);
        if (now >= _nextSweep)
        {
            long began = clock.GetTimestamp();
            await AskForOpenAsync(book, null, InquiryBook.FirstDue, cancel);
            TimeSpan pause = clock.GetElapsedTime(began) * SweepShare;
            _nextSweep = Instant.Now(clock) + (pause > BetweenSweeps ? pause : BetweenSweeps);
        }
    }

    (Signs Signs, Gap? Gap) Take(Instant now)
    {
        lock (_lock)
        {
            Signs signs = _signs.Take();
            foreach ((string worker, long starts) in signs.Starts)
            {
                _starts[worker] = _starts.GetValueOrDefault(worker) + starts;
            }
            bool isCalm = now - _lastMissed >= Calm || now - _firstMissed >= LongestStorm;
            Gap? gap = isCalm ? _gap : null;
            _gap = isCalm ? null : _gap;
            return (signs, gap);
        }
    }

    /// <summary>Open runs that are due by this measure.</summary>
    async Task AskForOpenAsync(InquiryBook book, Gap? gap, Func<TaskRun, Instant> due, CancellationToken cancel)
    {
        var open = new RunFilter { States = Open, Sources = [settings.Name] };
        string? cursor = null;
        do
        {
            RunPage page = await log.Queries.PageAsync(open, Page, cursor, null, cancel);
            Instant now = Instant.Now(clock);
            foreach (TaskRun run in page.Items.Where(run => due(run) <= now && (gap is not null || !book.Has(run.Id))))
            {
                book.Ask(run.Id, gap, now);
            }
            cursor = page.Next;
        }
        while (cursor is not null);
    }

    /// <summary>Runs that workers or the broker have and of which the log knows nothing, or that they have ended.</summary>
    async Task AskForUnknownAsync(InquiryBook book, Gap? gap, WorkerWatch watch, CancellationToken cancel)
    {
        Instant now = Instant.Now(clock);
        var standings = new WorkerStandings(watch.Snapshot(now), watch.UnbrokenSince, now);
        BrokerLook look = evidence.IsRabbitMq ? new BrokerLook() : await evidence.LookAsync(null, [], cancel);
        WorkerAnswers answers = await evidence.AskAsync(null, standings.Beating, [], cancel);
        await AskUnlessEndedAsync(book, gap, [.. look.Queued.Keys.Union(look.Unacked.Keys).Union(answers.Runs)], cancel);
    }

    /// <summary>Runs whose records were written in the gap.</summary>
    async Task AskForRecordsAsync(InquiryBook book, Gap gap, CancellationToken cancel)
    {
        await foreach (IReadOnlyList<string> ids in evidence.FindRecordsAsync(gap.From, null, cancel))
        {
            await AskUnlessEndedAsync(book, gap, ids, cancel);
        }
    }

    async Task AskUnlessEndedAsync(InquiryBook book, Gap? gap, IReadOnlyList<string> ids, CancellationToken cancel)
    {
        IReadOnlyList<string> strange = [.. ids.Where(id => !book.Has(id))];
        IReadOnlyDictionary<string, TaskRun> known = await log.Queries.NewestAsync(settings.Name, strange, cancel);
        Instant now = Instant.Now(clock);
        // What has ended for good is not asked about; an attempt that is retried or lost may have a later one, and one that is open was not yet in the log before.
        foreach (string id in strange.Where(id => !known.TryGetValue(id, out TaskRun? run) || !run.State.IsFinal() || run.State is RunState.Retried or RunState.Lost))
        {
            book.Ask(id, gap, now);
        }
    }

    /// <summary>Runs of workers that count otherwise than we do.</summary>
    async Task AskForWorkersAsync(InquiryBook book, Signs signs, Instant now, CancellationToken cancel)
    {
        foreach (string worker in signs.Ends)
        {
            IReadOnlyCollection<string> running;
            lock (_lock)
            {
                running = MayAsk(worker, now) ? [.. _signs.RunningAt(worker)] : [];
            }
            foreach (string id in running)
            {
                book.Ask(id, null, now);
            }
        }
        foreach (string worker in signs.Starts.Keys)
        {
            if (!MayAsk($"{worker} starts", now))
            {
                continue;
            }
            foreach (TaskRun run in await log.OpenRunsOfAsync(settings.Name, worker, cancel))
            {
                if (run.State == RunState.Queued)
                {
                    book.Ask(run.Id, null, now);
                }
            }
        }
    }

    bool MayAsk(string what, Instant now)
    {
        (Instant Next, TimeSpan Pause) known = _pauses.GetValueOrDefault(what, (now, FirstPause));
        if (now < known.Next)
        {
            return false;
        }
        TimeSpan longer = known.Pause * 2;
        _pauses[what] = (now + known.Pause, longer < LongestPause ? longer : LongestPause);
        return true;
    }
}
