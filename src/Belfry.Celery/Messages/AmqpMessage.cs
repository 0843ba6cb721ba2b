using System.Collections;
using System.Text;
using System.Text.Json;

namespace Belfry.Celery.Messages;

/// <summary>A message as RabbitMQ delivers it.</summary>
public sealed record AmqpMessage
{
    /// <summary>The body.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Property <c>content_type</c>.</summary>
    public string? ContentType { get; init; }

    /// <summary>Property <c>content_encoding</c>.</summary>
    public string? ContentEncoding { get; init; }

    /// <summary>The headers, with values as AMQP has them: bytes for texts, numbers, lists, tables.</summary>
    public IEnumerable<KeyValuePair<string, object?>> Headers { get; init; } = [];

    /// <summary>Property <c>priority</c>.</summary>
    public byte? Priority { get; init; }

    /// <summary>Property <c>reply_to</c>.</summary>
    public string? ReplyTo { get; init; }

    /// <summary>The exchange it was published to.</summary>
    public string? Exchange { get; init; }

    /// <summary>The routing key it was published with.</summary>
    public string? RoutingKey { get; init; }

    /// <summary>It was delivered before.</summary>
    public bool Redelivered { get; init; }

    /// <summary>The same in kombu's envelope, without the body.</summary>
    internal byte[] Envelope()
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("content-type", ContentType);
            json.WriteString("content-encoding", ContentEncoding);
            json.WritePropertyName("headers");
            WriteTable(json, Headers, 0);
            json.WriteStartObject("properties");
            json.WriteString("reply_to", ReplyTo);
            json.WritePropertyName("priority");
            WriteValue(json, Priority, 0);
            json.WriteStartObject("delivery_info");
            json.WriteString("exchange", Exchange);
            json.WriteString("routing_key", RoutingKey);
            json.WriteBoolean("redelivered", Redelivered);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return bytes.ToArray();
    }

    static void WriteTable(Utf8JsonWriter json, IEnumerable<KeyValuePair<string, object?>> table, int depth)
    {
        json.WriteStartObject();
        foreach ((string name, object? value) in table)
        {
            json.WritePropertyName(name);
            WriteValue(json, value, depth + 1);
        }
        json.WriteEndObject();
    }

    static void WriteValue(Utf8JsonWriter json, object? value, int depth)
    {
        const int deepest = 32;
        switch (depth > deepest ? null : value)
        {
            case byte[] text:
                json.WriteStringValue(Encoding.UTF8.GetString(text));
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case bool truth:
                json.WriteBooleanValue(truth);
                break;
            case byte or sbyte or short or ushort or int or uint or long or ulong:
                json.WriteRawValue(FormattableString.Invariant($"{value}"));
                break;
            case float or double when double.IsFinite(Convert.ToDouble(value)):
                json.WriteNumberValue(Convert.ToDouble(value));
                break;
            case decimal number:
                json.WriteNumberValue(number);
                break;
            case IDictionary<string, object?> table:
                WriteTable(json, table, depth);
                break;
            case IEnumerable list:
                json.WriteStartArray();
                foreach (object? item in list)
                {
                    WriteValue(json, item, depth + 1);
                }
                json.WriteEndArray();
                break;
            default:
                // An instant of AMQP prints as text; what else there may be is nothing that Celery sends.
                json.WriteStringValue(value is null ? null : FormattableString.Invariant($"{value}"));
                break;
        }
    }
}
