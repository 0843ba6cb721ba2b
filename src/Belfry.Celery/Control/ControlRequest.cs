using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Belfry.Celery.Control;

/// <summary>A command to workers, as Celery writes it.</summary>
/// <param name="Method">Celery's name of the command.</param>
/// <param name="Arguments">Its arguments; null for none.</param>
/// <param name="Destination">Node names of those who are meant; empty for everybody.</param>
/// <param name="Expires">Nobody waits for replies any more.</param>
sealed record ControlRequest(string Method, JsonObject? Arguments, IReadOnlyCollection<string> Destination, DateTimeOffset Expires)
{
    /// <summary>Where replies go; null when none are wanted.</summary>
    public string? ReplyTo { get; init; }

    /// <summary>What replies carry, so that they are told from those to other questions.</summary>
    public string? Ticket { get; init; }

    /// <summary><see cref="Expires"/> in seconds since 1970, as in the headers.</summary>
    public double ExpiresSeconds => Expires.ToUnixTimeMilliseconds() / 1000.0;

    /// <summary>The message's body.</summary>
    public byte[] Body(CeleryCluster cluster) => Written(json =>
    {
        json.WriteString("method", Method);
        json.WritePropertyName("arguments");
        (Arguments ?? []).WriteTo(json);
        json.WritePropertyName("destination");
        JsonSerializer.Serialize(json, Destination.Count == 0 ? null : Destination);
        json.WriteNull("pattern");
        json.WriteNull("matcher");
        if (ReplyTo is not null)
        {
            json.WriteString("ticket", Ticket);
            json.WriteStartObject("reply_to");
            json.WriteString("exchange", cluster.ReplyExchange);
            json.WriteString("routing_key", ReplyTo);
            json.WriteEndObject();
        }
    });

    /// <summary>Kombu's envelope around the body, as it is published on Redis.</summary>
    public string Envelope(CeleryCluster cluster) => System.Text.Encoding.UTF8.GetString(Written(json =>
    {
        json.WriteString("body", Convert.ToBase64String(Body(cluster)));
        json.WriteString("content-encoding", "utf-8");
        json.WriteString("content-type", "application/json");
        json.WriteStartObject("headers");
        json.WriteNumber("clock", 1);
        json.WriteNumber("expires", ExpiresSeconds);
        json.WriteEndObject();
        json.WriteStartObject("properties");
        json.WriteNumber("delivery_mode", 2);
        json.WriteStartObject("delivery_info");
        json.WriteString("exchange", cluster.ControlMailbox);
        json.WriteString("routing_key", "");
        json.WriteEndObject();
        json.WriteNumber("priority", 0);
        json.WriteString("body_encoding", "base64");
        json.WriteString("delivery_tag", $"{Guid.NewGuid()}");
        json.WriteEndObject();
    }));

    static byte[] Written(Action<Utf8JsonWriter> write)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        return bytes.WrittenSpan.ToArray();
    }
}
