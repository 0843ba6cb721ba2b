namespace Belfry;

/// <summary>Hears what others do, the log's other writers and those who register tasks, and tells the loop what concerns it.</summary>
sealed class SchedulerEars : IDisposable
{
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);
    const int MostWaiting = 100_000; // changes of the log that the loop has not taken yet; beyond, it reads again what it needs
    readonly SchedulerParts _parts;
    readonly SchedulerLoop _loop;
    readonly IDisposable _watch;
    readonly HashSet<string> _unread = []; // tasks that are to be read again, "" for all; each read takes its own out
    volatile HashSet<string> _asked = []; // names that conditions ask about; replaced, never changed
    int _waiting;
    volatile bool _isOver;

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
        _isOver = true;
        _parts.Tasks.Changed -= Changed;
        _watch.Dispose();
    }

    bool IsOver => _isOver || _parts.Stopping.IsCancellationRequested;

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
            ReadAgain(change.Gone?.Task ?? "");
        }
    }

    /// <summary>Of many changes of a task, or of all, one read that has not begun tells them all.</summary>
    void ReadAgain(string name)
    {
        if (IsNew(name))
        {
            _ = ReadAgainAsync(name);
        }
    }

    /// <summary>What is known of a task, or of all, is read again.</summary>
    Task ReadAgainAsync(string name) => UntilReadAsync(
        async () =>
        {
            Dictionary<string, Instant> wanted = await _loop.AskAsync(agenda => agenda.Histories.Wanted(name.Length == 0 ? agenda.Histories.Names : [name], Instant.Now(_parts.Clock)));
            Begin(name);
            foreach ((string task, TaskHistory history) in await _parts.Log.HistoriesAsync(wanted, _parts.Stopping))
            {
                _loop.Post(() => _loop.Put(task, history));
            }
        },
        () => IsNew(name)); // else something changed meanwhile, and is read

    /// <summary>No read of it waits to begin.</summary>
    bool IsNew(string name)
    {
        lock (_unread)
        {
            return _unread.Add(name);
        }
    }

    /// <summary>What changes from here on asks for a read of its own.</summary>
    void Begin(string name)
    {
        lock (_unread)
        {
            _unread.Remove(name);
        }
    }

    void Changed(TaskChange change) => _ = TakeUpAsync(change);

    /// <summary>A task that comes is looked at when its past is known.</summary>
    Task TakeUpAsync(TaskChange change) => UntilReadAsync(
        async () =>
        {
            IReadOnlyDictionary<string, TaskHistory> histories = new Dictionary<string, TaskHistory>();
            BookedTask? known = null;
            if (change.After is { } task)
            {
                Instant now = Instant.Now(_parts.Clock);
                known = (await _loop.Booking.RegisterAsync([task], now)).GetValueOrDefault(task.Name);
                histories = await _parts.Log.HistoriesAsync(Histories.WantedBy(task, now), _parts.Stopping);
            }
            _loop.Post(() => _loop.Roster.TakeUp(change, histories, known, this));
        },
        () => true);

    /// <summary>Reads; where the log cannot be read, again in a while, if that is wanted then.</summary>
    async Task UntilReadAsync(Func<Task> read, Func<bool> isWanted)
    {
        while (!IsOver)
        {
            try
            {
                await read();
                return;
            }
            catch (Exception unreadable) when (!IsOver)
            {
                _loop.Unheard(unreadable);
            }
            catch (Exception)
            {
                return; // nobody wants it any more
            }
            await Task.Delay(Pause, _parts.Clock, _parts.Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!isWanted())
            {
                return;
            }
        }
    }

    /// <summary>A task that only runs when it is called concerns nobody unless a condition asks about it: there may be 100,000 such runs a second.</summary>
    bool Concerns(string name) => _asked.Contains(name) || (_parts.Tasks.Find(name) is { IsOnlyCalled: false });

    /// <summary>What this scheduler writes itself it knows before the log does.</summary>
    bool IsOurs(TaskRun run) => run.Worker == _parts.Options.ProcessName && run.Source == _parts.Options.Source && !PastRun.Of(run).Called;
}
