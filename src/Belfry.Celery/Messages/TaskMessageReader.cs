using System.Text;
using System.Text.Json;

namespace Belfry.Celery.Messages;

/// <summary>Reads what is in a queue. Whatever is there becomes a <see cref="TaskMessage"/>, if only one that says what is wrong with it.</summary>
static class TaskMessageReader
{
    const int LongestExtra = 256 * 1024;

    /// <summary>Headers of Celery's own; others are the application's.</summary>
    public static IReadOnlySet<string> Known { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "lang", "task", "id", "shadow", "eta", "expires", "group", "group_index", "retries", "timelimit", "root_id", "parent_id", "argsrepr", "kwargsrepr",
        "origin", "ignore_result", "replaced_task_nesting", "stamped_headers", "stamps", "compression", "redelivered",
    };

    /// <summary>Reads what lies on Redis.</summary>
    public static TaskMessage Read(ReadOnlyMemory<byte> value, bool unacked) => Guarded(() =>
    {
        using PythonJson document = PythonJson.Parse(value);
        JsonElement root = document.Root;
        JsonElement envelope = unacked && root.ValueKind == JsonValueKind.Array && root.GetArrayLength() > 0 ? root[0] : root;
        return envelope.ValueKind == JsonValueKind.Object ? Read(envelope, null) : Refused("value that is no message");
    });

    /// <summary>Reads what RabbitMQ delivered.</summary>
    public static TaskMessage Read(AmqpMessage message) => Guarded(() =>
    {
        using PythonJson document = PythonJson.Parse(message.Envelope());
        return Read(document.Root, message.Body);
    });

    static TaskMessage Guarded(Func<TaskMessage> read)
    {
        try
        {
            return read();
        }
        catch (JsonException)
        {
            return Refused("value that is not JSON");
        }
        catch (InvalidOperationException)
        {
            // System.Text.Json says it so of a name with half a surrogate pair.
            return Refused("name that is no Unicode");
        }
    }

    static TaskMessage Read(JsonElement envelope, ReadOnlyMemory<byte>? given)
    {
        MessageBody body = MessageBody.Of(envelope, given);
        TaskMessage message = WithProperties(envelope);
        bool second = envelope.Member("headers").Member("task").Text() is { Length: > 0 };
        message = second ? WithHeaders(message, envelope.Member("headers")) : message;
        if (body.Problem is { } problem)
        {
            return message with { Problem = problem };
        }
        try
        {
            using PythonJson document = PythonJson.Parse(body.Json);
            return Checked(second ? WithArguments(message, document) : OfProtocol1(message, document));
        }
        catch (JsonException)
        {
            return message with { Problem = "body that is not JSON" };
        }
    }

    static TaskMessage WithProperties(JsonElement envelope)
    {
        JsonElement properties = envelope.Member("properties"), route = properties.Member("delivery_info"), headers = envelope.Member("headers");
        return new TaskMessage
        {
            Priority = properties.Member("priority").Whole(),
            Exchange = route.Member("exchange").Text(),
            RoutingKey = route.Member("routing_key").Text(),
            ReplyTo = properties.Member("reply_to").Text(),
            DeliveryTag = properties.Member("delivery_tag").Text(),
            Redelivered = route.Member("redelivered").ValueKind == JsonValueKind.True || headers.Member("redelivered").ValueKind == JsonValueKind.True,
            ContentType = envelope.Member("content-type").Text(),
            Compression = headers.Member("compression").Text(),
        };
    }

