namespace Belfry.Storage.Writing;

/// <summary>Events that one caller appended together.</summary>
/// <param name="Events">The events.</param>
/// <param name="Done">Told when they are committed, or cannot be.</param>
readonly record struct Append(IReadOnlyList<TaskEvent> Events, TaskCompletionSource Done);

/// <summary>What waits to be written, bounded in events: above the limit those who append wait.</summary>
/// <param name="limit">So many events may wait.</param>
/// <param name="many">Called when so many wait that they need no more company.</param>
sealed class AppendQueue(int limit, Action many) : IDisposable
{
    /// <summary>A larger group costs hardly less for each event.</summary>
    const int Many = 8192;

    readonly Lock _lock = new();
    readonly Queue<Append> _waiting = new();           // bounded by limit; emptied by Take
    readonly Queue<TaskCompletionSource> _full = new(); // those who wait for room
    readonly ManualResetEventSlim _any = new(false);
    int _events;
    bool _closed;

    public bool IsEmpty => Waiting == 0;

    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _events;
            }
        }
    }

    public async Task AddAsync(IReadOnlyList<TaskEvent> events, CancellationToken cancel)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        while (!TryAdd(new Append(events, done), out Task room))
        {
            await room.WaitAsync(cancel);
        }
        await done.Task.WaitAsync(cancel);
    }

    /// <summary>So many wait that a group of them needs no more company.</summary>
    public bool HasMany => Waiting >= Many;

    /// <summary>Waits until something is there; false when nothing came in time, or it was nudged.</summary>
    public bool WaitForEvents(TimeSpan longest, CancellationToken stop)
    {
        try
        {
            _any.Wait(longest, stop);
        }
        catch (OperationCanceledException)
        {
            // what is there is still written
        }
        lock (_lock)
        {
            if (_waiting.Count == 0)
            {
                _any.Reset(); // a nudge is good for one wait
            }
            return _waiting.Count > 0;
        }
    }

    /// <summary>Ends a wait for events without any.</summary>
    public void Nudge() => _any.Set();

    /// <summary>Takes what waits, whole appends, up to about so many events.</summary>
    public List<Append> Take(int most)
    {
        var taken = new List<Append>();
        lock (_lock)
        {
            for (int events = 0; _waiting.Count > 0 && events < most;)
            {
                Append next = _waiting.Dequeue();
                events += next.Events.Count;
                _events -= next.Events.Count;
                taken.Add(next);
            }
            if (_waiting.Count == 0)
            {
                _any.Reset();
            }
            while (_full.TryDequeue(out TaskCompletionSource? waiting))
            {
                waiting.SetResult();
            }
        }
        return taken;
    }

    /// <summary>Takes no more.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
        }
    }

    /// <summary>Tells all who still wait that it is over.</summary>
    public void Fail(Exception reason) => Take(int.MaxValue).ForEach(append => append.Done.TrySetException(reason));

    /// <inheritdoc/>
    public void Dispose() => _any.Dispose();

    /// <summary>Adds, or tells what to wait for.</summary>
    bool TryAdd(Append append, out Task room)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closed, typeof(RunLog));
            if (_events > 0 && _events + append.Events.Count > limit)
            {
                var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _full.Enqueue(waiting);
                room = waiting.Task;
                return false;
            }
            _waiting.Enqueue(append);
            bool had = _events >= Many;
            _events += append.Events.Count;
            _any.Set();
            if (!had && _events >= Many)
            {
                many();
            }
            room = Task.CompletedTask;
            return true;
        }
    }
}
