namespace Belfry;

/// <summary>The calls that wait for a worker, and those at work: the durable part of "call it now or later".</summary>
/// <remarks>
/// A waiting call is an open run of the log, so that queue and log are one write. Calls start in the order of their priority, then of the instant
/// from which they are due, then of their arrival. A call is executed at least once: one whose process died is Lost and runs again as the next attempt.
/// </remarks>
public interface IWorkQueue
{
    /// <summary>Other processes may execute what this one calls.</summary>
    bool IsShared { get; }

    /// <summary>Puts a call. Completes when it is on disk.</summary>
    /// <returns>False when there is a run with its id already: nothing was put.</returns>
    Task<bool> PutAsync(QueuedCall call, CancellationToken cancel);

    /// <summary>Takes calls that may start now, as many as there is room for; waits until there is one. Completes when the claim is on disk.</summary>
    /// <param name="room">Who asks, and what it can take. The calls have entered it.</param>
    /// <param name="cancel">Ends the wait; a claim that is being written is still answered.</param>
    Task<IReadOnlyList<ClaimedCall>> ClaimAsync(WorkRoom room, CancellationToken cancel);

    /// <summary>Notes that a claimed call has been at work for a while, so that the log shows it as running. A call that ends soon is noted once, at its end.</summary>
    Task BeginAsync(ClaimedCall call, Instant started, CancellationToken cancel);

    /// <summary>Notes how a claimed call ended. Completes when that is on disk.</summary>
    /// <remarks>The call leaves its room before this: what waits for the room is looked at again.</remarks>
    Task EndAsync(ClaimedCall call, CallEnd end);

    /// <summary>Gives back claimed calls that were not begun; they wait again, as the same attempt.</summary>
    Task ReleaseAsync(IReadOnlyList<ClaimedCall> calls);

    /// <summary>Cancels a call that waits.</summary>
    /// <returns>False when none with that id waits: it is at work, has ended, or never was.</returns>
    Task<bool> RevokeAsync(string id, CancellationToken cancel);

    /// <summary>How many calls wait in each queue that has any.</summary>
    Task<IReadOnlyDictionary<string, int>> WaitingAsync(CancellationToken cancel);
}

/// <summary>A call of a task, as it waits.</summary>
public sealed record QueuedCall
{
    /// <summary>The queue of calls that name none.</summary>
    public const string DefaultQueue = "default";

    /// <summary>Id of the run.</summary>
    public required string Id { get; init; }

    /// <summary>The task's name.</summary>
    public required string Task { get; init; }

    /// <summary>When it was called.</summary>
    public required Instant Submitted { get; init; }

    /// <summary>In which queue it waits.</summary>
    public string Queue { get; init; } = DefaultQueue;

    /// <summary>The higher goes first; 0 by default.</summary>
    public int Priority { get; init; }

    /// <summary>Not to start before.</summary>
    public Instant? Eta { get; init; }

    /// <summary>Not to start after: then it is Cancelled, with the reason <c>expired</c>.</summary>
    public Instant? Expires { get; init; }

    /// <summary>Positional arguments, a JSON array; null for none.</summary>
    public string? Args { get; init; }

    /// <summary>Named arguments, a JSON object; null for none.</summary>
    public string? Kwargs { get; init; }

    /// <summary>The arguments as the log may show them; null for as they are.</summary>
    public ShownArguments? Shown { get; init; }

    /// <summary>Id of the run that called it.</summary>
    public string? Parent { get; init; }

    /// <summary>Id of the first run of the family.</summary>
    public string? Root { get; init; }

    /// <summary>Its id is made of a key: there may be a run with it already, and then this one is not put.</summary>
    public bool IsKeyed { get; init; }

    /// <summary>From when on it may start.</summary>
    public Instant Due => Eta ?? Submitted;
}

/// <summary>Arguments without what is private.</summary>
/// <param name="Args">In order.</param>
/// <param name="Kwargs">By name.</param>
public sealed record ShownArguments(string? Args, string? Kwargs);

/// <summary>A call that a worker has, for one attempt.</summary>
/// <param name="Call">The call.</param>
/// <param name="Attempt">The attempt, from 1.</param>
/// <param name="Worker">Who has it.</param>
/// <param name="Ticket">What the queue knows it by.</param>
public sealed record ClaimedCall(QueuedCall Call, int Attempt, string Worker, object? Ticket)
{
    /// <summary>How many processes have died of it before.</summary>
    public int Deaths { get; init; }
}

/// <summary>How an attempt at a call ended.</summary>
/// <param name="Kind">Succeeded, failed, retried, cancelled or skipped; lost when a process of its own died: then it runs again.</param>
/// <param name="Started">When it began.</param>
/// <param name="Finished">When it ended.</param>
public sealed record CallEnd(EventKind Kind, Instant Started, Instant Finished)
{
    /// <summary>What it returned, as JSON.</summary>
    public string? Result { get; init; }

    /// <summary>What it threw.</summary>
    public string? Exception { get; init; }

    /// <summary>Its trace.</summary>
    public string? Traceback { get; init; }

    /// <summary>Why it was cancelled or skipped.</summary>
    public string? Reason { get; init; }

    /// <summary>From when on the next attempt may start: it waits in the queue from this commit on. Null when there is none.</summary>
    public Instant? RetryAt { get; init; }
}