    static TaskMessage WithHeaders(TaskMessage message, JsonElement headers)
    {
        string? id = Id(headers.Member("id"));
        return message with
        {
            Protocol = 2, Id = id, Task = headers.Member("task").Name(),
            Shadow = headers.Member("shadow").Name(), Origin = headers.Member("origin").Name(),
            Eta = headers.Member("eta").Time(), Expires = headers.Member("expires").Time(),
            Retries = Math.Max(0, headers.Member("retries").Whole() ?? 0),
            TimeLimit = Limit(headers, 0), SoftTimeLimit = Limit(headers, 1),
            // A retry names itself as its parent.
            Parent = Id(headers.Member("parent_id")) is { } parent && parent != id ? parent : null,
            Root = Id(headers.Member("root_id")), Group = Id(headers.Member("group")),
            ArgsRepr = headers.Member("argsrepr").Text(), KwargsRepr = headers.Member("kwargsrepr").Text(),
            IgnoreResult = headers.Member("ignore_result").ValueKind == JsonValueKind.True,
            Extra = Extra(headers),
        };
    }

    static TaskMessage WithArguments(TaskMessage message, PythonJson document)
    {
        JsonElement body = document.Root;
        if (body.ValueKind != JsonValueKind.Array || body.GetArrayLength() < 2 || body[0].ValueKind != JsonValueKind.Array || body[1].ValueKind != JsonValueKind.Object)
        {
            return message with { Problem = "body without arguments" };
        }
        return message with { Args = document.Raw(body[0]), Kwargs = document.Raw(body[1]), Embed = body.GetArrayLength() > 2 ? document.Raw(body[2]) : null };
    }

    static TaskMessage OfProtocol1(TaskMessage message, PythonJson document)
    {
        JsonElement body = document.Root, args = body.Member("args"), kwargs = body.Member("kwargs");
        if (body.Member("task").Name() is not { } task)
        {
            return message with { Problem = "message of no task" };
        }
        string? id = Id(body.Member("id"));
        message = message with
        {
            Protocol = 1, Id = id, Task = task, Root = id,
            Eta = body.Member("eta").Time(), Expires = body.Member("expires").Time(),
            Retries = Math.Max(0, body.Member("retries").Whole() ?? 0),
            TimeLimit = Limit(body, 0), SoftTimeLimit = Limit(body, 1), Group = Id(body.Member("group")) ?? Id(body.Member("taskset")),
        };
        bool sound = args.ValueKind is JsonValueKind.Array or JsonValueKind.Undefined && kwargs.ValueKind is JsonValueKind.Object or JsonValueKind.Undefined;
        return sound
            ? message with { Args = document.Raw(args) ?? "[]", Kwargs = document.Raw(kwargs) ?? "{}", Embed = Embed(document) }
            : message with { Problem = "body without arguments" };
    }

    // Protocol 1 has beside the arguments what protocol 2 puts into a place of its own.
    static string? Embed(PythonJson document)
    {
        var text = new StringBuilder("{");
        foreach (string name in (string[])["callbacks", "errbacks", "chord"])
        {
            if (document.Root.Member(name) is { ValueKind: not JsonValueKind.Undefined } member)
            {
                text.Append(text.Length > 1 ? ", " : "").Append($"\"{name}\": {document.Raw(member)}");
            }
        }
        return text.Append('}').ToString();
    }

    static TaskMessage Checked(TaskMessage message) =>
        message is { Id: null, Problem: null } ? message with { Problem = "message without an id" } : message;

    /// <summary>An id that is longer is none, as among events.</summary>
    static string? Id(JsonElement json) => json.Text() is { Length: > 0 and <= TaskEvent.LongestName } id ? id : null;

    static double? Limit(JsonElement json, int which) =>
        json.Member("timelimit") is { ValueKind: JsonValueKind.Array } limits && limits.GetArrayLength() > which ? limits[which].Number() : null;

    static string? Extra(JsonElement headers)
    {
        var text = new StringBuilder("{");
        foreach (JsonProperty header in headers.EnumerateObject())
        {
            string value = header.Value.GetRawText();
            if (!Known.Contains(header.Name) && text.Length + value.Length < LongestExtra)
            {
                text.Append(text.Length > 1 ? ", " : "").Append('"').Append(JsonEncodedText.Encode(header.Name)).Append("\": ").Append(value);
            }
        }
        return text.Length > 1 ? text.Append('}').ToString() : null;
    }

    static TaskMessage Refused(string problem) => new() { Problem = problem };
}
