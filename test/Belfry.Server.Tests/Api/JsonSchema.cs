using System.Text.Json;

namespace Belfry.Server.Tests.Api;

/// <summary>As much of JSON Schema as the description of the API uses.</summary>
sealed class JsonSchema(JsonElement document)
{
    /// <summary>What a reference leads to; the element itself when it is none.</summary>
    public JsonElement Resolved(JsonElement element) => element.ValueKind == JsonValueKind.Object && element.TryGetProperty("$ref", out JsonElement reference)
        ? Resolved(reference.GetString()!.Split('/').Skip(1).Aggregate(document, (at, step) => at.GetProperty(step)))
        : element;

    /// <summary>What of a value is other than a schema says, each with its place.</summary>
    public IEnumerable<string> Problems(JsonElement schema, JsonElement value, string at = "$", bool closed = false)
    {
        // Beside a reference only whether others may stand there is said.
        closed |= Says(schema, "unevaluatedProperties", JsonValueKind.False);
        schema = Resolved(schema);
        closed |= Says(schema, "unevaluatedProperties", JsonValueKind.False) || Says(schema, "additionalProperties", JsonValueKind.False);
        if (schema.TryGetProperty("type", out JsonElement type) && !Types(type).Any(one => Is(one, value)))
        {
            yield return $"{at} is {value.ValueKind} and not {type}";
            yield break;
        }
        if (schema.TryGetProperty("enum", out JsonElement words) && !words.EnumerateArray().Any(word => JsonElement.DeepEquals(word, value)))
        {
            yield return $"{at} is {value}, none of {words}";
        }
        if (schema.TryGetProperty("format", out _) && value.ValueKind == JsonValueKind.String && !DateTimeOffset.TryParse(value.GetString(), out _))
        {
            yield return $"{at} is {value} and no instant";
        }
        foreach (string problem in Parts(schema, value, at, closed))
        {
            yield return problem;
        }
    }

    IEnumerable<string> Parts(JsonElement schema, JsonElement value, string at, bool closed)
    {
        if (value.ValueKind == JsonValueKind.Array && schema.TryGetProperty("items", out JsonElement items))
        {
            return value.EnumerateArray().SelectMany((item, place) => Problems(items, item, $"{at}[{place}]"));
        }
        if (value.ValueKind != JsonValueKind.Object)
        {
            return [];
        }
        Dictionary<string, JsonElement> known = Properties(schema);
        JsonElement? others = schema.TryGetProperty("additionalProperties", out JsonElement said) && said.ValueKind == JsonValueKind.Object ? said : null;
        return
        [
            .. Required(schema).Where(name => !value.TryGetProperty(name, out _)).Select(name => $"{at} has no {name}"),
            .. value.EnumerateObject().SelectMany(property =>
                known.TryGetValue(property.Name, out JsonElement of) ? Problems(of, property.Value, $"{at}.{property.Name}")
                : others is { } other ? Problems(other, property.Value, $"{at}.{property.Name}")
                : closed ? [$"{at}.{property.Name} is not described"]
                : Array.Empty<string>()),
        ];
    }

    /// <summary>The properties that a schema and those it is made of name.</summary>
    public Dictionary<string, JsonElement> Properties(JsonElement schema) =>
        All(schema).SelectMany(part => part.TryGetProperty("properties", out JsonElement properties) ? properties.EnumerateObject() : default).ToDictionary(property => property.Name, property => property.Value);

    IEnumerable<string> Required(JsonElement schema) =>
        All(schema).SelectMany(part => part.TryGetProperty("required", out JsonElement names) ? names.EnumerateArray() : default).Select(name => name.GetString()!);

    IEnumerable<JsonElement> All(JsonElement schema)
    {
        schema = Resolved(schema);
        return schema.TryGetProperty("allOf", out JsonElement parts) ? parts.EnumerateArray().SelectMany(All).Prepend(schema) : [schema];
    }

    static bool Says(JsonElement schema, string name, JsonValueKind kind) => schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty(name, out JsonElement value) && value.ValueKind == kind;

    static IEnumerable<string> Types(JsonElement type) => type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(one => one.GetString()!) : [type.GetString()!];

    static bool Is(string type, JsonElement value) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "integer" => value.ValueKind == JsonValueKind.Number && value.GetDouble() % 1 == 0,
        "number" => value.ValueKind == JsonValueKind.Number,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        _ => false,
    };
}
