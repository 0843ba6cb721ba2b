namespace Belfry;

/// <summary>
/// The work queue of a log that has none of its own: what waits is in memory, what happens is told to the log. It ends with the process.
/// </summary>
/// <param name="append">Tells the log; what it is told is kept when this completes.</param>
/// <param name="clock">The clock.</param>
public sealed class MemoryWorkQueue(Func<IReadOnlyList<TaskEvent>, CancellationToken, Task> append, TimeProvider clock) : IWorkQueue, IDisposable
{
    /// <summary>A call with an idempotency key is known by it until so many later ones had keys, too: as many as a log in memory has ended runs.</summary>
    internal const int MostKeys = 100_000;

    readonly Lock _lock = new();
    readonly WaitingCalls _waiting = new();
    readonly Dictionary<string, WaitingCall> _calls = []; // that wait or are at work; their end empties it
    readonly HashSet<string> _keyed = [];                 // ids made of callers' keys; bounded by MostKeys
    readonly Queue<string> _keys = [];                    // the same, the oldest first; Remember empties it
    readonly List<Asking> _asking = [];                   // workers that wait for calls; their answer empties it
    ITimer? _alarm;
    long _arrivals;

    /// <inheritdoc/>
    public bool IsShared => false;

    /// <inheritdoc/>
    public async Task<bool> PutAsync(QueuedCall call, CancellationToken cancel)
    {
        WaitingCall waiting;
        lock (_lock)
        {
            waiting = new WaitingCall { Queue = call.Queue, Task = call.Task, Number = ++_arrivals, Priority = call.Priority, Due = call.Due, Call = call };
            if ((call.IsKeyed && !_keyed.Add(call.Id)) || !_calls.TryAdd(call.Id, waiting))
            {
                return false;
            }
        }
        try
        {
            await append([CallEvents.Submitted(call)], cancel);
        }
        catch (Exception)
        {
            Withdraw(call); // whoever calls with the same key once more is the first
            throw;
        }
        Remember(call);
        await WaitAsync([waiting]);
        return true;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ClaimedCall>> ClaimAsync(WorkRoom room, CancellationToken cancel)
    {
        var asking = new Asking(room, new TaskCompletionSource<IReadOnlyList<ClaimedCall>>(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_lock)
        {
            _asking.Add(asking);
        }
        await AnswerAsync();
        await using (cancel.Register(() => GiveUp(asking)))
        {
            return await asking.Answer.Task;
        }
    }

    /// <inheritdoc/>
    public Task BeginAsync(ClaimedCall call, Instant started, CancellationToken cancel) => append([CallEvents.Started(call, started)], cancel);

    /// <inheritdoc/>
    public async Task EndAsync(ClaimedCall call, CallEnd end)
    {
        QueuedCall? next = CallEvents.Next(call, end);
        TaskEvent[] told = [CallEvents.Started(call, end.Started), CallEvents.Ended(call, end)];
        await append(next is null ? told : [.. told, CallEvents.Submitted(next, call.Attempt + 1)], CancellationToken.None);
        Forget(call.Call.Id);
        await (next is null ? AnswerAsync() : AgainAsync(next, call.Attempt + 1, call.Deaths + (end.Kind == EventKind.Lost ? 1 : 0)));
    }

    /// <inheritdoc/>
    public Task ReleaseAsync(IReadOnlyList<ClaimedCall> calls) => WaitAsync([.. calls.Select(call => (WaitingCall)call.Ticket!)]);

    /// <inheritdoc/>
    public async Task<bool> RevokeAsync(string id, CancellationToken cancel)
    {
        WaitingCall? waiting;
        lock (_lock)
        {
            if (!_calls.TryGetValue(id, out waiting) || waiting.IsClaimed)
            {
                return false;
            }
            waiting.IsGone = true;
            _calls.Remove(id);
        }
        await append([CallEvents.Cancelled(id, waiting.Attempt, CallEvents.Revoked, Instant.Now(clock))], cancel);
        return true;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, int>> WaitingAsync(CancellationToken cancel)
    {
        lock (_lock)
        {
            return Task.FromResult<IReadOnlyDictionary<string, int>>(
                _calls.Values.Where(call => !call.IsClaimed).GroupBy(call => call.Queue).ToDictionary(queue => queue.Key, queue => queue.Count()));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _alarm?.Dispose();

    Task AgainAsync(QueuedCall call, int attempt, int deaths)
    {
        WaitingCall waiting;
        lock (_lock)
        {
            waiting = new WaitingCall { Queue = call.Queue, Task = call.Task, Number = ++_arrivals, Priority = call.Priority, Due = call.Due, Attempt = attempt, Deaths = deaths, Call = call };
            _calls.Add(call.Id, waiting);
        }
        return WaitAsync([waiting]);
    }

    Task WaitAsync(IReadOnlyList<WaitingCall> calls)
    {
        lock (_lock)
        {
            foreach (WaitingCall call in calls)
            {
                call.IsClaimed = false;
                _waiting.Add(call, Instant.Now(clock));
            }
        }
        return AnswerAsync();
    }

    /// <summary>Gives those who ask what there is for them, and cancels what came to its end meanwhile.</summary>
    async Task AnswerAsync()
    {
        Instant now = Instant.Now(clock);
        var expired = new List<TaskEvent>();
        lock (_lock)
        {
            foreach (Asking asking in _asking.ToArray())
            {
                List<ClaimedCall> claimed = Claim(asking.Room, now, expired);
                if (claimed.Count > 0)
                {
                    _asking.Remove(asking);
                    asking.Answer.SetResult(claimed);
                }
            }
            SetAlarm(now);
        }
        if (expired.Count > 0)
        {
            await append(expired, CancellationToken.None);
            expired.ForEach(item => Forget(item.Id));
        }
    }

    List<ClaimedCall> Claim(WorkRoom room, Instant now, List<TaskEvent> expired)
    {
        var claimed = new List<ClaimedCall>();
        while (_waiting.Take(room, now) is { } waiting)
        {
            QueuedCall call = waiting.Call!;
            if (call.Expires < now)
            {
                room.Leave(call.Queue);
                expired.Add(CallEvents.Cancelled(call.Id, waiting.Attempt, "expired", now));
                continue;
            }
            waiting.IsClaimed = true;
            claimed.Add(new ClaimedCall(call, waiting.Attempt, room.Worker, waiting) { Deaths = waiting.Deaths });
        }
        return claimed;
    }

    /// <summary>Wakes when the next call becomes due.</summary>
    void SetAlarm(Instant now)
    {
        if (_asking.Count > 0 && _waiting.NextDue is { } due)
        {
            _alarm ??= clock.CreateTimer(_ => _ = AnswerAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            TimeSpan wait = due - now;
            _alarm.Change(wait < Longest ? wait : Longest, Timeout.InfiniteTimeSpan);
        }
    }

    void Remember(QueuedCall call)
    {
        if (call.IsKeyed)
        {
            lock (_lock)
            {
                _keys.Enqueue(call.Id);
                if (_keys.Count > MostKeys)
                {
                    _keyed.Remove(_keys.Dequeue());
                }
            }
        }
    }

    void Withdraw(QueuedCall call)
    {
        lock (_lock)
        {
            _calls.Remove(call.Id);
            _keyed.Remove(call.Id);
        }
    }

    void Forget(string id)
    {
        lock (_lock)
        {
            _calls.Remove(id);
        }
    }

    void GiveUp(Asking asking)
    {
        lock (_lock)
        {
            _asking.Remove(asking);
        }
        asking.Answer.TrySetCanceled();
    }

    static readonly TimeSpan Longest = TimeSpan.FromDays(1); // timers know no more than 49 days

    sealed record Asking(WorkRoom Room, TaskCompletionSource<IReadOnlyList<ClaimedCall>> Answer);
}
