namespace Belfry.Storage.Writing;

/// <summary>
/// The work queue of a log that one thread writes: what is put, claimed and ended goes into its next group, which is written at once. While a group is
/// written the next one gathers, so the more calls there are in flight, the fewer commits each of them costs.
/// </summary>
/// <param name="any">Set while something waits; the log's, so that a container that has this queue as a service does not end it before the log.</param>
/// <param name="wake">Ends a wait of the writing thread for events.</param>
/// <param name="limits">What an event may be.</param>
/// <param name="refuse">Counts what was cut.</param>
/// <param name="append">Tells the log.</param>
/// <param name="isShared">Other processes use the same queue.</param>
/// <param name="clock">The clock.</param>
sealed class WorkLane(
    ManualResetEventSlim any, Action wake, EventLimits limits, Action<string, string> refuse, Func<IReadOnlyList<TaskEvent>, CancellationToken, Task> append, bool isShared,
    TimeProvider clock)
    : IWorkQueue
{
    readonly Lock _lock = new();
    readonly List<AskOrder> _asks = []; // as many as there are workers; their answer empties it
    WorkOrders _next = new();           // bounded by the calls in flight; Take empties it
    Exception? _over;
    long _nextDue = long.MaxValue;

    /// <inheritdoc/>
    public bool IsShared => isShared;

    /// <summary>Something waits to be written, or has become due.</summary>
    public bool HasWork => any.IsSet || IsDue;

    /// <summary>Somebody waits for calls; other processes may put some.</summary>
    public bool IsAsked => _asks.Count > 0;

    /// <summary>How long the writing thread may wait for what becomes due.</summary>
    public TimeSpan Rest(TimeSpan longest)
    {
        if (_nextDue == long.MaxValue || _asks.Count == 0)
        {
            return longest;
        }
        TimeSpan rest = new Instant(_nextDue) - Instant.Now(clock) + TimeSpan.FromMilliseconds(1);
        return rest < TimeSpan.Zero ? TimeSpan.Zero : rest < longest ? rest : longest;
    }

    /// <summary>Waits for work.</summary>
    public void Wait(TimeSpan longest, CancellationToken stop)
    {
        try
        {
            any.Wait(Rest(longest), stop);
        }
        catch (OperationCanceledException)
        {
            // what is there is still written
        }
    }

    public Task<bool> PutAsync(QueuedCall call, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        Instant now = Instant.Now(clock);
        var order = new PutOrder(call, limits.Apply(CallEvents.Submitted(call), now, refuse) ?? throw new ArgumentException($"'{call.Id}' is no id", nameof(call)));
        lock (_lock)
        {
            Refuse();
            _next.Puts.Add(order);
            Signal();
        }
        return order.Done.Task;
    }

    public async Task<IReadOnlyList<ClaimedCall>> ClaimAsync(WorkRoom room, CancellationToken cancel)
    {
        var order = new AskOrder(room);
        lock (_lock)
        {
            Refuse();
            _asks.Add(order);
            Signal();
        }
        await using (cancel.Register(() => GiveUp(order)))
        {
            return await order.Done.Task;
        }
    }

    public Task BeginAsync(ClaimedCall call, Instant started, CancellationToken cancel) => append([CallEvents.Started(call, started)], cancel);

    public Task EndAsync(ClaimedCall call, CallEnd end)
    {
        NextAttempt? next = CallEvents.Next(call, end) is { } again
            ? new(again, limits.Apply(CallEvents.Submitted(again, call.Attempt + 1), end.Finished, refuse)!, end.Kind == EventKind.Lost)
            : null;
        var order = new EndOrder(call, end.Started, limits.Apply(CallEvents.Ended(call, end), end.Finished, refuse)!, next);
        lock (_lock)
        {
            Refuse();
            _next.Ends.Add(order);
            Signal();
        }
        return order.Done.Task;
    }

    public Task ReleaseAsync(IReadOnlyList<ClaimedCall> calls)
    {
        var order = new ReleaseOrder(calls, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_lock)
        {
            Refuse();
            _next.Releases.Add(order);
            Signal();
        }
        return order.Done.Task;
    }

    public Task<bool> RevokeAsync(string id, CancellationToken cancel)
    {
        var order = new RevokeOrder(id);
        lock (_lock)
        {
            Refuse();
            _next.Revokes.Add(order);
            Signal();
        }
        return order.Done.Task;
    }

    public Task<IReadOnlyDictionary<string, int>> WaitingAsync(CancellationToken cancel)
    {
        var order = new TaskCompletionSource<IReadOnlyDictionary<string, int>>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            Refuse();
            _next.Counts.Add(order);
            Signal();
        }
        return order.Task;
    }

    /// <summary>Starts runs, each only if its task has not started since the decision was made.</summary>
    /// <param name="claims">The claims.</param>
    /// <param name="patience">How long that may take; after it none of them starts.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="TimeoutException">It took longer.</exception>
    public async Task<IReadOnlyList<bool>> StartAsync(IReadOnlyList<RunClaim> claims, TimeSpan patience, CancellationToken cancel)
    {
        Instant now = Instant.Now(clock);
        var order = new StartOrder(claims, [.. claims.Select(claim => limits.Apply(claim.Started, now, refuse) ?? throw new ArgumentException($"'{claim.Started.Id}' is no id", nameof(claims)))]);
        lock (_lock)
        {
            Refuse();
            _next.Starts.Add(order);
            Signal();
        }
        while (true)
        {
            try
            {
                return await order.Done.Task.WaitAsync(patience, clock, cancel);
            }
            catch (Exception late) when (late is TimeoutException or OperationCanceledException && !order.Done.Task.IsCompleted)
            {
                if (order.TryWithdraw())
                {
                    throw;
                }
                cancel = CancellationToken.None; // it is being written at this moment, and must be known
            }
        }
    }

    /// <summary>Another process has put or given back calls.</summary>
    public void Nudge()
    {
        if (IsAsked)
        {
            Signal();
        }
    }

    /// <summary>Takes what waits.</summary>
    public WorkOrders Take()
    {
        lock (_lock)
        {
            WorkOrders taken = _next;
            _next = new WorkOrders { Puts = new(taken.Puts.Count), Ends = new(taken.Ends.Count) };
            foreach (AskOrder ask in _asks)
            {
                ask.IsTaken = true;
                taken.Asks.Add(ask);
            }
            any.Reset();
            return taken;
        }
    }

    /// <summary>What was taken is committed: all who wait for it are told, on other threads than this.</summary>
    public void Settle(WorkOrders done)
    {
        var answered = new List<AskOrder>();
        lock (_lock)
        {
            Interlocked.Exchange(ref _nextDue, done.NextDue?.Micros ?? long.MaxValue);
            foreach (AskOrder ask in done.Asks)
            {
                ask.IsTaken = false;
                if (ask.Claimed.Count > 0 || ask.GivesUp)
                {
                    _asks.Remove(ask);
                    answered.Add(ask);
                }
            }
        }
        if (answered.Count + done.Puts.Count + done.Ends.Count + done.Releases.Count + done.Revokes.Count + done.Counts.Count + done.Starts.Count > 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static told => Tell(told.answered, told.done), (answered, done), preferLocal: false);
        }
    }

    /// <summary>What was taken cannot be written.</summary>
    public void Fail(WorkOrders taken, Exception reason)
    {
        lock (_lock)
        {
            taken.Asks.ForEach(ask => _asks.Remove(ask));
        }
        taken.Asks.ForEach(ask => ask.Done.TrySetException(reason));
        taken.Puts.ForEach(put => put.Done.TrySetException(reason));
        taken.Ends.ForEach(end => end.Done.TrySetException(reason));
        taken.Releases.ForEach(release => release.Done.TrySetException(reason));
        taken.Revokes.ForEach(revoke => revoke.Done.TrySetException(reason));
        taken.Counts.ForEach(count => count.TrySetException(reason));
        taken.Starts.ForEach(start => start.Done.TrySetException(reason));
    }

    /// <summary>Takes no more, and tells all who still wait that it is over.</summary>
    public void Close(Exception reason)
    {
        lock (_lock)
        {
            _over = reason;
        }
        Fail(Take(), reason);
    }

    bool IsDue => _asks.Count > 0 && Interlocked.Read(ref _nextDue) is var due && due != long.MaxValue && due <= Instant.Now(clock).Micros;

    static void Tell(List<AskOrder> answered, WorkOrders done)
    {
        foreach (AskOrder ask in answered)
        {
            _ = ask.Claimed.Count > 0 ? ask.Done.TrySetResult(ask.Claimed) : ask.Done.TrySetCanceled();
        }
        foreach (EndOrder end in done.Ends)
        {
            end.Done.TrySetResult();
        }
        foreach (PutOrder put in done.Puts)
        {
            put.Done.TrySetResult(put.IsNew);
        }
        done.Releases.ForEach(release => release.Done.TrySetResult());
        done.Revokes.ForEach(revoke => revoke.Done.TrySetResult(revoke.Found));
        done.Counts.ForEach(count => count.TrySetResult(done.Counted));
        done.Starts.ForEach(start => start.Done.TrySetResult(start.Granted));
    }

    void GiveUp(AskOrder order)
    {
        lock (_lock)
        {
            order.GivesUp = true;
            if (order.IsTaken || !_asks.Remove(order))
            {
                return; // the group in hand answers
            }
        }
        order.Done.TrySetCanceled();
    }

    void Refuse() => ObjectDisposedException.ThrowIf(_over is not null, typeof(RunLog));

    /// <summary>Wakes the writing thread, once for all that come while it is busy.</summary>
    void Signal()
    {
        if (!any.IsSet)
        {
            any.Set();
            wake();
        }
    }
}
