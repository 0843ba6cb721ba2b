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
}

/// <summary>
/// The ordinary row: one fact of each kind and one worker, so that its columns stand for its facts. All but about 3 in 1,000 are.
/// </summary>
static class PlainRow
{
    /// <summary>Flags of a row; <see cref="RowFlags.Listed"/> among them when its facts must be kept beside it.</summary>
    public static RowFlags FlagsOf(in FoldedRun row)
    {
        TaskRun run = row.Run;
        RowFlags flags = run.ClockOff ? RowFlags.ClockOff : RowFlags.None;
        flags |= run.Root is not null && run.Root == run.Id ? RowFlags.RootIsSelf : RowFlags.None;
        TaskEvent? submitted = null, received = null, started = null, outcome = null;
        bool plain = !run.ClockOff && run.Context is null && run.Extra is null && row.Facts.Count <= 4;
        foreach (TaskEvent fact in row.Facts)
        {
            plain &= fact.Kind switch
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
            && row.Facts.All(fact => Agrees(fact, run)) && Sets(row.Facts, run);
        return plain ? flags : flags | RowFlags.Listed;
    }

    /// <summary>The facts that a plain row stands for.</summary>
    public static IEnumerable<TaskEvent> Facts(TaskRun run, RowFlags flags)
    {
        bool told = false;
        if (run.Submitted is { } submitted)
        {
            told = true;
            yield return Told(run, EventKind.Submitted, submitted, flags.HasFlag(RowFlags.SubmittedNamed)) with { Worker = null };
        }
        if (run.Received is { } received)
        {
            told = true;
            yield return Told(run, EventKind.Received, received, flags.HasFlag(RowFlags.ReceivedNamed));
        }
        if (run.Started is { } started)
        {
            TaskEvent fact = Bare(run, EventKind.Started, started, flags.HasFlag(RowFlags.StartedNamed));
            yield return told ? fact : Telling(fact, run);
            told = true;
        }
        if (run.Finished is { } finished && !flags.HasFlag(RowFlags.EndInferred))
        {
            TaskEvent fact = Bare(run, OutcomeOf(run.State), finished, flags.HasFlag(RowFlags.OutcomeNamed)) with
            {
                Result = run.Result, Exception = run.Exception, Traceback = run.Traceback, Reason = run.Reason,
                Runtime = flags.HasFlag(RowFlags.Measured) ? run.Runtime : null,
            };
            yield return told ? fact : Telling(fact, run);
        }
    }

    static TaskEvent Bare(TaskRun run, EventKind kind, Instant at, bool named) => new()
    {
        Source = run.Source, Id = run.Id, Kind = kind, At = at, Attempt = named ? run.Attempt : null, Worker = run.Worker,
    };

    static TaskEvent Told(TaskRun run, EventKind kind, Instant at, bool named) => Telling(Bare(run, kind, at, named), run);

    static TaskEvent Telling(TaskEvent fact, TaskRun run) => fact with
    {
        Task = run.Task, Args = run.Args, Kwargs = run.Kwargs, Queue = run.Queue, App = run.App, Parent = run.Parent, Root = run.Root,
        Eta = run.Eta, Expires = run.Expires, Priority = run.Priority,
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

    /// <summary>The fact says nothing that the row does not.</summary>
    static bool Agrees(TaskEvent fact, TaskRun run)
    {
        bool isOutcome = fact.Kind.IsOutcome();
        return (fact.Task ?? run.Task) == run.Task && (fact.Args ?? run.Args) == run.Args && (fact.Kwargs ?? run.Kwargs) == run.Kwargs
            && (fact.Queue ?? run.Queue) == run.Queue && (fact.App ?? run.App) == run.App
            && (fact.Parent ?? run.Parent) == run.Parent && (fact.Root ?? run.Root) == run.Root
            && (fact.Eta ?? run.Eta) == run.Eta && (fact.Expires ?? run.Expires) == run.Expires
            && (fact.Priority ?? run.Priority) == run.Priority && (fact.Attempt ?? run.Attempt) == run.Attempt
            && (isOutcome || (fact.Result ?? fact.Exception ?? fact.Traceback ?? fact.Reason ?? fact.Text) is null)
            && (isOutcome || fact.Runtime is null) && fact.Text is null && fact.Percent is null;
    }

    /// <summary>The row says nothing that one of its own facts does not: it took nothing from the attempt below.</summary>
    static bool Sets(IReadOnlyList<TaskEvent> facts, TaskRun run) =>
        (run.Task is null || facts.Any(fact => fact.Task is not null))
        && (run.Args is null || facts.Any(fact => fact.Args is not null))
        && (run.Kwargs is null || facts.Any(fact => fact.Kwargs is not null))
        && (run.Queue is null || facts.Any(fact => fact.Queue is not null))
        && (run.App is null || facts.Any(fact => fact.App is not null))
        && (run.Parent is null || facts.Any(fact => fact.Parent is not null))
        && (run.Root is null || facts.Any(fact => fact.Root is not null));
}
