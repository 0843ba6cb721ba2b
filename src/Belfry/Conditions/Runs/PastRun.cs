namespace Belfry;

/// <summary>What a run did, in the words of conditions.</summary>
public enum RunAction
{
    /// <summary>It began.</summary>
    Started = 0,

    /// <summary>It ended well.</summary>
    Succeeded = 1,

    /// <summary>It failed or timed out.</summary>
    Failed = 2,

    /// <summary>It succeeded, failed or was terminated.</summary>
    Finished = 3,

    /// <summary>It was terminated or timed out.</summary>
    Terminated = 4,

    /// <summary>It decided that there was nothing to do.</summary>
    Skipped = 5,

    /// <summary>It ended in any way but a retry: what <c>every … based on finish</c> counts from.</summary>
    Ended = 6,

    /// <summary>It succeeded, failed or timed out: what releases <c>after task … finished</c>.</summary>
    Done = 7,

    /// <summary>The same, or it was terminated or lost.</summary>
    DoneOrGone = 8,

    /// <summary>Its process died.</summary>
    Lost = 9,
}

/// <summary>One attempt, cut down to what conditions ask.</summary>
/// <param name="Key">Source and id, shared by all attempts.</param>
/// <param name="Attempt">The attempt, from 1.</param>
/// <param name="Started">When it began; null for one that ended before it could.</param>
/// <param name="Ended">When it ended; null while it is open.</param>
/// <param name="State">How it ended.</param>
/// <param name="TimedOut">It was ended by its time limit: a failure as well as a termination.</param>
/// <param name="Called">It came from a queue, which repeats it itself after a crash.</param>
readonly record struct PastRun((string Source, string Id) Key, int Attempt, Instant? Started, Instant? Ended, RunState State, bool TimedOut, bool Called = false)
{
    /// <summary>Where it stands in the order of runs.</summary>
    public Instant From => Started ?? Ended ?? default;

    /// <summary>It has begun or ended.</summary>
    public bool Exists => Started is not null || Ended is not null;

    /// <summary>It is running.</summary>
    public bool IsOpen => Started is not null && Ended is null;

    /// <summary>It failed, was retried or timed out: what <c>retry</c> looks for.</summary>
    public bool IsRetryable => TimedOut || State is RunState.Failed or RunState.Retried;

    public static PastRun Of(TaskRun run) => new(
        (run.Source, run.Id),
        run.Attempt,
        run.Started,
        run.State.IsFinal() ? run.Finished : null,
        run.State,
        run.State == RunState.Cancelled && string.Equals(run.Reason, "timeout", StringComparison.OrdinalIgnoreCase),
        run.Submitted is not null || run.Queue is not null);

    /// <summary>As it was at an instant: later starts and ends have not happened.</summary>
    public PastRun AsOf(Instant now)
    {
        PastRun cut = Ended > now ? this with { Ended = null, State = RunState.Running, TimedOut = false } : this;
        return Started > now ? cut with { Started = null } : cut;
    }

    /// <summary>When it did this; null if it did not.</summary>
    public Instant? At(RunAction action) => action == RunAction.Started ? Started : Is(action) ? Ended : null;

    bool Is(RunAction action) => action switch
    {
        RunAction.Succeeded => State == RunState.Completed,
        RunAction.Failed => TimedOut || State == RunState.Failed,
        RunAction.Finished => State is RunState.Completed or RunState.Failed or RunState.Cancelled,
        RunAction.Terminated => State == RunState.Cancelled,
        RunAction.Skipped => State == RunState.Skipped,
        RunAction.Ended => Ended is not null && State != RunState.Retried,
        RunAction.Done => TimedOut || State is RunState.Completed or RunState.Failed,
        RunAction.DoneOrGone => State is RunState.Completed or RunState.Failed or RunState.Cancelled or RunState.Lost,
        RunAction.Lost => State == RunState.Lost,
        _ => false,
    };
}
