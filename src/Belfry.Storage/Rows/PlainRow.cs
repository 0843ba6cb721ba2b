namespace Belfry.Storage.Rows;

/// <summary>What a row's columns cannot say by their values.</summary>
[Flags]
enum RowFlags
{
    None = 0,

    /// <summary>Its end is inferred from a later attempt; no event told it.</summary>
    EndInferred = 1,

    /// <summary>The event named its attempt.</summary>
    SubmittedNamed = 2, ReceivedNamed = 4, StartedNamed = 8, OutcomeNamed = 16,

    /// <summary>The payload lists the facts, because the columns do not say them all.</summary>
    Listed = 32,

    /// <summary>A sender's clock was off.</summary>
    ClockOff = 64,

    /// <summary>The root is the run itself.</summary>
    RootIsSelf = 128,

    /// <summary>The runtime was measured by the worker.</summary>
    Measured = 256,

    /// <summary>These parts were filled in afterwards: <see cref="RunParts"/>, five bits further up.</summary>
    SubmittedReconciled = 512, ReceivedReconciled = 1024, StartedReconciled = 2048, FinishedReconciled = 4096, StateReconciled = 8192,
}

/// <summary>
/// The ordinary row: one fact of each kind and one worker, so that its columns stand for its facts. All but about 3 in 1,000 are.
/// </summary>
static class PlainRow
{
    const int ReconciledFrom = 9;

    /// <summary>The parts of a row that were filled in.</summary>
    public static RunParts ReconciledOf(RowFlags flags) => (RunParts)(((int)flags >> ReconciledFrom) & 0x1F);

    /// <summary>Flags of a row; <see cref="RowFlags.Listed"/> among them when its facts must be kept beside it.</summary>
    public static RowFlags FlagsOf(in FoldedRun row)
    {
        TaskRun run = row.Run;
        RowFlags flags = run.ClockOff ? RowFlags.ClockOff : RowFlags.None;
        flags |= (RowFlags)((int)run.Reconciled << ReconciledFrom);
        flags |= run.Root is not null && run.Root == run.Id ? RowFlags.RootIsSelf : RowFlags.None;
        TaskEvent? submitted = null, received = null, started = null, outcome = null;
        bool plain = !run.ClockOff && run.Context is null && run.Extra is null && row.Facts.Count <= 4;
        for (int i = 0; i < row.Facts.Count; i++)
        {
            TaskEvent fact = row.Facts[i];
            plain &= !fact.Reconciled && fact.Kind switch
            {
                EventKind.Submitted => TrySet(ref submitted, fact) && fact.Worker is null,
                EventKind.Received => TrySet(ref received, fact) && fact.Worker == run.Worker,
                EventKind.Started => TrySet(ref started, fact) && fact.Worker == run.Worker,
                _ => fact.Kind.IsOutcome() && TrySet(ref outcome, fact) && fact.Worker == run.Worker,
            };
        }
        flags |= (Named(submitted) ? RowFlags.SubmittedNamed : RowFlags.None) | (Named(received) ? RowFlags.ReceivedNamed : RowFlags.None)
            | (Named(started) ? RowFlags.StartedNamed : RowFlags.None) | (Named(outcome) ? RowFlags.OutcomeNamed : RowFlags.None)
            | (outcome?.Runtime is not null ? RowFlags.Measured : RowFlags.None)
            | (run.State == RunState.Retried && outcome is null ? RowFlags.EndInferred : RowFlags.None);
        plain = plain && run.Submitted == submitted?.At && run.Received == received?.At && run.Started == started?.At
            && (outcome is null ? run.Finished is null || run.State == RunState.Retried : run.Finished == outcome.At)
            && Agree(row.Facts, run);
        return plain ? flags : flags | RowFlags.Listed;
    }

    /// <summary>The facts that a plain row stands for.</summary>
    public static List<TaskEvent> Facts(TaskRun run, RowFlags flags)
    {
        var facts = new List<TaskEvent>(4);
        if (run.Submitted is { } submitted)
        {
            facts.Add(Telling(run, EventKind.Submitted, submitted, flags.HasFlag(RowFlags.SubmittedNamed), flags));
        }
        if (run.Received is { } received)
        {
            facts.Add(Telling(run, EventKind.Received, received, flags.HasFlag(RowFlags.ReceivedNamed), flags));
        }
        if (run.Started is { } started)
        {
            bool named = flags.HasFlag(RowFlags.StartedNamed);
            facts.Add(facts.Count == 0 ? Telling(run, EventKind.Started, started, named, flags) : Bare(run, EventKind.Started, started, named));
        }
        if (run.Finished is { } finished && !flags.HasFlag(RowFlags.EndInferred))
        {
            bool named = flags.HasFlag(RowFlags.OutcomeNamed);
            facts.Add(facts.Count == 0 ? Telling(run, OutcomeOf(run.State), finished, named, flags) : Ending(run, finished, named, flags));
        }
        return facts;
    }

