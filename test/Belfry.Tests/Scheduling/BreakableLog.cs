namespace Belfry.Tests.Scheduling;

/// <summary>A log in memory whose disk may be full.</summary>
sealed class BreakableLog : IRunLogStore
{
    readonly MemoryLog _log = new(TimeProvider.System);

    public bool IsBroken { get; set; }

    /// <summary>Writes wait for this.</summary>
    public Task Open { get; set; } = Task.CompletedTask;

    /// <summary>So many writes fail.</summary>
    public int Failures { get; set; }

    public bool IsShared { get; init; }

    public async Task AppendAsync(IReadOnlyList<TaskEvent> events, CancellationToken cancel)
    {
        Check();
        await Open.WaitAsync(cancel);
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

    public Task<IReadOnlyDictionary<string, TaskHistory>> HistoriesAsync(IReadOnlyDictionary<string, Instant> since, CancellationToken cancel) => _log.HistoriesAsync(since, cancel);

    public IDisposable Watch(Action<LogChange> told) => _log.Watch(told);

    public ValueTask DisposeAsync() => _log.DisposeAsync();

    void Check()
    {
        if (IsBroken || Failures > 0)
        {
            Failures = Math.Max(0, Failures - 1);
            throw new IOException("the disk is full");
        }
    }
}
