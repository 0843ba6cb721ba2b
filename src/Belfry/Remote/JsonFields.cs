using System.Text.Json;

namespace Belfry;

/// <summary>Writes the fields that events and runs have in JSON, so that both look the same. What is not known is left out.</summary>
public static class JsonFields
{
    /// <summary>An instant as RFC 3339 in UTC, with microseconds; left out when it is not known.</summary>
    public static void At(Utf8JsonWriter json, string name, Instant? at)
    {
        if (at is { } known)
        {
            json.WriteString(name, known.ToString());
        }
    }

    /// <summary>A text; left out when it is not known.</summary>
    public static void Text(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null)
        {
            json.WriteString(name, text);
        }
    }

    /// <summary>A number; left out when it is not known, or no number that JSON has.</summary>
    public static void Number(Utf8JsonWriter json, string name, double? number)
    {
        if (number is { } known && double.IsFinite(known))
        {
            json.WriteNumber(name, known);
        }
    }

    /// <summary>What a run is about; left out when it is not known.</summary>
    public static void Context(Utf8JsonWriter json, RunContext? context)
    {
        if (context is null)
        {
            return;
        }
        json.WriteStartObject("context");
        Text(json, "model", context.Model);
        Text(json, "type", context.Type);
        Text(json, "id", context.Id);
        json.WriteEndObject();
    }
}
