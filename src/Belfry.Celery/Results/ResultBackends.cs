namespace Belfry.Celery.Results;

/// <summary>Finds the result backend that a cluster names.</summary>
public static class ResultBackends
{
    /// <summary>The backend of a cluster; null when it names none.</summary>
    /// <exception cref="FormatException">It names one that Belfry cannot read.</exception>
    public static IResultBackend? Of(CeleryCluster cluster, TimeProvider clock)
    {
        string url = cluster.ResultBackend;
        return url.Length == 0 ? null : Scheme(url) switch
        {
            "redis" or "rediss" or "redis+socket" => new RedisResults(BrokerUrl.Parse(url), cluster.ResultKeyPrefix, clock),
            "sentinel" => new RedisResults(BrokerUrl.Parse(url).WithSentinelOf(cluster.Broker), cluster.ResultKeyPrefix, clock),
            "rpc" when cluster.Broker.Kind == BrokerKind.RabbitMq => new RpcResults(cluster),
            "rpc" => throw new FormatException("results over rpc:// come through RabbitMQ only"),
            "db+postgresql" or "db+postgresql+psycopg2" or "db+postgresql+psycopg" or "postgresql" => new DatabaseResults(url, clock),
            var scheme => throw new FormatException($"Belfry cannot read results from {scheme}://: use redis://, rediss://, redis+socket://, sentinel://, db+postgresql:// or, with RabbitMQ, rpc://"),
        };
    }

    static string Scheme(string url) => url.IndexOf("://", StringComparison.Ordinal) is > 0 and var colon ? url[..colon].ToLowerInvariant() : url;
}
