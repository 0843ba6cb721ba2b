using Belfry.Celery.Reconciling;
using Belfry.Storage;

namespace Belfry.Server.Sources;

/// <summary>Finds the runs of which events may be missing, and puts them into the book.</summary>
sealed class MissingRuns(SourceSettings settings, ClusterEvidence evidence, RunLog log, TimeProvider clock)
{
    const int Page = 1000;

    // A gap may have any number of runs: after so many those that were found are asked about before more are looked for.
    const int MostWaiting = 10_000;

    // One worker may have held very many; beyond so many the sweep of open runs asks for those that wait again.
    const int MostDoubtful = 50_000;

    // The last beats of workers that lived lie so close together.
    static readonly TimeSpan LastBeats = TimeSpan.FromSeconds(10);

    // Those that settle nothing are asked less and less.
    static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5), LongestPause = TimeSpan.FromSeconds(300);

    // Names of workers are input from outside, and new with every container: beyond so many those that nobody asked about for long are forgotten.
    const int MostPauses = 1000;

    // Looking through all open runs is work; at most a twentieth of the time goes to it.
    static readonly TimeSpan BetweenSweeps = TimeSpan.FromSeconds(5);
    const int SweepShare = 20;

    // While records are searched for others are due, too.
    static readonly TimeSpan BetweenVisits = TimeSpan.FromSeconds(1);

    static readonly RunState[] Open = [RunState.Pending, RunState.Queued, RunState.Running];

    readonly Lock _lock = new(); // events come on one thread, questions on another
    readonly StreamSigns _signs = new();
    readonly Dictionary<string, long> _starts = new(StringComparer.Ordinal);
    readonly Dictionary<string, (Instant Next, TimeSpan Pause)> _pauses = new(StringComparer.Ordinal); // emptied by MayAsk
    readonly Unheard _unheard = new(clock);
    readonly UnsearchedGap _unsearched = new();
    readonly List<string> _doubtful = []; // bounded by MostDoubtful; emptied by TakeDoubtful
    Instant _nextSweep;
    int _waiting; // put into the book since room was made

    /// <summary>The latest gap.</summary>
    public Gap? LastGap { get; private set; }

    /// <summary>A gap waits for others to join it.</summary>
    public bool IsHurried => _unheard.IsHurried;

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

    /// <summary>What is known of these runs was concluded from silence.</summary>
    public void Doubt(IReadOnlyList<string> runs)
    {
        lock (_lock)
        {
            _doubtful.AddRange(runs.Take(MostDoubtful - _doubtful.Count));
        }
    }

    /// <summary>Something was missed.</summary>
    public void Miss(Gap gap) => _unheard.Miss(gap);

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
        bool settled = answer.Concluded.Facts.Count > 0;
        bool isElsewhere = answer.Concluded.Next == NextStep.Closed || answer.Inquiry.Rounds >= 2;
        if (answer.Known?.Worker is not { } worker || !(settled || isElsewhere))
        {
            return;
        }
        lock (_lock)
        {
            // Of one whose start came after its end, or that was found nowhere and cannot be given up, nothing else says that it is not there.
            _signs.Forget(worker, answer.Inquiry.Id);
            if (settled)
            {
                _pauses.Remove(worker);
                _pauses.Remove(StartsOf(worker));
            }
        }
    }

    /// <summary>Puts into the book what is to be asked now.</summary>
    /// <param name="book">The book.</param>
    /// <param name="watch">Knows the workers.</param>
    /// <param name="visits">Ask about those that are in the book by then.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task AskAsync(InquiryBook book, WorkerWatch watch, Visits visits, CancellationToken cancel)
    {
        Signs signs = TakeSigns();
        foreach (string id in TakeDoubtful())
        {
            book.Ask(id, null, Instant.Now(clock));
        }
        await AskForWorkersAsync(book, signs, Instant.Now(clock), cancel);
        if (_unheard.Take() is { } missed)
        {
            try
            {
                await AskForMissedAsync(book, missed.Gap, watch, visits, cancel);
            }
            catch
            {
                _unheard.GiveBack(missed);
                throw;
            }
        }
        if (_unsearched.IsDue(signs, watch, Instant.Now(clock)) is { } gap)
        {
            await SearchAsync(book, gap, visits, cancel);
            _unsearched.Clear();
        }
        if (Instant.Now(clock) >= _nextSweep)
        {
            long began = clock.GetTimestamp();
            await AskForOpenAsync(book, null, InquiryBook.FirstDue, cancel);
            TimeSpan pause = clock.GetElapsedTime(began) * SweepShare;
            _nextSweep = Instant.Now(clock) + (pause > BetweenSweeps ? pause : BetweenSweeps);
        }
    }

    string[] TakeDoubtful()
    {
        lock (_lock)
        {
            string[] runs = [.. _doubtful];
            _doubtful.Clear();
            return runs;
        }
    }

    Signs TakeSigns()
    {
        lock (_lock)
        {
            Signs signs = _signs.Take();
            foreach ((string worker, long starts) in signs.Starts)
            {
                _starts[worker] = _starts.GetValueOrDefault(worker) + starts;
            }
            if (signs.Returned.Count > 0)
            {
                _unheard.Return();
            }
            return signs;
        }
    }

    /// <summary>What went by in a gap, and what workers that came back may have forgotten.</summary>
    async Task AskForMissedAsync(InquiryBook book, Gap? gap, WorkerWatch watch, Visits visits, CancellationToken cancel)
    {
        LastGap = gap ?? LastGap;
        Instant now = Instant.Now(clock);
        await AskForOpenAsync(book, gap, _ => now, cancel);
        // Most of what is open, and of what went by, is settled by its record at once: it does not wait for workers.
        await visits.Records(cancel);
        if (gap is { } missed && await evidence.IsSearchCheapAsync(cancel))
        {
            await SearchAsync(book, missed, visits, cancel);
        }
        else if (gap is { } dear)
        {
            _unsearched.Put(dear, now);
        }
        await visits.All(cancel);
        await AskForUnknownAsync(book, gap, watch, visits, cancel);
    }

    /// <summary>Runs of which a record was written in a gap.</summary>
    async Task SearchAsync(InquiryBook book, Gap gap, Visits visits, CancellationToken cancel)
    {
        long visited = clock.GetTimestamp();
        await foreach (IReadOnlyList<string> ids in evidence.FindRecordsAsync(gap.From, cancel))
        {
            await AskUnlessEndedAsync(book, gap, ids, visits, cancel);
            if (clock.GetElapsedTime(visited) >= BetweenVisits)
            {
                await visits.All(cancel);
                visited = clock.GetTimestamp();
            }
        }
        await visits.Records(cancel);
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
    async Task AskForUnknownAsync(InquiryBook book, Gap? gap, WorkerWatch watch, Visits visits, CancellationToken cancel)
    {
        Instant now = Instant.Now(clock);
        var standings = new WorkerStandings(watch.Snapshot(now), watch.UnbrokenSince, now);
        BrokerLook look = evidence.IsRabbitMq ? new BrokerLook() : await evidence.LookAsync(null, [], cancel);
        WorkerAnswers answers = await evidence.AskAsync(null, standings.Beating, [], cancel);
        foreach (string[] ids in look.Queued.Keys.Union(look.Unacked.Keys).Union(answers.Runs).Chunk(Page))
        {
            await AskUnlessEndedAsync(book, gap, ids, visits, cancel);
        }
    }

    async Task AskUnlessEndedAsync(InquiryBook book, Gap? gap, IReadOnlyList<string> ids, Visits visits, CancellationToken cancel)
    {
        if (_waiting >= MostWaiting)
        {
            await visits.All(cancel);
            _waiting = 0;
        }
        IReadOnlyList<string> strange = [.. ids.Where(id => !book.Has(id))];
        IReadOnlyDictionary<string, TaskRun> known = await log.Queries.NewestAsync(settings.Name, strange, cancel);
        Instant now = Instant.Now(clock);
        // What has ended for good is not asked about; an attempt that is retried or lost may have a later one, and one that is open was not yet in the log before.
        foreach (string id in strange.Where(id => !known.TryGetValue(id, out TaskRun? run) || !run.State.IsFinal() || run.State is RunState.Retried or RunState.Lost))
        {
            if (!book.Ask(id, gap, now))
            {
                log.Refuse(settings.Name, "run that may have gone by unheard, and of which too many others keep us from asking");
            }
            _waiting++;
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
                book.Hasten(id, now);
            }
        }
        foreach (string worker in signs.Starts.Keys)
        {
            if (!MayAsk(StartsOf(worker), now))
            {
                continue;
            }
            foreach (TaskRun run in await log.Queries.OpenRunsOfAsync(settings.Name, worker, cancel))
            {
                if (run.State == RunState.Queued)
                {
                    book.Hasten(run.Id, now);
                }
            }
        }
    }

    static string StartsOf(string worker) => $"{worker} starts";

    bool MayAsk(string what, Instant now)
    {
        if (_pauses.Count >= MostPauses)
        {
            foreach (string old in _pauses.Where(one => now - one.Value.Next > LongestPause).Select(one => one.Key).ToArray())
            {
                _pauses.Remove(old);
            }
        }
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

/// <summary>Asks about runs that are in the book and due.</summary>
/// <param name="Records">By their records alone, which tell at once.</param>
/// <param name="All">Wherever it needs be.</param>
sealed record Visits(Func<CancellationToken, Task> Records, Func<CancellationToken, Task> All);
