using Belfry.Celery.Reconciling;

namespace Belfry.Server.Sources;

/// <summary>What may have gone by unheard and was not asked about yet: events of a gap, and what workers that came back have forgotten. Safe for several threads.</summary>
sealed class Unheard(TimeProvider clock)
{
    // Gaps of a burst come one after the other.
    static readonly TimeSpan Calm = TimeSpan.FromMilliseconds(200), LongestStorm = TimeSpan.FromSeconds(5);

    // A broker that just came back may be away again, or a right be missing; in between there is other work.
    static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(30);

    readonly Lock _lock = new();
    Gap? _gap;
    bool _returned;
    Instant _first, _last, _nextTry;

    /// <summary>A gap waits for others to join it.</summary>
    public bool IsHurried
    {
        get
        {
            lock (_lock)
            {
                return _gap is not null && Instant.Now(clock) >= _nextTry;
            }
        }
    }

    /// <summary>Something was missed.</summary>
    public void Miss(Gap gap)
    {
        lock (_lock)
        {
            _last = Instant.Now(clock);
            _first = _gap is null ? _last : _first;
            (_gap, _nextTry) = (Joined(_gap, gap), default);
        }
    }

    /// <summary>Workers came back.</summary>
    public void Return()
    {
        lock (_lock)
        {
            _returned = true;
        }
    }

    /// <summary>Takes what is to be asked about now; null when nothing is.</summary>
    public Missed? Take()
    {
        lock (_lock)
        {
            Instant now = Instant.Now(clock);
            bool isCalm = now - _last >= Calm || now - _first >= LongestStorm;
            if (now < _nextTry || !(_returned || (_gap is not null && isCalm)))
            {
                return null;
            }
            var taken = new Missed(isCalm ? _gap : null);
            (_gap, _returned) = (isCalm ? null : _gap, false);
            return taken;
        }
    }

    /// <summary>It could not be asked about: nobody else knows of it, so it waits on.</summary>
    public void GiveBack(Missed missed)
    {
        lock (_lock)
        {
            _gap = missed.Gap is { } gap ? Joined(_gap, gap) : _gap;
            (_returned, _nextTry) = (true, Instant.Now(clock) + BetweenTries);
        }
    }

    static Gap Joined(Gap? one, Gap other) => one is { } first ? new Gap(Instant.Min(first.From, other.From), Instant.Max(first.To, other.To)) : other;
}

/// <summary>Something that went by unheard.</summary>
/// <param name="Gap">When; null when only workers came back.</param>
readonly record struct Missed(Gap? Gap);
