using System.Globalization;
using System.Text;
using System.Text.Json;
using Belfry.Celery.Redis;

namespace Belfry.Celery.Control;

/// <summary>Speaks to the workers of a cluster, as <c>celery control</c> does.</summary>
/// <param name="cluster">The cluster.</param>
/// <param name="clock">The clock.</param>
public sealed class RemoteControl(CeleryCluster cluster, TimeProvider clock)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Asks workers to send the events of their tasks, as a worker started with <c>-E</c> does. Nobody answers.</summary>
    /// <param name="workers">Their node names; empty for all.</param>
    /// <param name="cancel">Gives up.</param>
    /// <returns>How many heard it: all subscribers of the channel, other monitors included.</returns>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    /// <exception cref="RedisException">The broker refused.</exception>
    public Task<long> EnableEventsAsync(IReadOnlyCollection<string> workers, CancellationToken cancel) => CastAsync("enable_events", workers, cancel);

    Task<long> CastAsync(string method, IReadOnlyCollection<string> workers, CancellationToken cancel) => Task.Run(
        () =>
        {
            // A connection for each call: they are rare, and a broken one would have to be noticed and replaced.
            using RedisConnection connection = RedisConnection.Open(cluster.Broker, Patience, clock, cancel);
            connection.ReadTimeout = Patience;
            return connection.Command("PUBLISH", cluster.ControlChannel, Envelope(method, workers)).Number ?? 0;
        },
        cancel);

    /// <summary>Kombu's envelope around a command without arguments, field for field as Celery sends it.</summary>
    internal string Envelope(string method, IReadOnlyCollection<string> workers)
    {
        string destination = workers.Count == 0 ? "null" : $"[{string.Join(", ", workers.Select(Quoted))}]";
        string body = $$"""{"method": {{Quoted(method)}}, "arguments": {}, "destination": {{destination}}, "pattern": null, "matcher": null}""";
        string encoded = Convert.ToBase64String(Encoding.UTF8.GetBytes(body));
        string expires = ((clock.GetUtcNow() + Patience).ToUnixTimeMilliseconds() / 1000.0).ToString(CultureInfo.InvariantCulture);
        return $$$"""
            {"body": "{{{encoded}}}", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"clock": 1, "expires": {{{expires}}}},
            "properties": {"delivery_mode": 2, "delivery_info": {"exchange": {{{Quoted($"{cluster.ControlExchange}.pidbox")}}}, "routing_key": ""},
            "priority": 0, "body_encoding": "base64", "delivery_tag": "{{{Guid.NewGuid()}}}"}}
            """;
    }

    static string Quoted(string text) => $"\"{JsonEncodedText.Encode(text)}\"";
}
