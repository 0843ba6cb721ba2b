namespace Belfry.Storage.Tests;

/// <summary>A clock that tells what it was told; what elapses is real.</summary>
sealed class ManualClock(DateTimeOffset now) : TimeProvider
{
    long _ticks = now.UtcTicks;

    public Instant Now => Instant.Now(this);

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref _ticks), TimeSpan.Zero);
}
