using Belfry.Celery.Reconciling;

namespace Belfry.Server.Sources;

/// <summary>Starts that workers counted and nobody saw, less those that were found out afterwards: what remains will never be known.</summary>
sealed class UnseenStarts
{
    // So long explanations may take; a worker that says nothing for as long again is not waited for.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // Workers tell of the last events up to a second late.
    static readonly TimeSpan Late = TimeSpan.FromSeconds(3);

    readonly Dictionary<string, Pending> _all = new(StringComparer.Ordinal); // by worker; emptied by Take
    readonly Dictionary<string, (long Runs, Instant Last)> _explained = new(StringComparer.Ordinal); // by worker; emptied by Take

    /// <summary>A worker counted more starts than were seen.</summary>
    /// <param name="worker">The worker.</param>
    /// <param name="starts">How many more.</param>
    /// <param name="gap">The gap in which they were; null when none is known.</param>
    /// <param name="now">Now.</param>
    /// <param name="totals">What workers said that they have begun.</param>
    public void Add(string worker, long starts, Gap? gap, Instant now, StartTotals totals)
    {
        // Two beats show it.
        Instant from = gap is { } missed && now - missed.To < Patience ? missed.From : now - TimeSpan.FromSeconds(4), until = gap is { } of && now - of.To < Patience ? of.To : from;
        Pending known = _all.GetValueOrDefault(worker) ?? new Pending(worker, 0, from, now, totals.Before(worker, until));
        _all[worker] = known with { Starts = known.Starts + starts, To = now };
    }

    /// <summary>A run that began unseen was found out.</summary>
    public void Explain(Answer answer, Instant now)
    {
        bool beganUnseen = answer.Known?.Started is null
            && answer.Concluded.Facts.Any(fact => fact.Kind is EventKind.Started or EventKind.Succeeded or EventKind.Failed or EventKind.Retried);
        if (beganUnseen && answer.Concluded.Facts.Select(fact => fact.Worker).LastOrDefault(worker => worker is not null) is { } ran)
        {
            _explained[ran] = (_explained.GetValueOrDefault(ran).Runs + 1, now);
        }
    }

    /// <summary>Those that nothing has explained in time.</summary>
    public IReadOnlyList<Pending> Take(Instant now, StartTotals totals)
    {
        var taken = new List<Pending>();
        foreach (Pending pending in _all.Values.ToArray())
        {
            StartTotal? after = totals.Latest(pending.Worker) is { } latest && latest.At > pending.To && now - latest.At >= Late ? latest : null;
            if (now - pending.To < Patience || (pending.Before is not null && after is null && now - pending.To < Patience * 2))
            {
                continue;
            }
            long left = pending.Starts - _explained.GetValueOrDefault(pending.Worker).Runs;
            _all.Remove(pending.Worker);
            _explained.Remove(pending.Worker);
            if (left > 0)
            {
                taken.Add(pending with { Starts = left, After = after });
            }
        }
        foreach (string worker in _explained.Where(found => now - found.Value.Last > Patience * 3 && !_all.ContainsKey(found.Key)).Select(found => found.Key).ToArray())
        {
            _explained.Remove(worker);
        }
        return taken;
    }

    /// <summary>So many starts of a worker that nobody saw, and what it said of its tasks before and after; null where it did not.</summary>
    internal sealed record Pending(string Worker, long Starts, Instant From, Instant To, StartTotal? Before, StartTotal? After = null);
}
