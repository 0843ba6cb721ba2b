namespace Belfry.Testing;

/// <summary>A clock that stands until it is told to go on; then its timers ring in the order of their instants.</summary>
public sealed class ManualClock(DateTimeOffset now) : TimeProvider
{
    readonly Lock _lock = new();
    readonly List<Ring> _timers = []; // each takes itself out when it is disposed
    DateTimeOffset _now = now;

    /// <summary>A clock that stands at the beginning of 2026.</summary>
    public ManualClock()
        : this(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero))
    {
    }

    /// <summary>Somebody waits for it.</summary>
    public bool HasTimer
    {
        get
        {
            lock (_lock)
            {
                return _timers.Count > 0;
            }
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => _now;

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override long GetTimestamp() => _now.UtcTicks;

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Ring(this, () => callback(state));
        timer.Change(dueTime, period);
        lock (_lock)
        {
            _timers.Add(timer);
        }
        return timer;
    }

    /// <summary>Goes on by so much once somebody waits for an instant within it.</summary>
    public async Task AdvanceWhenAskedAsync(TimeSpan by)
    {
        await Eventually.HoldsAsync($"somebody waits for what comes within {by}", () => Due(_now + by) is not null);
        Advance(by);
    }

    /// <summary>Goes on by so much.</summary>
    public void Advance(TimeSpan by)
    {
        DateTimeOffset until = _now + by;
        while (Due(until) is { } timer)
        {
            _now = timer.At!.Value;
            timer.RingOnce();
        }
        _now = until;
    }

    Ring? Due(DateTimeOffset until)
    {
        lock (_lock)
        {
            return _timers.Where(timer => timer.At <= until).MinBy(timer => timer.At);
        }
    }

    sealed class Ring(ManualClock clock, Action ring) : ITimer
    {
        TimeSpan _period;

        public DateTimeOffset? At { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            (At, _period) = (dueTime == Timeout.InfiniteTimeSpan ? null : clock._now + dueTime, period);
            return true;
        }

        public void RingOnce()
        {
            At = _period > TimeSpan.Zero ? At + _period : null;
            ring();
        }

        public void Dispose()
        {
            lock (clock._lock)
            {
                clock._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
