using System.Text.Json;

namespace Belfry;

/// <summary>Takes the fields of an event apart; the first that is not understood becomes the mistake.</summary>
sealed class EventFields(JsonElement json)
{
    static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "id", "kind", "at", "task", "source", "attempt", "worker", "queue", "args", "kwargs", "result", "exception", "traceback", "runtime", "percent", "text",
        "reason", "eta", "expires", "priority", "parent", "root", "app", "context",
    };

    public EventMistake? Mistake { get; private set; }

    public static bool IsKnown(string field) => Known.Contains(field);

    public T Missing<T>(string field)
        where T : struct
    {
        Mistake ??= new EventMistake(field, "is missing");
        return default;
    }

    public string? Text(string field) => Find(field) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { ValueKind: JsonValueKind.Number } number => number.GetRawText(), // ids of databases
        _ => Wrong(field, "is no text"),
    };

    /// <summary>A text as it is, any other value in JSON.</summary>
    public string? Value(string field) => Find(field) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { } value => value.GetRawText(),
    };

    public EventKind Kind(string field)
    {
        string? text = Text(field);
        if (text is null)
        {
            return Missing<EventKind>(field);
        }
        if (!EventKinds.TryParse(text, out EventKind kind))
        {
            Wrong(field, $"'{text}' is not known; known are {string.Join(", ", Enum.GetValues<EventKind>().Select(known => known.Name()))}");
        }
        return kind;
    }

    public Instant? At(string field)
    {
        if (Text(field) is not { } text)
        {
            return null;
        }
        if (!Instant.TryParse(text, out Instant at))
        {
            Wrong(field, $"'{text}' is no instant; write 2026-11-20T09:00:00Z or seconds since 1970");
        }
        return at;
    }

    public int? Number(string field, int least)
    {
        if (Find(field) is not { } value)
        {
            return null;
        }
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= least)
        {
            return number;
        }
        Wrong(field, least > int.MinValue ? $"is no whole number of {least} or more" : "is no whole number");
        return null;
    }

    public double? Real(string field)
    {
        if (Find(field) is not { } value)
        {
            return null;
        }
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number))
        {
            return number;
        }
        Wrong(field, "is no number");
        return null;
    }

    public RunContext? Context(string field)
    {
        if (Find(field) is not { } value)
        {
            return null;
        }
        if (value.ValueKind != JsonValueKind.Object)
        {
            Wrong(field, "is no object with model, type and id");
            return null;
        }
        var parts = new EventFields(value);
        var context = new RunContext(parts.Text("model"), parts.Text("type"), parts.Text("id"));
        Mistake ??= parts.Mistake is { } wrong ? new EventMistake($"{field}.{wrong.Field}", wrong.Problem) : null;
        return context;
    }

    /// <summary>The fields that are not known, as an object; null when there are none.</summary>
    public string? Rest()
    {
        Dictionary<string, JsonElement>? rest = null;
        foreach (JsonProperty field in json.EnumerateObject())
        {
            if (!Known.Contains(field.Name))
            {
                (rest ??= [])[field.Name] = field.Value;
            }
        }
        return rest is null ? null : JsonSerializer.Serialize(rest);
    }

    /// <summary>A field that says something: null says nothing.</summary>
    JsonElement? Find(string field) => json.TryGetProperty(field, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    string? Wrong(string field, string problem)
    {
        Mistake ??= new EventMistake(field, problem);
        return null;
    }
}
