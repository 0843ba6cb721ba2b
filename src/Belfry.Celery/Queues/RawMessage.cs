using System.Text;
using System.Text.Json;

namespace Belfry.Celery.Queues;

/// <summary>A message on its way from one queue to another, whole: as kombu writes it on Redis, or as AMQP carries it.</summary>
public sealed record RawMessage
{
    /// <summary>The body, as the sender encoded it.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>How it is written.</summary>
    public string? ContentType { get; init; }

    /// <summary>In which alphabet.</summary>
    public string? ContentEncoding { get; init; }

    /// <summary>The headers: texts, numbers, truths, null, lists and tables of them.</summary>
    public required IDictionary<string, object?> Headers { get; init; }

    /// <summary>Its priority as sent: 0 is most urgent on Redis and least on RabbitMQ.</summary>
    public int? Priority { get; init; }

    /// <summary>Where the caller waits for results over RPC.</summary>
    public string? ReplyTo { get; init; }

    /// <summary>The run's id.</summary>
    public string? CorrelationId { get; init; }

    /// <summary>How it lay on Redis; null from RabbitMQ.</summary>
    internal ReadOnlyMemory<byte>? Envelope { get; init; }

    /// <summary>By what it is acknowledged: a delivery tag.</summary>
    internal string Tag { get; init; } = "";

    /// <summary>Reads what lies on Redis; null when it is no message of kombu's.</summary>
    internal static RawMessage? FromRedis(ReadOnlyMemory<byte> envelope)
    {
        try
        {
            using PythonJson document = PythonJson.Parse(envelope);
            JsonElement root = document.Root, properties = root.Member("properties");
            if (root.Member("body").Text() is not { } body || properties.Member("delivery_tag").Text() is not { Length: > 0 } tag)
            {
                return null;
            }
            bool encoded = properties.Member("body_encoding").Text() == "base64";
            var message = new RawMessage
            {
                Body = encoded ? Convert.FromBase64String(body) : Encoding.UTF8.GetBytes(body),
                ContentType = root.Member("content-type").Text(), ContentEncoding = root.Member("content-encoding").Text(),
                Headers = PlainValues.Table(root.Member("headers")),
                Priority = properties.Member("priority").Whole(), ReplyTo = properties.Member("reply_to").Text(), CorrelationId = properties.Member("correlation_id").Text(),
                Envelope = envelope, Tag = tag,
            };
            return message.IsSendable ? message : null;
        }
        catch (Exception garbage) when (garbage is JsonException or FormatException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>AMQP can say what it has in short texts.</summary>
    internal bool IsSendable => new[] { ContentType, ContentEncoding, ReplyTo, CorrelationId }.Concat(Headers.Keys).All(text => text is null || Encoding.UTF8.GetByteCount(text) <= byte.MaxValue);

    /// <summary>As kombu writes it into a queue on Redis. What came from there stays byte for byte, but for the queue's name in it.</summary>
    internal ReadOnlyMemory<byte> ToRedis(string queue) => Envelope is { } envelope ? EnvelopeRoute.To(envelope, queue) : ToRedis("", queue);

    /// <summary>The same for a message of ours that goes through an exchange: what a worker loses is routed through it again.</summary>
    internal ReadOnlyMemory<byte> ToRedis(string exchange, string routingKey)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("body", Convert.ToBase64String(Body.Span));
            json.WriteString("content-encoding", ContentEncoding);
            json.WriteString("content-type", ContentType);
            json.WritePropertyName("headers");
            PlainValues.Write(json, Headers);
            json.WriteStartObject("properties");
            json.WriteString("correlation_id", CorrelationId);
            json.WriteString("reply_to", ReplyTo);
            json.WriteNumber("delivery_mode", 2);
            json.WriteStartObject("delivery_info");
            json.WriteString("exchange", exchange);
            json.WriteString("routing_key", routingKey);
            json.WriteEndObject();
            json.WriteNumber("priority", Priority ?? 0);
            json.WriteString("body_encoding", "base64");
            json.WriteString("delivery_tag", Guid.NewGuid().ToString());
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return bytes.ToArray();
    }
}

/// <summary>The place in kombu's envelope that names the queue. A message that a worker loses goes back to the queue that stands there.</summary>
static class EnvelopeRoute
{
    /// <summary>The envelope with this queue in it, all other bytes as they were; as it is, when it cannot be read.</summary>
    public static ReadOnlyMemory<byte> To(ReadOnlyMemory<byte> envelope, string queue)
    {
        var places = new List<(int From, int To, string Value)>();
        try
        {
            Find(envelope.Span, queue, places);
        }
        catch (Exception garbage) when (garbage is JsonException or InvalidOperationException)
        {
            return envelope;
        }
        using var whole = new MemoryStream(envelope.Length + queue.Length);
        int done = 0;
        foreach ((int from, int to, string value) in places)
        {
            whole.Write(envelope.Span[done..from]);
            whole.Write(JsonSerializer.SerializeToUtf8Bytes(value));
            done = to;
        }
        whole.Write(envelope.Span[done..]);
        return whole.ToArray();
    }

