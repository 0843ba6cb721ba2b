namespace Belfry.Celery.Events;

/// <summary>What Celery calls the kinds of events.</summary>
static class EventKindNames
{
    /// <summary>The kind and, where it has one, the reason; null for a name that Belfry does not know.</summary>
    public static (EventKind Kind, string? Reason)? Of(scoped in EventFields fields)
    {
        ReadOnlySpan<byte> type = fields.Bytes(EventField.Type);
        return type.Length switch
        {
            9 when type.SequenceEqual("task-sent"u8) => (EventKind.Submitted, null),
            11 when type.SequenceEqual("task-failed"u8) => (EventKind.Failed, null),
            12 when type.SequenceEqual("task-started"u8) => (EventKind.Started, null),
            12 when type.SequenceEqual("task-retried"u8) => (EventKind.Retried, null),
            12 when type.SequenceEqual("task-revoked"u8) => (EventKind.Cancelled, Revoked(fields)),
            13 when type.SequenceEqual("task-received"u8) => (EventKind.Received, null),
            13 when type.SequenceEqual("task-rejected"u8) => (fields.True(EventField.Requeue) ? EventKind.Requeued : EventKind.Cancelled, "rejected"),
            13 when type.SequenceEqual("worker-online"u8) => (EventKind.WorkerOnline, null),
            14 when type.SequenceEqual("task-succeeded"u8) => (EventKind.Succeeded, null),
            14 when type.SequenceEqual("task-cancelled"u8) => (EventKind.Cancelled, "cancelled"),
            14 when type.SequenceEqual("worker-offline"u8) => (EventKind.WorkerOffline, null),
            16 when type.SequenceEqual("worker-heartbeat"u8) => (EventKind.WorkerHeartbeat, null),
            > 5 when type.StartsWith("task-"u8) => (EventKind.Progress, null),
            _ => null,
        };
    }

    /// <summary>Elections of gossip: workers talk to each other on the same channel.</summary>
    public static bool IsGossip(ReadOnlySpan<byte> type) => type.SequenceEqual("worker-elect"u8) || type.SequenceEqual("worker-elect-ack"u8);

    static string Revoked(scoped in EventFields fields) =>
        fields.True(EventField.Expired) ? "expired" : fields.True(EventField.Terminated) ? "terminated" : "revoked";
}
