namespace Belfry.Celery.Reconciling;

/// <summary>What waits at the broker.</summary>
public sealed record BrokerLook
{
    /// <summary>Messages in queues, by run.</summary>
    public IReadOnlyDictionary<string, MessageEvidence> Queued { get; init; } = new Dictionary<string, MessageEvidence>();

    /// <summary>Messages that workers have taken and not acknowledged, by run.</summary>
    public IReadOnlyDictionary<string, MessageEvidence> Unacked { get; init; } = new Dictionary<string, MessageEvidence>();

    /// <summary>Since when the broker is the one that it is: of what workers had taken before they know nothing any more. Null where it does not tell.</summary>
    public Instant? Since { get; init; }

    /// <summary>All of them could be looked at: no queue was too long.</summary>
    public bool Complete { get; init; } = true;

    /// <summary>Nothing waits in any queue; told where they cannot be looked into.</summary>
    public bool Drained { get; init; }
}