    static void Find(ReadOnlySpan<byte> envelope, string queue, List<(int From, int To, string Value)> places)
    {
        var reader = new Utf8JsonReader(envelope);
        bool inProperties = false, inRoute = false;
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.EndObject)
            {
                inRoute &= reader.CurrentDepth != 2;
                inProperties &= reader.CurrentDepth != 1;
            }
            if (reader.TokenType != JsonTokenType.PropertyName)
            {
                continue;
            }
            bool isExchange = reader.ValueTextEquals("exchange"), isKey = reader.ValueTextEquals("routing_key");
            inProperties |= reader.CurrentDepth == 1 && reader.ValueTextEquals("properties");
            inRoute |= inProperties && reader.CurrentDepth == 2 && reader.ValueTextEquals("delivery_info");
            if (inRoute && reader.CurrentDepth == 3 && (isExchange || isKey) && reader.Read() && reader.TokenType is JsonTokenType.String or JsonTokenType.Null)
            {
                places.Add(((int)reader.TokenStartIndex, (int)reader.BytesConsumed, isKey ? queue : ""));
            }
        }
    }
}

/// <summary>Values of headers, as AMQP's client takes them.</summary>
static class PlainValues
{
    const int Deepest = 32;

    public static Dictionary<string, object?> Table(JsonElement json) => Table(json, 0);

    static Dictionary<string, object?> Table(JsonElement json, int depth)
    {
        var table = new Dictionary<string, object?>(StringComparer.Ordinal);
        if (json.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty member in json.EnumerateObject())
            {
                table[member.Name] = Value(member.Value, depth + 1);
            }
        }
        return table;
    }

    /// <summary>Writes a value; texts of AMQP are bytes.</summary>
    public static void Write(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case IDictionary<string, object?> table:
                json.WriteStartObject();
                foreach ((string name, object? item) in table)
                {
                    json.WritePropertyName(name);
                    Write(json, item);
                }
                json.WriteEndObject();
                break;
            case byte[] text:
                json.WriteStringValue(Encoding.UTF8.GetString(text));
                break;
            case string or null:
                json.WriteStringValue((string?)value);
                break;
            case bool truth:
                json.WriteBooleanValue(truth);
                break;
            case float or double when !double.IsFinite(Convert.ToDouble(value)):
                json.WriteNullValue();
                break;
            case System.Collections.IEnumerable list:
                json.WriteStartArray();
                foreach (object? item in list)
                {
                    Write(json, item);
                }
                json.WriteEndArray();
                break;
            default:
                JsonSerializer.Serialize(json, value, value.GetType());
                break;
        }
    }

    static object? Value(JsonElement json, int depth) => depth > Deepest ? null : json.ValueKind switch
    {
        JsonValueKind.String => json.Text(),
        JsonValueKind.Number => Number(json),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Array => json.EnumerateArray().Select(item => Value(item, depth + 1)).ToList(),
        JsonValueKind.Object => Table(json, depth),
        _ => null,
    };

    // Each in its own type: a count that becomes a real number is one for the worker, too. RabbitMQ ends the connection of whoever sends it a number without end.
    static object? Number(JsonElement json)
    {
        if (json.TryGetInt32(out int small))
        {
            return small;
        }
        if (json.TryGetInt64(out long large))
        {
            return large;
        }
        return json.TryGetDouble(out double real) && double.IsFinite(real) ? real : null;
    }
}