    static TaskEvent Bare(TaskRun run, EventKind kind, Instant at, bool named) => new()
    {
        Source = run.Source, Id = run.Id, Kind = kind, At = at, Attempt = named ? run.Attempt : null, Worker = run.Worker,
    };

    static TaskEvent Ending(TaskRun run, Instant at, bool named, RowFlags flags) => new()
    {
        Source = run.Source, Id = run.Id, Kind = OutcomeOf(run.State), At = at, Attempt = named ? run.Attempt : null, Worker = run.Worker,
        Result = run.Result, Exception = run.Exception, Traceback = run.Traceback, Reason = run.Reason,
        Runtime = flags.HasFlag(RowFlags.Measured) ? run.Runtime : null,
    };

    /// <summary>The fact that tells what the run is about; every field at once, for these are made by the hundred thousand.</summary>
    static TaskEvent Telling(TaskRun run, EventKind kind, Instant at, bool named, RowFlags flags) => new()
    {
        Source = run.Source, Id = run.Id, Kind = kind, At = at, Attempt = named ? run.Attempt : null,
        Worker = kind == EventKind.Submitted ? null : run.Worker,
        Task = run.Task, Args = run.Args, Kwargs = run.Kwargs, Queue = run.Queue, App = run.App, Parent = run.Parent, Root = run.Root,
        Eta = run.Eta, Expires = run.Expires, Priority = run.Priority,
        Result = kind.IsOutcome() ? run.Result : null, Exception = kind.IsOutcome() ? run.Exception : null,
        Traceback = kind.IsOutcome() ? run.Traceback : null, Reason = kind.IsOutcome() ? run.Reason : null,
        Runtime = kind.IsOutcome() && flags.HasFlag(RowFlags.Measured) ? run.Runtime : null,
    };

    static EventKind OutcomeOf(RunState state) => state switch
    {
        RunState.Completed => EventKind.Succeeded,
        RunState.Failed => EventKind.Failed,
        RunState.Retried => EventKind.Retried,
        RunState.Skipped => EventKind.Skipped,
        _ => EventKind.Cancelled,
    };

    static bool TrySet(ref TaskEvent? place, TaskEvent fact)
    {
        bool free = place is null;
        place = fact;
        return free;
    }

    static bool Named(TaskEvent? fact) => fact?.Attempt is not null;

    /// <summary>The facts say nothing that the row does not, and the row nothing that none of them says: it took nothing from the attempt below.</summary>
    static bool Agree(IReadOnlyList<TaskEvent> facts, TaskRun run)
    {
        bool task = run.Task is null, args = run.Args is null, kwargs = run.Kwargs is null, queue = run.Queue is null;
        bool app = run.App is null, parent = run.Parent is null, root = run.Root is null;
        for (int i = 0; i < facts.Count; i++)
        {
            TaskEvent fact = facts[i];
            bool agrees = Told(fact.Task, run.Task, ref task) && Told(fact.Args, run.Args, ref args) && Told(fact.Kwargs, run.Kwargs, ref kwargs)
                && Told(fact.Queue, run.Queue, ref queue) && Told(fact.App, run.App, ref app) && Told(fact.Parent, run.Parent, ref parent)
                && Told(fact.Root, run.Root, ref root) && AgreesInNumbers(fact, run)
                && (fact.Kind.IsOutcome() || (fact.Result ?? fact.Exception ?? fact.Traceback ?? fact.Reason) is null);
            if (!agrees)
            {
                return false;
            }
        }
        return task && args && kwargs && queue && app && parent && root;
    }

    static bool Told(string? byFact, string? byRow, ref bool told)
    {
        told |= byFact is not null;
        return byFact is null || ReferenceEquals(byFact, byRow) || byFact == byRow;
    }

    static bool AgreesInNumbers(TaskEvent fact, TaskRun run) =>
        (fact.Eta is null || fact.Eta == run.Eta) && (fact.Expires is null || fact.Expires == run.Expires)
        && (fact.Priority is null || fact.Priority == run.Priority) && (fact.Attempt is null || fact.Attempt == run.Attempt)
        && (fact.Runtime is null || fact.Kind.IsOutcome()) && fact.Text is null && fact.Percent is null;
}
