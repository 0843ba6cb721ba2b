using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Belfry.Celery.Events;

namespace Belfry.Celery.Tests.Events;

/// <summary>Messages that real clusters sent, and ways to make others.</summary>
static class Samples
{
    /// <summary>Shortly after the recorded streams.</summary>
    public static readonly Instant Arrived = Instant.FromUnixSeconds(1795231400);

    /// <summary>Decodes one message.</summary>
    public static EventBatch Decode(byte[] message, Instant? arrived = null)
    {
        var batch = new EventBatch();
        new EventDecoder("lab").Decode(message, arrived ?? Arrived, batch);
        return batch;
    }

    /// <summary>Decodes the JSON of an event, or of a list, in an envelope.</summary>
    public static EventBatch DecodeBody(string json, Instant? arrived = null) => Decode(Envelope(Encoding.UTF8.GetBytes(json)), arrived);

    /// <summary>The only event of a body.</summary>
    public static TaskEvent EventOf(string json, Instant? arrived = null)
    {
        EventBatch batch = DecodeBody(json, arrived);
        Assert.Empty(batch.Refused);
        return Assert.Single(batch.Events);
    }

    /// <summary>Kombu's envelope around a body.</summary>
    public static byte[] Envelope(byte[] body) => Encoding.UTF8.GetBytes($$$"""
        {"body": "{{{Convert.ToBase64String(body)}}}", "content-encoding": "utf-8", "content-type": "application/json",
        "headers": {"hostname": "w1@lab"}, "properties": {"delivery_mode": 1, "body_encoding": "base64", "priority": 0}}
        """);

    /// <summary>One recorded message of each type.</summary>
    public static IEnumerable<(byte[] Raw, JsonNode Body)> OnePerType(string version) =>
        from line in System.IO.File.ReadLines(File("redis-" + version + "-events-one-per-type.jsonl"))
        let node = JsonNode.Parse(line)!
        select (Encoding.UTF8.GetBytes(node["raw"]!.GetValue<string>()), node["body"]!);

    /// <summary>The same as RabbitMQ had them: what is the envelope on Redis are properties there.</summary>
    public static IEnumerable<(byte[] Raw, string? Type, string? Encoding, JsonNode Body)> OnePerTypeOnRabbit(string version) =>
        from line in System.IO.File.ReadLines(File("rabbit-" + version + "-events-one-per-type.jsonl"))
        let node = JsonNode.Parse(line)!
        let text = node["body"]!.GetValue<string>()
        select (Encoding.UTF8.GetBytes(text), (string?)node["props"]!["content_type"], (string?)node["props"]!["content_encoding"], JsonNode.Parse(text)!);

    /// <summary>The recorded stream of four workers under a mixed load, in the order of arrival: what to do to decode each message.</summary>
    /// <param name="broker"><c>redis</c> or <c>rabbit</c>.</param>
    public static IReadOnlyList<(Action<EventDecoder, EventBatch> Decode, Instant Arrived)> Stream(string broker) =>
    [
        .. from line in Unzipped($"stream-{broker}-563.jsonl.gz").Split('\n', StringSplitOptions.RemoveEmptyEntries)
           let node = JsonNode.Parse(line)!
           where node["channel"] is null || node["channel"]!.GetValue<string>().StartsWith("/0.celeryev", StringComparison.Ordinal)
           let raw = Encoding.UTF8.GetBytes(node["data"]!.GetValue<string>())
           let arrived = Instant.FromUnixSeconds(node["t"]!.GetValue<double>())
           select (Decoding(raw, node["props"], arrived), arrived),
    ];

    /// <summary>What Celery's own State made of that stream.</summary>
    public static JsonNode StreamExpected(string broker) => JsonNode.Parse(Unzipped($"stream-{broker}-563.expected.json.gz"))!;

    /// <summary>A file of recorded data.</summary>
    public static string File(string name) => Path.Combine(AppContext.BaseDirectory, "data", name);

    static Action<EventDecoder, EventBatch> Decoding(byte[] raw, JsonNode? properties, Instant arrived) => (decoder, batch) =>
    {
        if (properties is null)
        {
            decoder.Decode(raw, arrived, batch);
        }
        else
        {
            decoder.Decode(raw, (string?)properties["content_type"], (string?)properties["content_encoding"], arrived, batch);
        }
    };

    static string Unzipped(string name)
    {
        using var file = new GZipStream(System.IO.File.OpenRead(File(name)), CompressionMode.Decompress);
        return new StreamReader(file, Encoding.UTF8).ReadToEnd();
    }
}
