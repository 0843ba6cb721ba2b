namespace Belfry;

/// <summary>Hears what others do, the log's other writers and those who register tasks, and tells the loop what concerns it.</summary>
sealed class SchedulerEars : IDisposable
{
    const int MostWaiting = 100_000; // changes of the log that the loop has not taken yet; beyond, it reads again what it needs
    readonly SchedulerParts _parts;
    readonly SchedulerLoop _loop;
    readonly IDisposable _watch;
    volatile HashSet<string> _asked = []; // names that conditions ask about; replaced, never changed
    int _waiting;

    public SchedulerEars(SchedulerParts parts, SchedulerLoop loop)
    {
        (_parts, _loop) = (parts, loop);
        _watch = parts.Log.Watch(Heard);
        parts.Tasks.Changed += Changed;
    }

    /// <summary>Conditions ask about these.</summary>
    public void Ask(IEnumerable<string> names) => _asked = [.. names];

    /// <inheritdoc/>
    public void Dispose()
    {
        _parts.Tasks.Changed -= Changed;
        _watch.Dispose();
    }

    void Heard(LogChange change)
    {
        bool concerns = change.IsGap || (change.Run is { Task: { } name } run ? Concerns(name) && !IsOurs(run) : change.Gone?.Task is { } gone && Concerns(gone));
        if (!concerns)
        {
            return;
        }
        int waiting = Interlocked.Increment(ref _waiting);
        if (change.Run is { } known && waiting <= MostWaiting)
        {
            _loop.Post(() =>
            {
                Interlocked.Decrement(ref _waiting);
                _loop.Learn(known);
            });
        }
        else
        {
            Interlocked.Decrement(ref _waiting);
            if (change.Gone is { } former)
            {
                _loop.Post(() => _loop.Forget(former));
            }
            _ = ReadAgainAsync(change.Gone?.Task);
        }
    }

    /// <summary>What is known of a task, or of all, is read again.</summary>
    async Task ReadAgainAsync(string? name)
    {
        try
        {
            Dictionary<string, Instant> wanted = await _loop.AskAsync(agenda => agenda.Histories.Wanted(name is null ? agenda.Histories.Names : [name], Instant.Now(_parts.Clock)));
            IReadOnlyDictionary<string, TaskHistory> histories = await _parts.Log.HistoriesAsync(wanted, _parts.Stopping);
            foreach ((string task, TaskHistory history) in histories)
            {
                _loop.Post(() => _loop.Put(task, history));
            }
        }
        catch (Exception unreadable)
        {
            _loop.Unheard(unreadable);
        }
    }

    void Changed(TaskChange change) => _ = TakeUpAsync(change);

    /// <summary>A task that comes is looked at when its past is known.</summary>
    async Task TakeUpAsync(TaskChange change)
    {
        try
        {
            IReadOnlyDictionary<string, TaskHistory> histories = new Dictionary<string, TaskHistory>();
            BookedTask? known = null;
            if (change.After is { } task)
            {
                Instant now = Instant.Now(_parts.Clock);
                known = (await _loop.Booking.RegisterAsync([task], now)).GetValueOrDefault(task.Name);
                histories = await _parts.Log.HistoriesAsync(Histories.WantedBy(task, now), _parts.Stopping);
            }
            _loop.Post(() => _loop.TakeUp(change, histories, known));
        }
        catch (Exception unreadable)
        {
            _loop.Unheard(unreadable);
            _loop.Post(() => _loop.TakeUp(change, new Dictionary<string, TaskHistory>(), null));
        }
    }

    /// <summary>A task that only runs when it is called concerns nobody unless a condition asks about it: there may be 100,000 such runs a second.</summary>
    bool Concerns(string name) => _asked.Contains(name) || (_parts.Tasks.Find(name) is { } task && task.Start != Conditions.Never);

    /// <summary>What this scheduler writes itself it knows before the log does.</summary>
    bool IsOurs(TaskRun run) => run.Worker == _parts.Options.ProcessName && run.Source == _parts.Options.Source && !PastRun.Of(run).Called;
}
