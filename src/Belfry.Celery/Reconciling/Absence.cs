namespace Belfry.Celery.Reconciling;

/// <summary>What it proves that a run was found nowhere.</summary>
static class Absence
{
    /// <summary>Adds its facts.</summary>
    public static NextStep Read(FactList facts)
    {
        Evidence evidence = facts.Evidence;
        if (!evidence.IsAbsent || facts.Known is null || !facts.IsKnown)
        {
            return NextStep.AskAgain;
        }
        return facts.State switch
        {
            RunState.Pending => Pending(facts, evidence),
            RunState.Queued => Held(facts, evidence),
            RunState.Running => Running(facts, evidence),
            RunState.Lost => NextStep.Lost,
            _ => NextStep.AskAgain,
        };
    }

    /// <summary>Just after the worker's last sign of life, by its own clock, so that whatever comes later beats it; else after the run's last fact.</summary>
    public static Instant LastSign(FactList facts) =>
        Places.Own(facts)?.Last is { } last ? Instant.Max(FactList.After(last), facts.Earliest) : facts.Earliest;

    static NextStep Pending(FactList facts, Evidence evidence)
    {
        bool mayBeSomewhere = (evidence.IsRabbitMq && !evidence.Drained) || evidence.Workers.Values.Any(worker => worker.MayHave || worker.Says == WorkerSays.Deaf);
        if (mayBeSomewhere)
        {
            return NextStep.AskAgain;
        }
        if (facts.Known!.Expires is { } expires && expires < evidence.Asked)
        {
            facts.Add(EventKind.Cancelled, Instant.Max(expires, facts.Earliest), fact => fact with { Reason = "expired" });
            return NextStep.Settled;
        }
        return Lost(facts, Reconcile.MessageGone, facts.Earliest);
    }

    static NextStep Held(FactList facts, Evidence evidence)
    {
        WorkerEvidence own = Places.Own(facts) ?? new WorkerEvidence(WorkerSays.Gone);
        if (own.Says == WorkerSays.Gone)
        {
            if (evidence.IsRabbitMq)
            {
                // It gave the message back when the connection ended.
                facts.Add(EventKind.Requeued, LastSign(facts), fact => fact with { Reason = "its worker is gone" });
                return NextStep.Pending;
            }
            return evidence.IsUnheard ? Lost(facts, Reconcile.WorkerGone, LastSign(facts)) : NextStep.AskAgain;
        }
        if (evidence.IsRabbitMq && own.Online > facts.Known!.Received)
        {
            // So did its broker when it lost the worker, which forgot what it held.
            facts.Add(EventKind.Requeued, Instant.Max(own.Online.Value, facts.Earliest), fact => fact with { Reason = "its worker lost the broker" });
            return NextStep.Pending;
        }
        // What a worker holds until it may begin is in no list of its own; on Redis it would be among the unacknowledged.
        bool mayHold = evidence.IsRabbitMq ? evidence.RateLimited || own.Says != WorkerSays.Unknown : own.MayHave || own.Says == WorkerSays.Deaf;
        return mayHold ? NextStep.AskAgain : Lost(facts, Reconcile.EndedUnseen, facts.Earliest);
    }

    static NextStep Running(FactList facts, Evidence evidence)
    {
        WorkerEvidence own = Places.Own(facts) ?? new WorkerEvidence(WorkerSays.Gone);
        return own.Says switch
        {
            WorkerSays.Gone => evidence.IsUnheard ? Lost(facts, Reconcile.WorkerGone, LastSign(facts)) : NextStep.AskAgain,
            WorkerSays.Unknown => Lost(facts, Reconcile.EndedUnseen, facts.Earliest),
            WorkerSays.Silent or WorkerSays.Deaf when own.Idle => Lost(facts, Reconcile.EndedUnseen, facts.Earliest),
            _ => NextStep.AskAgain,
        };
    }

    static NextStep Lost(FactList facts, string reason, Instant at)
    {
        // A run without a name never becomes Lost: nobody could tell what was.
        if (facts.Known!.Task is null)
        {
            return NextStep.AskAgain;
        }
        facts.Add(EventKind.Lost, at, fact => fact with { Reason = reason });
        return NextStep.Lost;
    }
}
