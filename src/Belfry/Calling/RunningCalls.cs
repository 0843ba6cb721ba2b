using System.Collections.Concurrent;

namespace Belfry;

/// <summary>The called runs at work in this process.</summary>
sealed class RunningCalls
{
    readonly ConcurrentDictionary<string, RunningCall> _calls = new(); // as many as the worker has room for

    int _count; // that of the dictionary takes all its locks

    /// <summary>How many there are.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>All of them.</summary>
    public IEnumerable<RunningCall> All => _calls.Values;

    public void Add(RunningCall call)
    {
        Interlocked.Increment(ref _count);
        _calls[call.Claimed.Call.Id] = call;
    }

    public void Remove(RunningCall call)
    {
        _calls.TryRemove(KeyValuePair.Create(call.Claimed.Call.Id, call));
        Interlocked.Decrement(ref _count);
    }

    /// <summary>Tells a run to end; false when it is not at work here.</summary>
    public bool Stop(string id, string reason) => _calls.TryGetValue(id, out RunningCall? call) && call.TryStop(reason);

    /// <summary>Tells all to end.</summary>
    public void StopAll(string reason)
    {
        foreach (RunningCall call in All)
        {
            call.TryStop(reason);
        }
    }
}

/// <summary>A called run at work.</summary>
/// <param name="claimed">The call.</param>
/// <param name="started">When it began.</param>
sealed class RunningCall(ClaimedCall claimed, Instant started) : IDisposable
{
    readonly CancellationTokenSource _stop = new();

    public ClaimedCall Claimed { get; } = claimed;

    public Instant Started { get; } = started;

    /// <summary>The log shows it as running.</summary>
    public bool IsShown { get; set; }

    /// <summary>Why it is to end; null while it is not.</summary>
    public string? Reason { get; private set; }

    public CancellationToken Token => _stop.Token;

    public bool TryStop(string reason)
    {
        try
        {
            Reason ??= reason;
            _stop.Cancel();
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false; // it has just ended
        }
    }

    public void Dispose() => _stop.Dispose();
}
