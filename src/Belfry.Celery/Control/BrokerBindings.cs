using System.Globalization;
using Belfry.Celery.Redis;

namespace Belfry.Celery.Control;

/// <summary>Which queue gets what is published to which exchange.</summary>
/// <param name="Exchange">The exchange.</param>
/// <param name="RoutingKey">The routing key.</param>
/// <param name="Queue">The queue.</param>
public sealed record BrokerBinding(string Exchange, string RoutingKey, string Queue);

/// <summary>Reads the bindings of a broker.</summary>
public static class BrokerBindings
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>All bindings that kombu wrote to Redis, exchanges by name; null on RabbitMQ, which tells them only to its own tools.</summary>
    /// <remarks>It goes through all keys of the database, a thousand at a time: three seconds where there is a million.</remarks>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    /// <exception cref="BrokerException">The broker refused.</exception>
    public static async Task<IReadOnlyList<BrokerBinding>?> ReadAsync(CeleryCluster cluster, TimeProvider clock, CancellationToken cancel) =>
        cluster.Broker.Kind == BrokerKind.Redis ? await new RedisQuestions(cluster.Broker, Patience, clock).UseAsync(connection => Read(connection, cluster, cancel), cancel) : null;

    static List<BrokerBinding> Read(RedisConnection connection, CeleryCluster cluster, CancellationToken cancel)
    {
        string prefix = $"{cluster.KeyPrefix}_kombu.binding.";
        var bindings = new List<BrokerBinding>();
        foreach (string key in Keys(connection, prefix, cancel).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            foreach (RespReply member in connection.Command("SMEMBERS", key).Items ?? [])
            {
                string[] parts = (member.Text ?? "").Split(cluster.Separator);
                bindings.Add(new BrokerBinding(key[prefix.Length..], parts[0], parts[^1]));
            }
        }
        return bindings;
    }

    static IEnumerable<string> Keys(RedisConnection connection, string prefix, CancellationToken cancel)
    {
        string pattern = $"{CeleryCluster.Escaped(prefix)}*", cursor = "0";
        do
        {
            cancel.ThrowIfCancellationRequested();
            RespReply page = connection.Command("SCAN", cursor, "MATCH", pattern, "COUNT", 1000.ToString(CultureInfo.InvariantCulture));
            cursor = page.Items?[0].Text ?? "0";
            foreach (RespReply key in page.Items?[1].Items ?? [])
            {
                yield return key.Text ?? "";
            }
        }
        while (cursor != "0");
    }
}
