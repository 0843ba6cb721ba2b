using System.Text.Json;
using Belfry.Celery.Control;

namespace Belfry.Server.Sources;

/// <summary>The bindings of a cluster.</summary>
/// <param name="Source">The cluster.</param>
/// <param name="FromBroker">The broker told them; else its workers told those that they take from.</param>
/// <param name="Items">The bindings.</param>
public sealed record ClusterBindings(string Source, bool FromBroker, IReadOnlyList<BrokerBinding> Items)
{
    /// <summary>Reads them: of Redis, or, because RabbitMQ tells them to its own tools only, from what workers take from.</summary>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    /// <exception cref="Celery.BrokerException">The broker refused.</exception>
    public static async Task<ClusterBindings> ReadAsync(Cluster cluster, Inspector inspector, KnownWorkers known, TimeSpan timeout, TimeProvider clock, CancellationToken cancel)
    {
        if (await BrokerBindings.ReadAsync(cluster.Celery, clock, cancel) is { } told)
        {
            return new ClusterBindings(cluster.Name, FromBroker: true, told);
        }
        Inspected said = await inspector.AskAsync(WorkerCommand.Find(WorkerCommand.Inspections, "queues")!, [], [], timeout, known, cancel);
        return new ClusterBindings(
            cluster.Name, FromBroker: false,
            [.. said.Replies.Values.Where(reply => reply.ValueKind == JsonValueKind.Array).SelectMany(reply => reply.EnumerateArray()).Select(Read).OfType<BrokerBinding>().Distinct().OrderBy(one => one.Exchange, StringComparer.Ordinal)]);
    }

    /// <summary>Writes them as JSON; the same in the API and on the command line.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("source", Source);
        json.WriteString("told_by", FromBroker ? "broker" : "workers");
        json.WriteStartArray("items");
        foreach (BrokerBinding one in Items)
        {
            json.WriteStartObject();
            json.WriteString("exchange", one.Exchange);
            json.WriteString("routing_key", one.RoutingKey);
            json.WriteString("queue", one.Queue);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    static BrokerBinding? Read(JsonElement queue) =>
        queue.ValueKind == JsonValueKind.Object && Text(queue, "name") is { Length: > 0 } name
            ? new BrokerBinding(queue.TryGetProperty("exchange", out JsonElement exchange) && exchange.ValueKind == JsonValueKind.Object ? Text(exchange, "name") : "", Text(queue, "routing_key"), name)
            : null;

    static string Text(JsonElement item, string name) => item.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
