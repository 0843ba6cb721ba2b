using Belfry.Celery.Redis;

namespace Belfry.Celery;

/// <summary>Tries whether a broker can be reached.</summary>
public static class BrokerProbe
{
    /// <summary>Connects, logs in, and asks who it is and what time it has.</summary>
    /// <exception cref="RedisException">It refused; the message is for an operator.</exception>
    /// <exception cref="IOException">It cannot be reached.</exception>
    public static Task<BrokerAnswer> AskAsync(BrokerUrl url, TimeSpan timeout, TimeProvider clock, CancellationToken cancel) => Task.Run(
        () =>
        {
            using RedisConnection connection = RedisConnection.Open(url, timeout, clock, cancel);
            connection.ReadTimeout = timeout;
            return new BrokerAnswer(Version(connection), ClockOffset(connection, clock));
        },
        cancel);

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
/// <param name="Server">Name and version, e.g. <c>Redis 7.0.15</c>.</param>
/// <param name="ClockOffset">By how much its clock is ahead of ours; null when it does not tell.</param>
public sealed record BrokerAnswer(string Server, TimeSpan? ClockOffset);
