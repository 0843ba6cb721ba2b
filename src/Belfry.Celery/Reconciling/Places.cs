namespace Belfry.Celery.Reconciling;

/// <summary>What it proves that a run was found somewhere: with a worker, or its message with the broker.</summary>
/// <remarks>The later place on a message's way counts: worker, then <c>unacked</c>, then queue.</remarks>
static class Places
{
    // Between taking a message from Redis and telling of it a worker needs so long at most.
    static readonly TimeSpan Taking = TimeSpan.FromSeconds(2);

    /// <summary>Adds its facts; null where it was not found, or that proves nothing.</summary>
    public static NextStep? Read(FactList facts)
    {
        Evidence evidence = facts.Evidence;
        // A message that a worker has is the one that it works on; it names the attempt, which workers do not.
        facts.Reach(Math.Max(evidence.Unacked?.Attempt ?? 1, evidence.Queued?.Attempt ?? 1));
        if (Holder(facts) is var (worker, says))
        {
            return says.Says == WorkerSays.Active && says.Start is { } start ? Active(facts, worker, says, start) : Reserved(facts, worker, says);
        }
        if (evidence.Unacked is { } unacked)
        {
            return Unacked(facts, unacked);
        }
        return evidence.Queued is { } queued ? Queued(facts, queued) : null;
    }

    /// <summary>The worker that has it: one that runs it before others, the one that is known before others.</summary>
    static (string Worker, WorkerEvidence Says)? Holder(FactList facts)
    {
        (string Worker, WorkerEvidence Says)? best = null;
        foreach ((string worker, WorkerEvidence says) in facts.Evidence.Workers.Where(pair => pair.Value.Has).OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            bool better = best is null || (says.Says == WorkerSays.Active && best.Value.Says.Says != WorkerSays.Active)
                || (says.Says == best.Value.Says.Says && string.Equals(worker, facts.Known?.Worker, StringComparison.Ordinal));
            best = better ? (worker, says) : best;
        }
        return best;
    }

    static NextStep Active(FactList facts, string worker, WorkerEvidence says, Instant start)
    {
        bool isThere = string.Equals(worker, facts.Known?.Worker, StringComparison.Ordinal);
        if (facts.State == RunState.Running && isThere)
        {
            return NextStep.Running;
        }
        if (!(facts.State == RunState.Queued && isThere))
        {
            // Another delivery than the one that is known: when it came nobody knows, but it came just before it began.
            bool again = facts.IsKnown && facts.Known!.Received is not null;
            Instant earliest = again ? FactList.Before(start) : Instant.Min(facts.Earliest, FactList.Before(start));
            facts.Add(EventKind.Received, earliest, fact => fact with { Worker = worker, Task = says.Task, Until = start });
        }
        facts.Add(EventKind.Started, start, fact => fact with { Worker = worker, Task = says.Task });
        return NextStep.Running;
    }

    static NextStep Reserved(FactList facts, string worker, WorkerEvidence says)
    {
        bool isThere = string.Equals(worker, facts.Known?.Worker, StringComparison.Ordinal);
        bool isHeld = facts.State is RunState.Queued or RunState.Running && isThere;
        // One that runs elsewhere may have been given to this worker as well; what that means shows when it begins.
        bool runsElsewhere = facts.State == RunState.Running && !isThere && !IsGone(facts, facts.Known!.Worker);
        if (!isHeld && !runsElsewhere)
        {
            facts.Add(EventKind.Received, facts.Evidence.Unacked?.Taken ?? facts.Earliest, fact => fact with { Worker = worker, Task = says.Task, Until = facts.Evidence.Asked });
        }
        return NextStep.Held;
    }

    static NextStep? Unacked(FactList facts, MessageEvidence unacked)
    {
        WorkerEvidence? own = facts.IsKnown ? Own(facts) : null;
        bool tookIt = facts.Known?.Received is { } received && unacked.Taken is { } taken && (taken - received).Duration() <= Taking;
        bool forgot = own is null or { Says: WorkerSays.Gone } || own.Online > facts.Known?.Received || facts.Evidence.BrokerSince > facts.Known?.Received;
        if (facts.IsKnown && tookIt && !forgot)
        {
            return facts.State == RunState.Running ? null : NextStep.Held;
        }
        bool isWithSomebody = facts.Evidence.Workers.Values.Any(worker => worker.MayHave || worker.Says == WorkerSays.Deaf);
        if (!facts.Evidence.IsAbsent || isWithSomebody || (own is { Says: WorkerSays.Gone } && !facts.Evidence.IsUnheard))
        {
            return NextStep.AskAgain;
        }
        Instant? given = unacked.Taken is { } at ? at + facts.Evidence.Visibility : null;
        return Waiting(facts, unacked, given is { } when ? $"kept by the broker until {when}" : "kept by the broker");
    }

    static NextStep? Queued(FactList facts, MessageEvidence queued)
    {
        bool comesBack = facts.IsKnown && facts.State is RunState.Queued or RunState.Running or RunState.Lost;
        // Its worker may have taken it since we looked.
        return comesBack && !facts.Evidence.IsAbsent ? NextStep.AskAgain : Waiting(facts, queued, "back in its queue");
    }

    /// <summary>It waits at the broker: given back, or submitted where nobody saw it.</summary>
    static NextStep Waiting(FactList facts, MessageEvidence message, string reason)
    {
        if (!facts.IsKnown)
        {
            facts.Add(EventKind.Submitted, facts.Earliest, fact => fact with { Task = message.Task, Until = facts.Evidence.Asked });
        }
        else if (facts.State is RunState.Queued or RunState.Running or RunState.Lost)
        {
            facts.Add(EventKind.Requeued, Absence.LastSign(facts), fact => fact with { Reason = reason });
        }
        return NextStep.Pending;
    }

    public static WorkerEvidence? Own(FactList facts) =>
        facts.Known?.Worker is { } worker ? facts.Evidence.Workers.GetValueOrDefault(worker) ?? new WorkerEvidence(WorkerSays.Gone) : null;

    static bool IsGone(FactList facts, string? worker) =>
        worker is null || !facts.Evidence.Workers.TryGetValue(worker, out WorkerEvidence? says) || says.Says == WorkerSays.Gone;
}
