namespace Belfry.Server.Tests;

/// <summary>A clock that stands until it is told to go on; then its timers ring in the order of their instants.</summary>
sealed class ManualClock(DateTimeOffset now) : TimeProvider
{
    readonly Lock _lock = new();
    readonly List<Ring> _timers = []; // each takes itself out when it is disposed
    DateTimeOffset _now = now;

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

    public override DateTimeOffset GetUtcNow() => _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _now.UtcTicks;

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
