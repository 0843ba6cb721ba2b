namespace Belfry.Storage;

/// <summary>A quantity that was measured, or a text that was told.</summary>
/// <param name="Source">By which source: a cluster's name.</param>
/// <param name="Kind">What, as in <see cref="SampleKinds"/>.</param>
/// <param name="Subject">Of what: a queue, a worker; empty when of the source itself.</param>
/// <param name="At">When.</param>
/// <param name="Value">The quantity; null for a text.</param>
/// <param name="Text">The text, of which only the latest is kept.</param>
public sealed record Sample(string Source, string Kind, string Subject, Instant At, double? Value, string? Text = null);

/// <summary>What the server itself measures. Any other name may stand beside these.</summary>
public static class SampleKinds
{
    /// <summary>Messages that wait in a queue.</summary>
    public const string QueueLength = "queue-length";

    /// <summary>How long the oldest message of a queue waits, in seconds: an estimate.</summary>
    public const string QueueOldestAge = "queue-oldest-age";

    /// <summary>How many consume from a queue.</summary>
    public const string QueueConsumers = "queue-consumers";

    /// <summary>Workers of a source that are online.</summary>
    public const string WorkersOnline = "workers-online";

    /// <summary>What a component of a worker tells of its health, as <see cref="WorkerFacts"/>.</summary>
    public const string WorkerFact = "worker-fact";

    /// <summary>How many runs of which task the workers of a source have begun, as they say themselves: a text.</summary>
    public const string WorkerStarts = "worker-starts";

    /// <summary>Runs that a worker began and of which nothing else is known; the text has the latest ones.</summary>
    public const string UnseenStarts = "unseen-starts";
}

/// <summary>What was measured in a stretch of time.</summary>
/// <param name="At">Where the stretch begins.</param>
/// <param name="Average">The mean.</param>
/// <param name="Peak">The largest.</param>
public readonly record struct SamplePoint(Instant At, double Average, double Peak);
