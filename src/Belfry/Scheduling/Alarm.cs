namespace Belfry;

/// <summary>Rings at an instant.</summary>
sealed class Alarm : IDisposable
{
    // Nobody is looked at for it: a clock that was set meanwhile is noticed, and no timer has to be longer than it may.
    static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);
    readonly ITimer _timer;

    public Alarm(TimeProvider clock, Action ring) => _timer = clock.CreateTimer(_ => ring(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    /// <summary>Rings at an instant, or in a minute if that comes first; never for null.</summary>
    public void Set(Instant? at, Instant now)
    {
        if (at is not { } wake)
        {
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }
        TimeSpan wait = wake <= now ? TimeSpan.Zero : wake - now > Longest ? Longest : wake - now;
        _timer.Change(TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)), Timeout.InfiniteTimeSpan); // a timer cuts off what is less than a millisecond
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();
}
