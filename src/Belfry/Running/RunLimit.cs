namespace Belfry;

/// <summary>The end that a run may be told: by its time limit, or by whoever ordered it. The first reason stands.</summary>
sealed class RunLimit : IDisposable
{
    /// <summary>How long a body that was told to end may take until nobody waits for it any more.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    static readonly TimeSpan Longest = TimeSpan.FromDays(1); // timers know no more than 49 days

    readonly CancellationTokenSource _source = new();
    readonly TaskCompletionSource _givenUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TimeProvider _clock;
    readonly CancellationTokenRegistration _stop;
    readonly ITimer? _timer;
    TimeSpan _left;
    string? _reason;
    ITimer? _grace;

    public RunLimit(TimeSpan limit, TimeProvider clock, CancellationToken stop)
    {
        (_clock, _left) = (clock, limit);
        _timer = limit == Timeout.InfiniteTimeSpan ? null : clock.CreateTimer(static self => ((RunLimit)self!).Elapsed(), this, Part(limit), Timeout.InfiniteTimeSpan);
        _stop = stop.UnsafeRegister(static self => ((RunLimit)self!).End("terminated"), this);
    }

    /// <summary>Cancelled when the run is to end.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Why it is to end; null while it is not.</summary>
    public string? Reason => Volatile.Read(ref _reason);

    /// <summary>Completes when the run was told to end, and had its grace.</summary>
    public Task GivenUp => _givenUp.Task;

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer?.Dispose();
        _stop.Unregister();
        _grace?.Dispose();
        _source.Dispose();
    }

    static TimeSpan Part(TimeSpan left) => left < Longest ? left : Longest;

    void Elapsed()
    {
        _left -= Part(_left);
        if (_left == TimeSpan.Zero)
        {
            End("timeout");
        }
        else
        {
            _timer?.Change(Part(_left), Timeout.InfiniteTimeSpan);
        }
    }

    void End(string reason)
    {
        if (Interlocked.CompareExchange(ref _reason, reason, null) is null)
        {
            _grace = _clock.CreateTimer(static self => ((RunLimit)self!)._givenUp.TrySetResult(), this, Grace, Timeout.InfiniteTimeSpan);
            _ = CancelAsync();
        }
    }

    /// <summary>What the body does upon its cancellation may block or throw: not on the thread of the clock, and not into whoever ordered it.</summary>
    async Task CancelAsync()
    {
        try
        {
            await _source.CancelAsync();
        }
        catch (Exception e) when (e is AggregateException or ObjectDisposedException)
        {
            // Thrown by what the body registered with its token, or the body has just ended. The run stands as cancelled either way.
        }
    }
}
