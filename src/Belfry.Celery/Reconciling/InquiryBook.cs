namespace Belfry.Celery.Reconciling;

/// <summary>Which runs are asked about, and when next: pure, the caller brings the clock.</summary>
/// <remarks>
/// A run that was not found takes two rounds through all places, 3 s or more apart, before anything is concluded: one round misses a run that moves. A round
/// in which a place could not be read does not count. A run that was found stays in the book, to be asked about at growing intervals while it is open.
/// </remarks>
public sealed class InquiryBook
{
    /// <summary>How long a run may be open before it is asked about.</summary>
    public static readonly TimeSpan FirstAfter = TimeSpan.FromSeconds(30);

    // Open runs beyond so many have to wait until others are settled: whoever looks through them comes again.
    const int Most = 200_000;

    static readonly TimeSpan BetweenRounds = TimeSpan.FromSeconds(3);
    static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(20), LongestPause = TimeSpan.FromSeconds(600);
    static readonly TimeSpan FirstVoid = TimeSpan.FromSeconds(1), LongestVoid = TimeSpan.FromSeconds(60);

    readonly Dictionary<string, Inquiry> _all = new(StringComparer.Ordinal); // bounded by Most, and as many again of gaps; emptied by Note

    /// <summary>It is asked about already.</summary>
    public bool Has(string id) => _all.ContainsKey(id);

    /// <summary>Asks about a run now; rounds that found it nowhere before this sign do not count.</summary>
    /// <param name="id">The run.</param>
    /// <param name="gap">When its events may have gone by; null when none is known.</param>
    /// <param name="now">Now.</param>
    /// <returns>False when there is no room for it.</returns>
    public bool Ask(string id, Gap? gap, Instant now)
    {
        if (!_all.TryGetValue(id, out Inquiry? inquiry))
        {
            // Nobody looks a second time for what went by in a gap.
            if (_all.Count >= (gap is null ? Most : 2 * Most))
            {
                return false;
            }
            _all[id] = inquiry = new Inquiry(id);
        }
        (inquiry.Gap, inquiry.Rounds, inquiry.At) = (gap ?? inquiry.Gap, 0, now);
        return true;
    }

    /// <summary>Asks about a run soon, because a worker counts otherwise than we do: that moves nothing, so rounds that were made already count.</summary>
    public void Hasten(string id, Instant now)
    {
        if (!_all.TryGetValue(id, out Inquiry? inquiry))
        {
            Ask(id, null, now);
        }
        else if (inquiry.Rounds != 1)
        {
            inquiry.At = Instant.Min(inquiry.At, now);
        }
    }

    /// <summary>When a run that is open, and of which nothing was heard since, is asked about first; it may have to wait for its own time.</summary>
    public static Instant FirstDue(TaskRun open) => Instant.Max(open.Updated, open.Eta ?? open.Updated) + FirstAfter;

    /// <summary>Those that are due, the longest due first.</summary>
    public IReadOnlyList<Inquiry> Due(Instant now, int most) => [.. _all.Values.Where(inquiry => inquiry.At <= now).OrderBy(inquiry => inquiry.At).Take(most)];

    /// <summary>Notes what came out.</summary>
    /// <param name="inquiry">The question.</param>
    /// <param name="next">How it stands.</param>
    /// <param name="complete">A whole round was made, and every place could be read; null when no round was needed.</param>
    /// <param name="now">Now.</param>
    /// <param name="again">When something that is missing will be there; null when that is not known.</param>
    public void Note(Inquiry inquiry, NextStep next, bool? complete, Instant now, Instant? again)
    {
        switch (next)
        {
            case NextStep.Settled or NextStep.Lost or NextStep.Closed:
                _all.Remove(inquiry.Id);
                break;
            case NextStep.AskAgain when complete == false:
                inquiry.At = now + Grown(FirstVoid, LongestVoid, inquiry.Voids++);
                break;
            case NextStep.AskAgain when inquiry.Rounds == 0:
                (inquiry.Rounds, inquiry.Voids, inquiry.At) = (1, 0, now + BetweenRounds);
                break;
            case NextStep.AskAgain when again is { } known:
                (inquiry.Rounds, inquiry.Voids, inquiry.At) = (inquiry.Rounds + 1, 0, Instant.Max(known, now + BetweenRounds));
                break;
            default:
                inquiry.Rounds = next == NextStep.AskAgain ? inquiry.Rounds + 1 : 0;
                (inquiry.Voids, inquiry.At) = (0, now + Grown(FirstPause, LongestPause, inquiry.Visits++));
                break;
        }
    }

    /// <summary>Forgets a run.</summary>
    public void Drop(string id) => _all.Remove(id);

    static TimeSpan Grown(TimeSpan first, TimeSpan longest, int times) =>
        TimeSpan.FromSeconds(Math.Min(longest.TotalSeconds, first.TotalSeconds * Math.Pow(2, Math.Min(times, 20))));
}

/// <summary>A question about a run.</summary>
/// <param name="id">The run.</param>
public sealed class Inquiry(string id)
{
    /// <summary>The run.</summary>
    public string Id { get; } = id;

    /// <summary>When its events may have gone by.</summary>
    public Gap? Gap { get; internal set; }

    /// <summary>So many whole rounds have not found it.</summary>
    public int Rounds { get; internal set; }

    /// <summary>When it is asked next.</summary>
    public Instant At { get; internal set; }

    internal int Voids { get; set; }

    internal int Visits { get; set; }
}
