namespace Belfry.Storage.Writing;

/// <summary>What the work queue wants written with the next group. It can be tried again: what it brings is known after the commit.</summary>
sealed class WorkOrders
{
    /// <summary>Calls to put.</summary>
    public List<PutOrder> Puts { get; init; } = [];

    /// <summary>Attempts that ended.</summary>
    public List<EndOrder> Ends { get; init; } = [];

    /// <summary>Claimed calls to give back.</summary>
    public List<ReleaseOrder> Releases { get; init; } = [];

    /// <summary>Waiting calls to cancel.</summary>
    public List<RevokeOrder> Revokes { get; init; } = [];

    /// <summary>Workers that ask for calls; those that get some have their claims in the same group.</summary>
    public List<AskOrder> Asks { get; init; } = [];

    /// <summary>Starts that schedulers claim, where a log is of several processes.</summary>
    public List<StartOrder> Starts { get; init; } = [];

    /// <summary>When the next waiting call becomes due; null when none does. Told by the writer.</summary>
    public Instant? NextDue { get; set; }

    /// <summary>Those who want to know how many calls wait in each queue.</summary>
    public List<TaskCompletionSource<IReadOnlyDictionary<string, int>>> Counts { get; init; } = [];

    /// <summary>What they are told. Told by the writer.</summary>
    public IReadOnlyDictionary<string, int> Counted { get; set; } = new Dictionary<string, int>();

    public bool IsEmpty => Puts.Count == 0 && Ends.Count == 0 && Releases.Count == 0 && Revokes.Count == 0 && Asks.Count == 0 && Counts.Count == 0 && Starts.Count == 0;
}

/// <summary>A call to put.</summary>
/// <param name="call">The call.</param>
/// <param name="submitted">Its event, as the log may show it.</param>
sealed class PutOrder(QueuedCall call, TaskEvent submitted)
{
    public QueuedCall Call { get; } = call;

    public TaskEvent Submitted { get; } = submitted;

    public TaskCompletionSource<bool> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>It was put; false when a run with its id was there.</summary>
    public bool IsNew { get; set; }
}

/// <summary>An attempt that ended.</summary>
/// <param name="call">The claimed call.</param>
/// <param name="started">When it began.</param>
/// <param name="ended">The event of its end, as the log may show it.</param>
/// <param name="next">What follows; null when nothing does.</param>
sealed class EndOrder(ClaimedCall call, Instant started, TaskEvent ended, NextAttempt? next)
{
    public ClaimedCall Call { get; } = call;

    public Instant Started { get; } = started;

    public TaskEvent Ended { get; } = ended;

    public NextAttempt? Next { get; } = next;

    public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>The attempt that follows another.</summary>
/// <param name="Call">The call, as it waits from now on.</param>
/// <param name="Submitted">Its event, as the log may show it.</param>
/// <param name="IsAfterDeath">The process of the attempt before died.</param>
sealed record NextAttempt(QueuedCall Call, TaskEvent Submitted, bool IsAfterDeath);

/// <summary>Claimed calls to give back.</summary>
sealed record ReleaseOrder(IReadOnlyList<ClaimedCall> Calls, TaskCompletionSource Done);

/// <summary>A waiting call to cancel.</summary>
sealed class RevokeOrder(string id)
{
    public string Id { get; } = id;

    public TaskCompletionSource<bool> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>It waited.</summary>
    public bool Found { get; set; }
}

/// <summary>A worker that asks for calls.</summary>
sealed class AskOrder(WorkRoom room)
{
    public WorkRoom Room { get; } = room;

    public TaskCompletionSource<IReadOnlyList<ClaimedCall>> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What it gets.</summary>
    public List<ClaimedCall> Claimed { get; set; } = [];

    /// <summary>The writer has it in hand.</summary>
    public bool IsTaken { get; set; }

    /// <summary>It waits no longer, unless the group in hand has something for it.</summary>
    public bool GivesUp { get; set; }
}

/// <summary>Starts that a scheduler claims together.</summary>
/// <param name="claims">The claims.</param>
/// <param name="events">Their events, as the log may show them.</param>
sealed class StartOrder(IReadOnlyList<RunClaim> claims, IReadOnlyList<TaskEvent> events)
{
    const int Waits = 0, InHand = 1, Withdrawn = 2;
    int _stage;

    public IReadOnlyList<RunClaim> Claims { get; } = claims;

    public IReadOnlyList<TaskEvent> Events { get; } = events;

    /// <summary>Which were granted. Told by the writer.</summary>
    public bool[] Granted { get; } = new bool[claims.Count];

    public TaskCompletionSource<IReadOnlyList<bool>> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The writer takes it in hand; false when nobody waits for it any more. A start that is granted must be executed, so whoever waited too long withdraws.</summary>
    public bool TryTakeUp()
    {
        Array.Clear(Granted);
        return Interlocked.CompareExchange(ref _stage, InHand, Waits) != Withdrawn;
    }

    /// <summary>The group was rolled back, and is tried again.</summary>
    public void PutBack() => Interlocked.CompareExchange(ref _stage, Waits, InHand);

    /// <summary>Nobody waits for it any more; false while the writer has it in hand.</summary>
    public bool TryWithdraw() => Interlocked.CompareExchange(ref _stage, Withdrawn, Waits) != InHand;
}
