using System.Text;
using System.Text.Json;
using Belfry.Celery.Results.Pickles;

namespace Belfry.Celery.Results;

/// <summary>Reads records of result backends, which anybody may have written.</summary>
static class ResultReader
{
    const int MostBytes = 64 * 1024 * 1024, MostChildren = 10_000;

    /// <summary>Reads a stored value: JSON, mostly; a pickle where <c>result_serializer</c> says so.</summary>
    public static ResultRecord Read(string id, ReadOnlyMemory<byte> value)
    {
        if (value.Length > MostBytes)
        {
            return Refused(id, $"record over {MostBytes} bytes");
        }
        if (Inflation.IsPacked(value.Span))
        {
            return Inflation.TryRead(value, MostBytes, out ReadOnlyMemory<byte> whole) is { } problem ? Refused(id, $"record {problem}") : Plain(id, whole);
        }
        return Plain(id, value);
    }

    /// <summary>The JSON of a pickled value; else why it cannot be read.</summary>
    public static (string? Json, string? Problem) Unpickled(ReadOnlyMemory<byte> pickle)
    {
        try
        {
            return (PickleText.Json(pickle), null);
        }
        catch (PickleException refused)
        {
            return (null, refused.Message);
        }
    }

    /// <summary>Takes an exception out of what stands in the place of the result.</summary>
    public static ResultRecord WithException(ResultRecord record, PythonJson document, JsonElement result)
    {
        if (record.Status is not ("FAILURE" or "RETRY" or "REVOKED") || result.ValueKind != JsonValueKind.Object)
        {
            return record;
        }
        // A pickled exception is a class with arguments, otherwise Celery writes both down itself.
        string? type = result.Member("exc_type").Name() ?? result.Member("__class__").Name();
        JsonElement message = result.Member("exc_message") is { ValueKind: not JsonValueKind.Undefined } told ? told : result.Member("__args__");
        if (type is null)
        {
            return record;
        }
        string name = type[(type.LastIndexOf('.') + 1)..];
        string arguments = message.ValueKind switch
        {
            JsonValueKind.Undefined or JsonValueKind.Null => "()",
            // Unlike a tuple, a call of one argument has no comma.
            JsonValueKind.Array => $"({PythonRepr.Of(document, message)[1..^1]})",
            _ => $"({PythonRepr.Of(document, message)})",
        };
        return record with { ExceptionType = name, Exception = name + arguments };
    }

