using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Belfry.Celery.Events;

/// <summary>The fields that Belfry knows in an event of Celery.</summary>
enum EventField
{
    Type, Hostname, Timestamp, Pid, Uuid, Name, Args, Kwargs, RootId, ParentId, Retries, Eta, Expires, Queue,
    Result, Runtime, Exception, Traceback, Terminated, Expired, Requeue, Frequency, Active, Processed, Software, Version,
    Percent, Current, Total, Text,
    /// <summary>Known, and of no use here: <c>utcoffset</c> (the timestamp is UTC already), <c>clock</c>, <c>loadavg</c> …</summary>
    Ignored,
    Unknown,
}

/// <summary>One event object, as places in its JSON: nothing is decoded before the event's type is known, and Celery sends that last.</summary>
readonly ref struct EventFields
{
    [InlineArray((int)EventField.Ignored)]
    struct Slots
    {
        Slot _first;
    }

    readonly record struct Slot(int Start, int Length, JsonTokenType Type, bool Escaped);

    readonly ReadOnlySpan<byte> _json;
    readonly Slots _slots;

    /// <summary>Reads the object at whose begin the reader stands, to its end.</summary>
    /// <param name="json">The whole text that the reader reads.</param>
    /// <param name="reader">Stands at the object's begin.</param>
    /// <param name="unknown">Takes the places of the fields that Belfry does not know, name and value.</param>
    public EventFields(ReadOnlySpan<byte> json, scoped ref Utf8JsonReader reader, List<Range> unknown)
    {
        _json = json;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            int nameStart = (int)reader.TokenStartIndex;
            EventField field = FieldOf(reader.ValueSpan);
            reader.Read();
            int start = (int)reader.TokenStartIndex;
            if (field < EventField.Ignored)
            {
                _slots[(int)field] = SlotOf(ref reader, start);
                continue;
            }
            reader.Skip();
            if (field == EventField.Unknown)
            {
                unknown.Add(nameStart..(int)reader.BytesConsumed);
            }
        }
    }

    /// <summary>It is there, and not null.</summary>
    public bool Has(EventField field) => _slots[(int)field].Type is not (JsonTokenType.None or JsonTokenType.Null);

    /// <summary>It is there as a text without escapes, so <see cref="Bytes"/> are its characters.</summary>
    public bool IsPlain(EventField field) => _slots[(int)field] is { Type: JsonTokenType.String, Escaped: false };

    /// <summary>It is there as a text.</summary>
    public bool IsText(EventField field) => _slots[(int)field].Type == JsonTokenType.String;

    /// <summary>The inside of a text, or the JSON of anything else.</summary>
    public ReadOnlySpan<byte> Bytes(EventField field) => _json.Slice(_slots[(int)field].Start, _slots[(int)field].Length);

    /// <summary>A number; null when it is none.</summary>
    public double? Number(EventField field) =>
        _slots[(int)field].Type == JsonTokenType.Number && Utf8Parser.TryParse(Bytes(field), out double number, out _) ? number : null;

    /// <summary>A whole number; null when it is none.</summary>
    public long? Whole(EventField field) =>
        _slots[(int)field].Type != JsonTokenType.Number ? null
        : Utf8Parser.TryParse(Bytes(field), out long number, out int used) && used == Bytes(field).Length ? number
        : Number(field) is { } real && double.IsFinite(real) ? (long)real : null;

    /// <summary>It is <c>true</c>.</summary>
    public bool True(EventField field) => _slots[(int)field].Type == JsonTokenType.True;

    static Slot SlotOf(scoped ref Utf8JsonReader reader, int start)
    {
        JsonTokenType type = reader.TokenType;
        if (type == JsonTokenType.String)
        {
            return new Slot(start + 1, reader.ValueSpan.Length, type, reader.ValueIsEscaped);
        }
        reader.Skip();
        return new Slot(start, (int)reader.BytesConsumed - start, type, false);
    }

    static EventField FieldOf(ReadOnlySpan<byte> name) => name.Length switch
    {
        3 => name.SequenceEqual("pid"u8) ? EventField.Pid : name.SequenceEqual("eta"u8) ? EventField.Eta : EventField.Unknown,
        4 => name[0] switch
        {
            (byte)'u' when name.SequenceEqual("uuid"u8) => EventField.Uuid,
            (byte)'t' when name.SequenceEqual("type"u8) => EventField.Type,
            (byte)'t' when name.SequenceEqual("text"u8) => EventField.Text,
            (byte)'n' when name.SequenceEqual("name"u8) => EventField.Name,
            (byte)'a' when name.SequenceEqual("args"u8) => EventField.Args,
            (byte)'f' when name.SequenceEqual("freq"u8) => EventField.Frequency,
            _ => EventField.Unknown,
        },
        5 => name.SequenceEqual("clock"u8) ? EventField.Ignored
            : name.SequenceEqual("queue"u8) ? EventField.Queue
            : name.SequenceEqual("total"u8) ? EventField.Total : EventField.Unknown,
        6 => name.SequenceEqual("kwargs"u8) ? EventField.Kwargs
            : name.SequenceEqual("result"u8) ? EventField.Result
            : name.SequenceEqual("active"u8) ? EventField.Active
            : name.SequenceEqual("sw_ver"u8) ? EventField.Version
            : name.SequenceEqual("sw_sys"u8) || name.SequenceEqual("signum"u8) ? EventField.Ignored : EventField.Unknown,
        7 => name[0] switch
        {
            (byte)'r' when name.SequenceEqual("root_id"u8) => EventField.RootId,
            (byte)'r' when name.SequenceEqual("retries"u8) => EventField.Retries,
            (byte)'r' when name.SequenceEqual("runtime"u8) => EventField.Runtime,
            (byte)'r' when name.SequenceEqual("requeue"u8) => EventField.Requeue,
            (byte)'e' when name.SequenceEqual("expires"u8) => EventField.Expires,
            (byte)'e' when name.SequenceEqual("expired"u8) => EventField.Expired,
            (byte)'p' when name.SequenceEqual("percent"u8) => EventField.Percent,
            (byte)'c' when name.SequenceEqual("current"u8) => EventField.Current,
            (byte)'l' when name.SequenceEqual("loadavg"u8) => EventField.Ignored,
            _ => EventField.Unknown,
        },
        8 => name.SequenceEqual("hostname"u8) ? EventField.Hostname
            : name.SequenceEqual("sw_ident"u8) ? EventField.Software
            : name.SequenceEqual("exchange"u8) ? EventField.Ignored : EventField.Unknown,
        9 => name[0] switch
        {
            (byte)'t' when name.SequenceEqual("timestamp"u8) => EventField.Timestamp,
            (byte)'t' when name.SequenceEqual("traceback"u8) => EventField.Traceback,
            (byte)'u' when name.SequenceEqual("utcoffset"u8) => EventField.Ignored,
            (byte)'p' when name.SequenceEqual("parent_id"u8) => EventField.ParentId,
            (byte)'p' when name.SequenceEqual("processed"u8) => EventField.Processed,
            (byte)'e' when name.SequenceEqual("exception"u8) => EventField.Exception,
            _ => EventField.Unknown,
        },
        10 => name.SequenceEqual("terminated"u8) ? EventField.Terminated : EventField.Unknown,
        11 => name.SequenceEqual("routing_key"u8) ? EventField.Ignored : EventField.Unknown,
        _ => EventField.Unknown,
    };
}
