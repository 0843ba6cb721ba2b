using Belfry.Celery.Reconciling;

namespace Belfry.Server.Sources;

/// <summary>A gap for whose records a large backend was not searched, because nothing says so far that any run went by in it: a look at each of a million keys is work.</summary>
/// <remarks>That some went by shows when a worker counts starts that were not seen, or when one came or went meanwhile, which cannot tell.</remarks>
sealed class UnsearchedGap
{
    // Beats come every two seconds, and two of them count starts that are missing; a worker that is not heard by then is gone, and was noticed.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // Somewhat before the gap whoever lived was heard.
    static readonly TimeSpan LastHeard = TimeSpan.FromMinutes(1);

    Gap? _gap;
    Instant _since;
    bool _isDue;

    /// <summary>It waits for signs.</summary>
    public void Put(Gap gap, Instant now) => (_gap, _since) = (_gap is { } earlier ? new Gap(Instant.Min(earlier.From, gap.From), gap.To) : gap, now);

    /// <summary>It was searched for.</summary>
    public void Clear() => (_gap, _isDue) = (null, false);

    /// <summary>The gap, when something says that runs went by in it; again and again until it was searched for.</summary>
    /// <param name="signs">What the stream has shown since this was last asked.</param>
    /// <param name="watch">Knows the workers.</param>
    /// <param name="now">Now.</param>
    public Gap? IsDue(Signs signs, WorkerWatch watch, Instant now)
    {
        if (_gap is not { } gap)
        {
            return null;
        }
        WatchedWorker[] there = [.. watch.Snapshot(now).Where(worker => worker.Newest.Signs.LastHeard >= gap.From - LastHeard)];
        _isDue |= signs.Starts.Count > 0 || signs.Returned.Count > 0 || there.Length == 0 || there.Any(worker => CannotTell(worker, gap));
        _gap = _isDue || now - _since < Patience ? gap : null;
        return _isDue ? gap : null;
    }

    /// <summary>It does not count, or it came or went, so that its count begins or ends within the gap.</summary>
    static bool CannotTell(WatchedWorker worker, Gap gap)
    {
        (WorkerSigns signs, WorkerVerdict verdict) = worker.Newest;
        return signs.Frequency is null || signs.FirstSent > gap.From || (verdict != WorkerVerdict.Alive && signs.LastHeard < gap.To);
    }
}
