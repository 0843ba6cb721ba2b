namespace Belfry.Celery.Queues;

/// <summary>The queues of a cluster, whatever its broker is.</summary>
public static class BrokerQueues
{
    /// <summary>Those of a cluster. Nothing is connected before it is used.</summary>
    public static IBrokerQueues Of(CeleryCluster cluster, TimeProvider clock) =>
        cluster.Broker.Kind == BrokerKind.RabbitMq ? new RabbitQueues(cluster) : new RedisQueues(cluster, clock);
}
