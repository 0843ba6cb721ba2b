using System.Runtime.CompilerServices;

namespace Belfry;

/// <summary>A log in memory: it is gone with the process. For tests, and where runs need not be remembered.</summary>
/// <remarks>It holds <see cref="MemoryLogOptions.MostRuns"/> ended runs, and of each task for ever the last run of every kind.</remarks>
public sealed class MemoryLog(MemoryLogOptions options, TimeProvider clock) : IRunLogStore
{
    readonly Lock _lock = new();
    readonly RunIndex _index = new(options.MostRuns, options.Age, options.FailureAge);
    readonly List<Watcher> _watchers = []; // emptied by those who watch
    bool _forgotten;

    /// <summary>An empty log with the usual options.</summary>
    public MemoryLog(TimeProvider clock)
        : this(new MemoryLogOptions(), clock)
    {
    }

    /// <inheritdoc/>
    public bool IsShared => false;

    /// <inheritdoc/>
    public Task AppendAsync(IReadOnlyList<TaskEvent> events, CancellationToken cancel)
    {
        Put(events);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<bool>> ClaimAsync(IReadOnlyList<RunClaim> claims, CancellationToken cancel)
    {
        lock (_lock)
        {
            bool[] granted = Grants(claims);
            Add([.. claims.Where((_, index) => granted[index]).Select(claim => claim.Started)]);
            return Task.FromResult<IReadOnlyList<bool>>(granted);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<TaskRun> ReadAsync(RunQuery query, [EnumeratorCancellation] CancellationToken cancel)
    {
        await Task.CompletedTask;
        IReadOnlyList<TaskRun> found;
        lock (_lock)
        {
            found = _index.Find(query);
        }
        foreach (TaskRun run in found)
        {
            cancel.ThrowIfCancellationRequested();
            yield return run;
        }
    }

    /// <inheritdoc/>
    public Task<long> CountAsync(RunQuery query, CancellationToken cancel)
    {
        lock (_lock)
        {
            return Task.FromResult(_index.Count(query));
        }
    }

    /// <inheritdoc/>
    public Task<TaskRun?> LastAsync(string task, RunAction action, CancellationToken cancel)
    {
        lock (_lock)
        {
            return Task.FromResult(_index.Last(task, action));
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, TaskHistory>> HistoriesAsync(IReadOnlyDictionary<string, Instant> since, CancellationToken cancel)
    {
        lock (_lock)
        {
            return Task.FromResult<IReadOnlyDictionary<string, TaskHistory>>(_index.Histories(since));
        }
    }

    /// <inheritdoc/>
    public IDisposable Watch(Action<LogChange> told)
    {
        var watcher = new Watcher(this, told);
        lock (_lock)
        {
            _watchers.Add(watcher);
        }
        return watcher;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Retention has let runs go since this was last asked.</summary>
    internal bool HasForgotten
    {
        get
        {
            lock (_lock)
            {
                bool forgotten = _forgotten;
                _forgotten = false;
                return forgotten;
            }
        }
    }

    /// <summary>Adds events.</summary>
    internal void Put(IReadOnlyList<TaskEvent> events)
    {
        lock (_lock)
        {
            Add(events);
        }
    }

    /// <summary>Which claims would succeed now; of several of one task the first.</summary>
    internal bool[] Grants(IReadOnlyList<RunClaim> claims)
    {
        lock (_lock)
        {
            var claimed = new HashSet<string?>();
            return [.. claims.Select(claim => claim.IsByHand
                || (_index.LastStart(claim.Started.Task) == claim.LastStart && claimed.Add(claim.Started.Task)))];
        }
    }

    /// <summary>Events that make the runs that it has.</summary>
    internal IReadOnlyList<TaskEvent> Events()
    {
        lock (_lock)
        {
            return [.. _index.Rows().SelectMany(rows => rows).SelectMany(RowEvents.Of)];
        }
    }

    /// <summary>What is worth to be remembered elsewhere: open runs, the last of each kind of every task, and so many of the newest.</summary>
    internal IReadOnlyList<TaskRun> Worth(int newest)
    {
        lock (_lock)
        {
            return _index.Worth(newest);
        }
    }

    void Add(IReadOnlyList<TaskEvent> events)
    {
        foreach (TaskEvent item in events)
        {
            foreach (LogChange change in _index.Add(item))
            {
                _watchers.ForEach(watcher => watcher.Told(change));
            }
        }
        _forgotten |= _index.Forget(Instant.Now(clock));
    }

    sealed class Watcher(MemoryLog log, Action<LogChange> told) : IDisposable
    {
        public Action<LogChange> Told { get; } = told;

        public void Dispose()
        {
            lock (log._lock)
            {
                log._watchers.Remove(this);
            }
        }
    }
}

/// <summary>What a log in memory keeps.</summary>
public sealed class MemoryLogOptions
{
    /// <summary>So many ended runs; the oldest go first, 100,000 by default. The last run of each kind of a task stays in any case.</summary>
    public int MostRuns { get; set; } = 100_000;

    /// <summary>How long ended runs are kept; 30 days by default.</summary>
    public TimeSpan Age { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long those that failed, timed out or were lost are kept; 90 days by default.</summary>
    public TimeSpan FailureAge { get; set; } = TimeSpan.FromDays(90);
}
