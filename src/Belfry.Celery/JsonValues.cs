using System.Runtime.InteropServices;
using System.Text.Json;

namespace Belfry.Celery;

/// <summary>Values of a JSON document that anybody may have written: what has another type than expected counts as absent.</summary>
static class JsonValues
{
    /// <summary>A member of an object; undefined when it is none or has none of that name.</summary>
    public static JsonElement Member(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out JsonElement member) ? member : default;

    /// <summary>A text; null when it is none. What is no character becomes U+FFFD.</summary>
    public static string? Text(this JsonElement json) =>
        json.ValueKind == JsonValueKind.String ? JsonText.Decode(JsonMarshal.GetRawUtf8Value(json)[1..^1]) : null;

    /// <summary>A text that is not empty, cut as the log would cut a name; null when it is none.</summary>
    public static string? Name(this JsonElement json) => json.Text() is { Length: > 0 } text ? Excerpt.Of(text, TaskEvent.LongestName) : null;

    /// <summary>A whole number; null when it is none, or without measure.</summary>
    public static int? Whole(this JsonElement json) =>
        json.ValueKind == JsonValueKind.Number && json.TryGetInt32(out int number) ? number : null;

    /// <summary>A number; null when it is none.</summary>
    public static double? Number(this JsonElement json) =>
        json.ValueKind == JsonValueKind.Number && json.TryGetDouble(out double number) && double.IsFinite(number) ? number : null;

    /// <summary>An instant: ISO 8601, without an offset UTC (Celery's default, and what it writes), or Unix seconds; null when it is none.</summary>
    public static Instant? Time(this JsonElement json)
    {
        if (json.Number() is { } seconds)
        {
            return Instant.FromUnixSeconds(seconds);
        }
        return json.Name() is { } text && (Instant.TryParse(text, out Instant time) || Instant.TryParse($"{text}Z", out time)) ? time : null;
    }
}
