namespace Belfry.Celery.Reconciling;

/// <summary>What a record of the result backend proves.</summary>
static class Records
{
    /// <summary>Adds its facts; null where it does not say how the run stands now.</summary>
    public static NextStep? Read(FactList facts)
    {
        switch (facts.Evidence.Record)
        {
            case { Status: "SUCCESS" } record:
                return End(facts, record, EventKind.Succeeded);
            case { Status: "FAILURE" } record when !IsOlder(facts, record):
                return End(facts, record, EventKind.Failed);
            case { Status: "REVOKED" } record:
                return End(facts, record, EventKind.Cancelled);
            case { Status: "RETRY" } record when !IsOlder(facts, record):
                Retried(facts, record);
                return null;
            case { Status: not ("SUCCESS" or "FAILURE" or "REVOKED" or "RETRY" or "PENDING" or "RECEIVED") } record:
                Began(facts, record);
                return null;
            default:
                return null;
        }
    }

    static NextStep End(FactList facts, ResultEvidence record, EventKind kind)
    {
        // Without its instant it ended somewhere between what we know and the moment of asking.
        Instant? until = record.Done is null ? facts.Evidence.Asked : null;
        if (facts.Known is null)
        {
            Submitted(facts, record);
        }
        facts.Add(kind, record.Done ?? facts.Earliest, fact => Told(fact, facts, record) with
        {
            Result = kind == EventKind.Succeeded ? record.Result : null,
            Exception = kind == EventKind.Failed ? record.Exception : null,
            Traceback = kind == EventKind.Failed ? record.Traceback : null,
            Reason = kind == EventKind.Cancelled ? record.Reason ?? "revoked" : null,
            Until = until,
        });
        return NextStep.Settled;
    }

    /// <summary>Nothing was seen of it: it came somewhere in the gap.</summary>
    static void Submitted(FactList facts, ResultEvidence record)
    {
        Instant done = record.Done ?? facts.Evidence.Asked;
        facts.Reach(record.Attempt ?? 1);
        facts.Add(EventKind.Submitted, Instant.Min(facts.Evidence.Gap?.From ?? done, done), fact => fact with { Task = record.Task, Until = done });
    }

    static void Retried(FactList facts, ResultEvidence record)
    {
        // Celery writes no instant into it; then only its attempt tells that it is not an old one.
        bool isCurrent = record.Done is not null || facts.Known is null || (record.Attempt ?? 1) == facts.Attempt;
        bool isEnded = facts.State is { } state && state.IsFinal() && state != RunState.Lost;
        if (!isCurrent || isEnded || record.Attempt < facts.Known?.Attempt)
        {
            return;
        }
        facts.Reach(record.Attempt ?? 1);
        facts.Add(EventKind.Retried, record.Done ?? facts.Earliest, fact => Told(fact, facts, record) with
        {
            Attempt = facts.Attempt, Exception = record.Exception, Traceback = record.Traceback, Until = record.Done is null ? facts.Evidence.Asked : null,
        });
        facts.Reach(facts.Attempt + 1);
    }

    /// <summary>STARTED, or a state of the application's own, has no instant and proves that it began, not that it runs.</summary>
    static void Began(FactList facts, ResultEvidence record)
    {
        bool isOfThisDelivery = facts.Known is null or { Redeliveries: 0, State: RunState.Queued } or { Received: null, State: RunState.Pending };
        if (isOfThisDelivery && (record.Attempt ?? 1) == facts.Attempt)
        {
            facts.Add(EventKind.Started, facts.Earliest, fact => Told(fact, facts, record) with { Attempt = facts.Attempt, Until = facts.Evidence.Asked });
        }
    }

    /// <summary>It says nothing about a delivery that came later.</summary>
    static bool IsOlder(FactList facts, ResultEvidence record) => record.Done is { } done && facts.Known?.Received is { } received && done < received
        && (record.Attempt is null || record.Attempt <= facts.Known.Attempt);

    /// <summary>What the record says, and of what it does not say what is known of the attempt that it must be.</summary>
    static TaskEvent Told(TaskEvent fact, FactList facts, ResultEvidence record) => fact with
    {
        Attempt = record.Attempt, Task = record.Task, Queue = record.Queue, Args = record.Args, Kwargs = record.Kwargs,
        Worker = record.Worker ?? (record.Attempt is null || record.Attempt == facts.Known?.Attempt ? facts.Known?.Worker : null),
    };
}
