using System.Text;
using System.Text.Json.Nodes;
using Belfry.Celery.Messages;
using Belfry.Celery.Tests.Events;

namespace Belfry.Celery.Tests.Messages;

/// <summary>Task messages that real clients sent, by what they were recorded for.</summary>
sealed record Recorded(string Scenario, TaskMessage Read, JsonObject Headers, JsonNode? Body, JsonObject Properties)
{
    /// <summary>The recordings: broker and version.</summary>
    public static TheoryData<string> Files => ["redis-526", "redis-563", "rabbit-526", "rabbit-563"];

    public static IReadOnlyList<Recorded> All(string file) =>
        [.. from line in File.ReadLines(Samples.File($"{file}-task-messages.jsonl")) let node = JsonNode.Parse(line)! select node["raw"] is null ? OfRabbitMq(node) : OfRedis(node)];

    /// <summary>The bytes as they lay on Redis.</summary>
    public static IEnumerable<byte[]> RawOfRedis(string version) =>
        from line in File.ReadLines(Samples.File($"redis-{version}-task-messages.jsonl")) select Encoding.UTF8.GetBytes(JsonNode.Parse(line)!["raw"]!.GetValue<string>());

    /// <summary>As RabbitMQ delivers them.</summary>
    public static IEnumerable<AmqpMessage> OfRabbitMq(string version) =>
        from line in File.ReadLines(Samples.File($"rabbit-{version}-task-messages.jsonl")) select Delivered(JsonNode.Parse(line)!);

    static Recorded OfRedis(JsonNode node)
    {
        JsonNode message = JsonNode.Parse(node["raw"]!.GetValue<string>())!;
        return new Recorded(
            node["scenario"]!.GetValue<string>(), TaskMessage.FromRedis(Encoding.UTF8.GetBytes(node["raw"]!.GetValue<string>())),
            message["headers"]!.AsObject(), node["body"] as JsonArray, message["properties"]!.AsObject());
    }

    static Recorded OfRabbitMq(JsonNode node)
    {
        JsonObject properties = node["props"]!.DeepClone().AsObject();
        properties["delivery_info"] = new JsonObject { ["exchange"] = node["args"]!["exchange"]!.DeepClone(), ["routing_key"] = node["args"]!["routing_key"]!.DeepClone() };
        var headers = (JsonObject)Untyped(node["props"]!["headers"])!;
        return new Recorded(node["scenario"]!.GetValue<string>(), TaskMessage.FromAmqp(Delivered(node)), headers, BodyText(node) is { } body ? JsonNode.Parse(body) : null, properties);
    }

    static AmqpMessage Delivered(JsonNode node)
    {
        JsonNode properties = node["props"]!;
        return new AmqpMessage
        {
            Body = node["body_b64"] is { } packed ? Convert.FromBase64String(packed.GetValue<string>()) : Encoding.UTF8.GetBytes(BodyText(node)!),
            ContentType = (string?)properties["content_type"], ContentEncoding = (string?)properties["content_encoding"],
            Headers = properties["headers"]!.AsObject().Select(header => KeyValuePair.Create(header.Key, Field(header.Value))),
            Priority = (byte?)properties["priority"], ReplyTo = (string?)properties["reply_to"],
            Exchange = (string?)node["args"]!["exchange"], RoutingKey = (string?)node["args"]!["routing_key"],
        };
    }

    static string? BodyText(JsonNode node) => node["body"] is JsonValue text ? text.GetValue<string>() : node["body"]?.ToJsonString();

    /// <summary>A value as the client library gives it: the recordings have its type of AMQP before it.</summary>
    static object? Field(JsonNode? value) => value switch
    {
        JsonObject { Count: 1 } typed when typed.First() is ("@S", { } text) => Encoding.UTF8.GetBytes(text.GetValue<string>()),
        JsonObject { Count: 1 } typed when typed.First() is ("@I", { } number) => number.GetValue<int>(),
        JsonObject { Count: 1 } typed when typed.First() is ("@A", { } list) => list.AsArray().Select(Field).ToList(),
        JsonObject table => table.ToDictionary(pair => pair.Key, pair => Field(pair.Value)),
        JsonValue truth when truth.TryGetValue(out bool isTrue) => isTrue,
        null => null,
        _ => throw new InvalidDataException(value.ToJsonString()),
    };

    static JsonNode? Untyped(JsonNode? value) => value switch
    {
        JsonObject { Count: 1 } typed when typed.First().Key.StartsWith('@') => Untyped(typed.First().Value),
        JsonObject table => new JsonObject(table.Select(pair => KeyValuePair.Create(pair.Key, Untyped(pair.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Untyped)]),
        _ => value?.DeepClone(),
    };
}
