using Belfry.Celery.Events;
using Belfry.Celery.RabbitMq;
using Belfry.Celery.Redis;
using RabbitMQ.Client;

namespace Belfry.Celery;

/// <summary>Tries whether a broker can be reached.</summary>
public static class BrokerProbe
{
    /// <summary>Connects, logs in, and asks who it is and what time it has; on RabbitMQ also whether we may do what listening needs, and whether it takes messages. It leaves nothing behind.</summary>
    /// <exception cref="BrokerException">It refused; the message is for an operator.</exception>
    /// <exception cref="IOException">It cannot be reached.</exception>
    public static Task<BrokerAnswer> AskAsync(CeleryCluster cluster, TimeSpan timeout, TimeProvider clock, CancellationToken cancel) =>
        cluster.Broker.Kind == BrokerKind.RabbitMq ? AskRabbitAsync(cluster, timeout, cancel) : AskRedisAsync(cluster.Broker, timeout, clock, cancel);

    static Task<BrokerAnswer> AskRedisAsync(BrokerUrl url, TimeSpan timeout, TimeProvider clock, CancellationToken cancel) =>
        new RedisQuestions(url, timeout, clock).UseAsync(connection => new BrokerAnswer(Version(connection), ClockOffset(connection, clock)), cancel);

    static async Task<BrokerAnswer> AskRabbitAsync(CeleryCluster cluster, TimeSpan timeout, CancellationToken cancel)
    {
        await using var connection = new RabbitConnection(cluster.Broker, $"look at {cluster.Source}", timeout);
        string server = await connection.ServerAsync(cancel).ConfigureAwait(false);
        try
        {
            await connection.UseAsync(channel => TryRightsAsync(channel, cluster, cancel), cancel).ConfigureAwait(false);
        }
        catch (RabbitException refused) when (refused.Code == Constants.NotFound)
        {
            // No worker has come yet, or the user's first listener makes the exchange.
        }
        return new BrokerAnswer(server, ClockOffset: null) { Alarm = await AlarmAsync(cluster, timeout, cancel).ConfigureAwait(false) };
    }

    static async Task<string?> AlarmAsync(CeleryCluster cluster, TimeSpan timeout, CancellationToken cancel)
    {
        await using var publisher = new RabbitPublisher(cluster.Broker, $"look at {cluster.Source}", timeout);
        try
        {
            await publisher.PutAsync("", "", [], cancel).ConfigureAwait(false);
            return null;
        }
        catch (RabbitException refused) when (refused.Alarm is not null)
        {
            return refused.Alarm;
        }
    }

    // What the listener will do, with a queue that goes with this connection.
    static async Task<bool> TryRightsAsync(IChannel channel, CeleryCluster cluster, CancellationToken cancel)
    {
        string queue = $"{OwnQueue.NameOf(cluster)}.look.{Guid.NewGuid():N}";
        await channel.QueueDeclareAsync(queue, durable: false, exclusive: true, autoDelete: true, cancellationToken: cancel).ConfigureAwait(false);
        await channel.QueueBindAsync(queue, cluster.EventExchange, "no event has this key", cancellationToken: cancel).ConfigureAwait(false);
        await channel.BasicGetAsync(queue, autoAck: true, cancel).ConfigureAwait(false);
        await channel.QueueDeleteAsync(queue, cancellationToken: cancel).ConfigureAwait(false);
        return true;
    }

    /// <summary>A user may be allowed to listen and nothing else; then these stay unknown.</summary>
    static string Version(RedisConnection connection)
    {
        const string key = "redis_version:";
        string? line = connection.Command("INFO", "server").Text?.Split('\n').FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal));
        return line is null ? "Redis" : $"Redis {line[key.Length..].Trim()}";
    }

    static TimeSpan? ClockOffset(RedisConnection connection, TimeProvider clock)
    {
        Instant before = Instant.Now(clock);
        RespReply reply = connection.Command("TIME");
        Instant after = Instant.Now(clock);
        bool told = reply.Items is { Count: 2 } parts & long.TryParse(reply.Items?[0].Text, out long seconds) & long.TryParse(reply.Items?[1].Text, out long micros);
        return told ? new Instant((seconds * 1_000_000) + micros) - new Instant((before.Micros + after.Micros) / 2) : null;
    }
}

/// <summary>What a broker says of itself.</summary>
/// <param name="Server">Name and version, e.g. <c>Redis 7.0.15</c> or <c>RabbitMQ 3.10.8</c>.</param>
/// <param name="ClockOffset">By how much its clock is ahead of ours; null when it does not tell.</param>
public sealed record BrokerAnswer(string Server, TimeSpan? ClockOffset)
{
    /// <summary>What it is short of, and takes no messages for now: <c>low on memory</c>; null when it takes them.</summary>
    public string? Alarm { get; init; }
}
