namespace Belfry.Server.Sources;

/// <summary>Starts that workers counted and nobody saw, less those that were found out afterwards: what remains will never be known.</summary>
sealed class UnseenStarts
{
    // So long explanations may take.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    readonly Dictionary<string, UnseenStart> _all = new(StringComparer.Ordinal); // by worker; emptied by Take
    readonly Dictionary<string, long> _explained = new(StringComparer.Ordinal);

    /// <summary>A worker counted more starts than were seen.</summary>
    public void Add(string worker, long starts, Belfry.Celery.Reconciling.Gap? gap, Instant now)
    {
        UnseenStart known = _all.GetValueOrDefault(worker, new UnseenStart(worker, 0, gap?.From ?? now - TimeSpan.FromSeconds(4), now));
        _all[worker] = known with { Starts = known.Starts + starts, To = now };
    }

    /// <summary>A run that began unseen was found out.</summary>
    public void Explain(Answer answer)
    {
        bool beganUnseen = answer.Known?.Started is null
            && answer.Concluded.Facts.Any(fact => fact.Kind is EventKind.Started or EventKind.Succeeded or EventKind.Failed or EventKind.Retried);
        if (beganUnseen && answer.Concluded.Facts.Select(fact => fact.Worker).LastOrDefault(worker => worker is not null) is { } ran)
        {
            _explained[ran] = _explained.GetValueOrDefault(ran) + 1;
        }
    }

    /// <summary>Those that nothing has explained in time.</summary>
    public IReadOnlyList<UnseenStart> Take(Instant now)
    {
        var taken = new List<UnseenStart>();
        foreach (UnseenStart unseen in _all.Values.Where(unseen => now - unseen.To >= Patience).ToArray())
        {
            long left = unseen.Starts - _explained.GetValueOrDefault(unseen.Worker);
            _all.Remove(unseen.Worker);
            _explained.Remove(unseen.Worker);
            if (left > 0)
            {
                taken.Add(unseen with { Starts = left });
            }
        }
        return taken;
    }
}

/// <summary>So many starts of a worker that nobody saw, and when.</summary>
sealed record UnseenStart(string Worker, long Starts, Instant From, Instant To)
{
    /// <inheritdoc/>
    public override string ToString() => $"starts unseen on {Worker} between {From:u} and {To:u}";
}
