namespace Belfry.Celery.Reconciling;

/// <summary>The pure function from a known run and the evidence about it to facts.</summary>
/// <remarks>
/// An instant is exact where the evidence has one, else the earliest possible: the latest possible would push real events that come late to an older
/// delivery. Nothing is invented: where evidence does not say which attempt or which worker, neither does the fact.
/// </remarks>
public static class Reconcile
{
    /// <summary>The reasons of what is inferred.</summary>
    public const string WorkerGone = "worker gone", EndedUnseen = "ended unseen", MessageGone = "message gone";

    /// <summary>Judges one run.</summary>
    /// <param name="source">The source.</param>
    /// <param name="id">The run's id.</param>
    /// <param name="known">Its newest attempt in the log; null if nothing is known of it.</param>
    /// <param name="evidence">What was found.</param>
    public static Reconciliation Run(string source, string id, TaskRun? known, Evidence evidence)
    {
        if (known is not null && IsClosed(known, evidence))
        {
            return new Reconciliation([], NextStep.Closed);
        }
        var facts = new FactList(source, id, known, evidence);
        NextStep next = Records.Read(facts) ?? Places.Read(facts) ?? Absence.Read(facts);
        return new Reconciliation(facts.All, next);
    }

    /// <summary>It has ended, and nothing shows a later attempt. What is lost has not: that was inferred.</summary>
    static bool IsClosed(TaskRun known, Evidence evidence) =>
        known.State.IsFinal() && known.State != RunState.Lost
        && Math.Max(evidence.Record?.Attempt ?? 0, Math.Max(evidence.Queued?.Attempt ?? 0, evidence.Unacked?.Attempt ?? 0)) <= known.Attempt;
}

/// <summary>The facts that were concluded so far, and what they are concluded from.</summary>
sealed class FactList(string source, string id, TaskRun? known, Evidence evidence)
{
    readonly List<TaskEvent> _all = [];

    public IReadOnlyList<TaskEvent> All => _all;

    public TaskRun? Known { get; } = known;

    public Evidence Evidence { get; } = evidence;

    /// <summary>The attempt that is open.</summary>
    public int Attempt { get; private set; } = known?.Attempt ?? 1;

    /// <summary>The open attempt is the one that the log knows.</summary>
    public bool IsKnown => Known is not null && Attempt == Known.Attempt;

    /// <summary>Its state, where the log knows it.</summary>
    public RunState? State => IsKnown ? Known!.State : null;

    /// <summary>The earliest instant at which something that nobody saw can have happened.</summary>
    public Instant Earliest
    {
        get
        {
            Instant? last = _all.Count > 0 ? _all.Max(fact => fact.At) : Known?.Updated;
            return last is { } seen ? After(seen) : Evidence.Gap?.From ?? Evidence.Asked;
        }
    }

    public static Instant After(Instant instant) => new(instant.Micros + 1);

    public static Instant Before(Instant instant) => new(instant.Micros - 1);

    /// <summary>A later attempt shows: what is known of the one before says nothing of its state.</summary>
    public void Reach(int attempt) => Attempt = Math.Max(Attempt, attempt);

    public void Add(EventKind kind, Instant at, Func<TaskEvent, TaskEvent> told)
    {
        _all.Add(told(new TaskEvent { Source = source, Id = id, Kind = kind, At = at, Attempt = Attempt, Reconciled = true }));
    }
}
