using Microsoft.Extensions.Logging;

namespace Belfry.Celery.Events;

/// <summary>The events of a cluster, as long as it stands: connects, reads, reconnects, and says what it missed.</summary>
public interface IEventStream : IAsyncDisposable
{
    /// <summary>What it is, as the log calls such a source: <c>celery-redis</c>, <c>celery-rabbitmq</c>.</summary>
    string Kind { get; }

    /// <summary>It loses what is sent while nobody listens.</summary>
    bool Misses { get; }

    /// <summary>How the connection does now.</summary>
    SubscriptionStatus Status { get; }

    /// <summary>Everything that arrived at the broker until then has been decoded: now, unless some of it waits.</summary>
    Instant ReadUntil { get; }

    /// <summary>Batches of events as they come, until cancelled.</summary>
    IAsyncEnumerable<EventBatch> ReadAsync(CancellationToken cancel);

    /// <summary>This batch and all before it are committed: the broker need not keep them any longer. In the order of the batches.</summary>
    Task AcknowledgeAsync(EventBatch batch);

    /// <summary>Reads no more from the broker; what was read is still given out, and then <see cref="ReadAsync"/> ends.</summary>
    void Stop();
}

/// <summary>Opens streams of events.</summary>
public static class EventStreams
{
    internal const string OverRedis = "celery-redis", OverRabbitMq = "celery-rabbitmq";

    /// <summary>What the log calls a source that is read over such a broker.</summary>
    public static string KindOf(BrokerKind broker) => broker == BrokerKind.RabbitMq ? OverRabbitMq : OverRedis;

    /// <summary>A source of that kind is a cluster of Celery.</summary>
    public static bool IsOne(string kind) => kind is OverRedis or OverRabbitMq;

    /// <summary>The stream of a cluster, as its broker has it. Begins to read at once.</summary>
    /// <param name="cluster">What to read.</param>
    /// <param name="options">Bounds and times.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="random">Spreads reconnections, so that many servers do not come back at the same instant.</param>
    /// <param name="loggers">Takes connections and their loss.</param>
    public static IEventStream Of(CeleryCluster cluster, SubscriptionOptions options, TimeProvider clock, Random random, ILoggerFactory loggers) => cluster.Broker.Kind switch
    {
        BrokerKind.RabbitMq => new EventQueue(cluster, options, clock, random, loggers.CreateLogger<EventQueue>()),
        _ => new EventSubscription(cluster, options, clock, random, loggers.CreateLogger<EventSubscription>()),
    };
}