    /// <summary>Ids in a result as Celery writes a tuple of it: <c>[[id, parent], [children…]]</c>.</summary>
    public static IReadOnlyList<string> Ids(JsonElement children)
    {
        var ids = new List<string>();
        if (children.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement child in children.EnumerateArray())
            {
                AddIds(ids, child);
            }
        }
        return ids;
    }

    /// <summary>Ids in a saved group: <c>{"result": [[group, parent], [members…]]}</c>.</summary>
    public static IReadOnlyList<string> Members(ReadOnlyMemory<byte> value)
    {
        try
        {
            using PythonJson document = PythonJson.Parse(value);
            JsonElement result = document.Root.Member("result");
            return result.ValueKind == JsonValueKind.Array && result.GetArrayLength() > 1 ? Ids(result[1]) : [];
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)
        {
            return [];
        }
    }

    /// <summary>Ids in a pickled group: of <c>GroupResult</c> and its <c>AsyncResult</c>s the names and arguments, of which the id is the first.</summary>
    public static IReadOnlyList<string> PickledMembers(ReadOnlyMemory<byte> json)
    {
        using PythonJson document = PythonJson.Parse(json);
        JsonElement[] group = Arguments(document.Root);
        return group.Length > 1 && group[1].ValueKind == JsonValueKind.Array
            ? [.. group[1].EnumerateArray().Select(member => Arguments(member).FirstOrDefault().Name()).OfType<string>()]
            : [];
    }

    /// <summary>With what a class was called; a class of an application (which each is that a worker made) through a function that has the class's name and its arguments.</summary>
    static JsonElement[] Arguments(JsonElement unbuilt)
    {
        JsonElement[] given = unbuilt.Member("__args__") is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray()] : [];
        return unbuilt.Member("__class__").Text() == "celery.app.base._unpickle_appattr" && given is [_, { ValueKind: JsonValueKind.Array } inner] ? [.. inner.EnumerateArray()] : given;
    }

    static ResultRecord Plain(string id, ReadOnlyMemory<byte> value)
    {
        if (value.Length > 1 && value.Span[0] == 0x80 && value.Span[1] is > 0 and <= 5)
        {
            (string? json, string? problem) = Unpickled(value);
            return json is null ? Refused(id, problem!) : OfJson(id, Encoding.UTF8.GetBytes(json));
        }
        int first = value.Span.IndexOfAnyExcept(" \t\r\n"u8);
        return first >= 0 && value.Span[first] == '{' ? OfJson(id, value) : Refused(id, "record that is neither JSON nor a pickle (YAML and msgpack are never read)");
    }

    static ResultRecord OfJson(string id, ReadOnlyMemory<byte> json)
    {
        try
        {
            using PythonJson document = PythonJson.Parse(json);
            return Read(id, document);
        }
        catch (JsonException)
        {
            return Refused(id, "record that is not JSON");
        }
        catch (InvalidOperationException)
        {
            // System.Text.Json says it so of a name with half a surrogate pair.
            return Refused(id, "record with a name that is no Unicode");
        }
    }

    static ResultRecord Read(string id, PythonJson document)
    {
        JsonElement root = document.Root, result = root.Member("result");
        if (root.Member("status").Name() is not { } status)
        {
            return Refused(id, "record without a status");
        }
        var record = new ResultRecord
        {
            Id = id, Status = status, Result = document.Raw(result), Traceback = root.Member("traceback").Text(),
            Children = Ids(root.Member("children")), Groups = Groups(root.Member("children")), Done = root.Member("date_done").Time(),
            Task = root.Member("name").Name(), Args = Of(JsonValueKind.Array, "args"), Kwargs = Of(JsonValueKind.Object, "kwargs"),
            Worker = root.Member("worker").Name(), Queue = root.Member("queue").Name(),
            Retries = root.Member("retries").Whole() is { } retries ? Math.Max(0, retries) : null,
            Group = root.Member("group_id").Name(), Parent = root.Member("parent_id").Name() is { } parent && parent != id ? parent : null,
        };
        return WithException(record, document, result);

        string? Of(JsonValueKind kind, string name) => root.Member(name) is var value && value.ValueKind == kind ? document.Raw(value) : null;
    }

    static void AddIds(List<string> ids, JsonElement child)
    {
        if (child.ValueKind != JsonValueKind.Array || child.GetArrayLength() == 0 || ids.Count >= MostChildren)
        {
            return;
        }
        if (IsGroup(child))
        {
            foreach (JsonElement member in child[1].EnumerateArray())
            {
                AddIds(ids, member);
            }
        }
        else if (OwnId(child) is { } id)
        {
            ids.Add(id);
        }
    }

    // A group is no run: it has an id and members.
    static bool IsGroup(JsonElement child) => child.GetArrayLength() > 1 && child[1].ValueKind == JsonValueKind.Array;

    static string? OwnId(JsonElement child) => (child[0].ValueKind == JsonValueKind.Array && child[0].GetArrayLength() > 0 ? child[0][0] : child[0]).Name();

    static Dictionary<string, IReadOnlyList<string>> Groups(JsonElement children)
    {
        var groups = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        if (children.ValueKind != JsonValueKind.Array)
        {
            return groups;
        }
        foreach (JsonElement child in children.EnumerateArray())
        {
            if (child.ValueKind == JsonValueKind.Array && child.GetArrayLength() > 0 && IsGroup(child) && OwnId(child) is { } id)
            {
                groups[id] = Ids(child[1]);
            }
        }
        return groups;
    }

    static ResultRecord Refused(string id, string problem) => new() { Id = id, Problem = problem };
}
