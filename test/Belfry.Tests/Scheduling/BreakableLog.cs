namespace Belfry.Tests.Scheduling;

/// <summary>A log in memory whose disk may be full.</summary>
sealed class BreakableLog : IRunLogStore
{
    readonly MemoryLog _log = new(TimeProvider.System);
    Action<LogChange>? _told;
    int _reads, _refused;

    public bool IsBroken { get; set; }

    /// <summary>It never takes the ends of this task's runs.</summary>
    public string? Poison { get; init; }

    /// <summary>What conditions ask about cannot be read.</summary>
    public bool IsUnreadable { get; set; }

    /// <summary>How often what conditions ask about was read, or was to be.</summary>
    public int Reads => Volatile.Read(ref _reads);

    /// <summary>Writes wait for this.</summary>
    public Task Open { get; set; } = Task.CompletedTask;

    /// <summary>So many writes fail.</summary>
    public int Failures { get; set; }

    /// <summary>How many writes were refused.</summary>
    public int Refused => Volatile.Read(ref _refused);

    public bool IsShared { get; init; }

    public async Task AppendAsync(IReadOnlyList<TaskEvent> events, CancellationToken cancel)
    {
        Check();
        await Open.WaitAsync(cancel);
        if (Poison is not null && events.Any(item => item.Task == Poison && item.Kind == EventKind.Succeeded))
        {
            throw new InvalidOperationException("this cannot be written");
        }
        await _log.AppendAsync(events, cancel);
    }

    public Task<IReadOnlyList<bool>> ClaimAsync(IReadOnlyList<RunClaim> claims, CancellationToken cancel)
    {
        Check();
        return _log.ClaimAsync(claims, cancel);
    }

    public IAsyncEnumerable<TaskRun> ReadAsync(RunQuery query, CancellationToken cancel) => _log.ReadAsync(query, cancel);

    public Task<long> CountAsync(RunQuery query, CancellationToken cancel) => _log.CountAsync(query, cancel);

    public Task<TaskRun?> LastAsync(string task, RunAction action, CancellationToken cancel) => _log.LastAsync(task, action, cancel);

    public Task<IReadOnlyDictionary<string, TaskHistory>> HistoriesAsync(IReadOnlyDictionary<string, Instant> since, CancellationToken cancel)
    {
        Interlocked.Increment(ref _reads);
        return IsUnreadable ? throw new IOException("the disk fails") : _log.HistoriesAsync(since, cancel);
    }

    public IDisposable Watch(Action<LogChange> told)
    {
        _told = told;
        return _log.Watch(told);
    }

    /// <summary>Changes were missed, and whoever watches is told so.</summary>
    public void Miss() => _told!(default);

    public ValueTask DisposeAsync() => _log.DisposeAsync();

    void Check()
    {
        if (IsBroken || Failures > 0)
        {
            Failures = Math.Max(0, Failures - 1);
            Interlocked.Increment(ref _refused);
            throw new IOException("the disk is full");
        }
    }
}
