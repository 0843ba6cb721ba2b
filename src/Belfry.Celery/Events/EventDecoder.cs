using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace Belfry.Celery.Events;

/// <summary>Turns messages of Celery's event channel into events. What cannot be read is counted with its reason; nothing throws.</summary>
/// <remarks>
/// For one thread. A message on Redis is kombu's envelope, a JSON object whose <c>body</c> holds, mostly in base64, the JSON of one event
/// or of a list of them. Both texts are read in place; the common path allocates the events and their strings and nothing else.
/// </remarks>
public sealed class EventDecoder(string source)
{
    // A body larger than this gives its buffer back, lest one long argument stay with us for ever.
    const int KeptScratch = 1024 * 1024;

    readonly EventReader _events = new(source);
    byte[] _scratch = [];

    /// <summary>Reads one message in kombu's envelope, as published on Redis, and adds what it holds.</summary>
    public void Decode(ReadOnlySpan<byte> message, Instant arrived, EventBatch into)
    {
        try
        {
            ReadEnvelope(message, arrived, into);
        }
        catch (JsonException)
        {
            into.Refuse("message that is not JSON");
        }
        catch (Exception unforeseen)
        {
            // Thrown, it would end the stream, and one on RabbitMQ would come again for ever.
            into.Refuse($"message that could not be read ({unforeseen.GetType().Name})");
        }
        if (_scratch.Length > KeptScratch)
        {
            _scratch = [];
        }
    }

    void ReadEnvelope(ReadOnlySpan<byte> message, Instant arrived, EventBatch into)
    {
        var reader = new Utf8JsonReader(message);
        ReadOnlySpan<byte> body = default;
        var bodyType = JsonTokenType.None;
        bool bodyEscaped = false, base64 = false;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            into.Refuse("message that is no envelope");
            return;
        }
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            ReadOnlySpan<byte> name = reader.ValueSpan;
            reader.Read();
            if (name.SequenceEqual("body"u8))
            {
                (bodyType, bodyEscaped) = (reader.TokenType, reader.TokenType == JsonTokenType.String && reader.ValueIsEscaped);
                body = Value(message, ref reader);
            }
            else if (name.SequenceEqual("properties"u8) && reader.TokenType == JsonTokenType.StartObject)
            {
                base64 = IsBase64(ref reader);
            }
            else if (name.SequenceEqual("content-type"u8) && IsOther(ref reader, "application/json"u8))
            {
                into.Refuse($"content type {EventReader.Shortened(reader.ValueSpan)}");
                return;
            }
            else if (name.SequenceEqual("content-encoding"u8) && IsOther(ref reader, "utf-8"u8) && !IsAscii(reader.ValueSpan))
            {
                into.Refuse($"content encoding {EventReader.Shortened(reader.ValueSpan)}");
                return;
            }
            else
            {
                reader.Skip();
            }
        }
        ReadBody(body, bodyType, bodyEscaped, base64, arrived, into);
    }

    void ReadBody(ReadOnlySpan<byte> body, JsonTokenType type, bool escaped, bool base64, Instant arrived, EventBatch into)
    {
        if (type is JsonTokenType.None or JsonTokenType.Null)
        {
            into.Refuse("message without a body");
            return;
        }
        if (type == JsonTokenType.String && escaped)
        {
            body = Encoding.UTF8.GetBytes(JsonText.Decode(body));
        }
        if (type == JsonTokenType.String && base64)
        {
            byte[] room = Scratch(Base64.GetMaxDecodedFromUtf8Length(body.Length));
            if (Base64.DecodeFromUtf8(body, room, out _, out int written) != OperationStatus.Done)
            {
                into.Refuse("body that is not base64");
                return;
            }
            body = room.AsSpan(0, written);
        }
        ReadEvents(body, arrived, into);
    }

    /// <summary>Reads one message as RabbitMQ has it: what kombu's envelope says are properties beside the body, and the body is as it was sent.</summary>
    public void Decode(ReadOnlySpan<byte> body, string? contentType, string? contentEncoding, Instant arrived, EventBatch into)
    {
        if (contentType is { Length: > 0 } and not "application/json")
        {
            into.Refuse($"content type {Shortened(contentType)}");
        }
        else if (contentEncoding is { Length: > 0 } and not "utf-8" && !IsAscii(Encoding.UTF8.GetBytes(contentEncoding)))
        {
            into.Refuse($"content encoding {Shortened(contentEncoding)}");
        }
        else
        {
            ReadEvents(body, arrived, into);
        }
    }

    /// <summary>Reads the body of a message: the JSON of one event or of a list of them.</summary>
    public void ReadEvents(ReadOnlySpan<byte> json, Instant arrived, EventBatch into)
    {
        try
        {
            json = JsonText.WithoutNonFinite(json) ?? json;
            var reader = new Utf8JsonReader(json);
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                _events.Read(json, ref reader, arrived, into);
                return;
            }
            if (reader.TokenType != JsonTokenType.StartArray)
            {
                into.Refuse("body that is no event");
                return;
            }
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                ReadItem(json, ref reader, arrived, into);
            }
        }
        catch (JsonException)
        {
            into.Refuse("body that is not JSON");
        }
        catch (Exception unforeseen)
        {
            into.Refuse($"message that could not be read ({unforeseen.GetType().Name})");
        }
    }

    void ReadItem(ReadOnlySpan<byte> json, ref Utf8JsonReader reader, Instant arrived, EventBatch into)
    {
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            _events.Read(json, ref reader, arrived, into);
            return;
        }
        reader.Skip();
        into.Refuse("item of a list that is no event");
    }

    static ReadOnlySpan<byte> Value(ReadOnlySpan<byte> json, scoped ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.String)
        {
            return reader.ValueSpan;
        }
        int start = (int)reader.TokenStartIndex;
        reader.Skip();
        return json[start..(int)reader.BytesConsumed];
    }

    static bool IsBase64(ref Utf8JsonReader reader)
    {
        bool base64 = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool wanted = reader.ValueSpan.SequenceEqual("body_encoding"u8);
            reader.Read();
            base64 |= wanted && reader.TokenType == JsonTokenType.String && reader.ValueSpan.SequenceEqual("base64"u8);
            reader.Skip();
        }
        return base64;
    }

    static bool IsOther(ref Utf8JsonReader reader, ReadOnlySpan<byte> usual)
    {
        if (reader.TokenType == JsonTokenType.String)
        {
            return !reader.ValueSpan.SequenceEqual(usual);
        }
        reader.Skip();
        return false;
    }

    static string Shortened(string text) => EventReader.Shortened(Encoding.UTF8.GetBytes(text));

    // JSON that claims to be ASCII, or to have no encoding, is UTF-8 as well.
    static bool IsAscii(ReadOnlySpan<byte> encoding) =>
        encoding.SequenceEqual("us-ascii"u8) || encoding.SequenceEqual("ascii"u8) || encoding.SequenceEqual("binary"u8) || encoding.SequenceEqual("utf8"u8);

    byte[] Scratch(int length)
    {
        if (_scratch.Length < length)
        {
            _scratch = new byte[Math.Max(length, 4096)];
        }
        return _scratch;
    }
}
