namespace Belfry;

/// <summary>What an event reports. The numbers are stored, and their order is that of a life: at one instant the lower counts first.</summary>
public enum EventKind : byte
{
    /// <summary>Submitted: Pending.</summary>
    Submitted = 0,

    /// <summary>A worker has it: Queued.</summary>
    Received = 1,

    /// <summary>It began: Running.</summary>
    Started = 2,

    /// <summary>Given back to its queue: Pending again.</summary>
    Requeued = 3,

    /// <summary>This attempt failed and another follows.</summary>
    Retried = 4,

    /// <summary>Revoked, rejected, terminated or timed out; the reason says which.</summary>
    Cancelled = 5,

    /// <summary>There was nothing to do.</summary>
    Skipped = 6,

    /// <summary>It ended with an error.</summary>
    Failed = 7,

    /// <summary>It ended well.</summary>
    Succeeded = 8,

    /// <summary>Inferred, never reported: its worker died or fell silent. Its instant is the worker's last sign of life.</summary>
    Lost = 9,

    /// <summary>Percent and text of a run at work. Sets no state.</summary>
    Progress = 10,

    /// <summary>What the run is about, known later. Sets no state.</summary>
    Context = 11,

    /// <summary>A worker came.</summary>
    WorkerOnline = 12,

    /// <summary>A worker lives.</summary>
    WorkerHeartbeat = 13,

    /// <summary>A worker begins to stop.</summary>
    WorkerOffline = 14,
}

/// <summary>Reads and writes kinds by their names in the API: <c>submitted</c>, <c>worker-online</c> …</summary>
public static class EventKinds
{
    static readonly string[] Names =
    [
        "submitted", "received", "started", "requeued", "retried", "cancelled", "skipped", "failed", "succeeded", "lost",
        "progress", "context", "worker-online", "worker-heartbeat", "worker-offline",
    ];

    /// <summary>The kind's name in the API.</summary>
    public static string Name(this EventKind kind) => Names[(int)kind];

    /// <summary>Reads a kind by its name in the API.</summary>
    public static bool TryParse(string? text, out EventKind kind)
    {
        int index = Array.IndexOf(Names, text);
        kind = (EventKind)Math.Max(index, 0);
        return index >= 0;
    }

    /// <summary>It ends a delivery: succeeded, failed, retried, skipped or cancelled.</summary>
    public static bool IsOutcome(this EventKind kind) => kind is >= EventKind.Retried and <= EventKind.Succeeded;

    /// <summary>The state in which an end leaves its run: that of an outcome, or of a loss.</summary>
    public static RunState StateAfter(this EventKind kind) => kind switch
    {
        EventKind.Succeeded => RunState.Completed,
        EventKind.Failed => RunState.Failed,
        EventKind.Retried => RunState.Retried,
        EventKind.Skipped => RunState.Skipped,
        EventKind.Lost => RunState.Lost,
        _ => RunState.Cancelled,
    };

    /// <summary>It is about a worker, not about a run.</summary>
    public static bool IsAboutWorker(this EventKind kind) => kind >= EventKind.WorkerOnline;
}
