using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Belfry.Celery.Events;

namespace Belfry.Celery.Control;

/// <summary>What one worker replied.</summary>
/// <param name="Worker">Its node name.</param>
/// <param name="Value">What it said.</param>
sealed partial record ControlReply(string Worker, JsonElement Value)
{
    /// <summary>Reads a reply in kombu's envelope; null when it is to another question, or none.</summary>
    public static ControlReply? Read(string envelope, string? ticket)
    {
        try
        {
            using JsonDocument message = JsonDocument.Parse(envelope);
            JsonElement root = message.RootElement;
            return root.ValueKind == JsonValueKind.Object && Text(root, "headers", "ticket") == ticket && root.TryGetProperty("body", out JsonElement body) && body.ValueKind == JsonValueKind.String
                ? ReadBody(Text(root, "properties", "body_encoding") == "base64" ? body.GetBytesFromBase64() : Encoding.UTF8.GetBytes(body.GetString()!))
                : null;
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            // What others push to our list is no reply.
            return null;
        }
    }

    /// <summary>Reads the body of a reply: an object with one key, the worker; null when it is none.</summary>
    public static ControlReply? ReadBody(ReadOnlySpan<byte> body)
    {
        try
        {
            using JsonDocument reply = JsonDocument.Parse(Mended(body));
            return reply.RootElement.ValueKind == JsonValueKind.Object && reply.RootElement.EnumerateObject().FirstOrDefault() is { Value.ValueKind: not JsonValueKind.Undefined } one
                ? new ControlReply(one.Name, one.Value.Clone())
                : null;
        }
        catch (Exception e) when (e is JsonException or RegexMatchTimeoutException)
        {
            return null;
        }
    }

    // What Python writes and .NET does not take: NaN, and half a surrogate pair, which would only throw when the text is asked for.
    static string Mended(ReadOnlySpan<byte> body) => Escape().Replace(
        Encoding.UTF8.GetString(JsonText.WithoutNonFinite(body) ?? body), found => found.Groups["half"].Success ? @"\ufffd" : found.Value);

    [GeneratedRegex(@"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", RegexOptions.ExplicitCapture | RegexOptions.Singleline, 1000)]
    private static partial Regex Escape();

    static string? Text(JsonElement root, string outer, string inner) =>
        root.TryGetProperty(outer, out JsonElement group) && group.ValueKind == JsonValueKind.Object && group.TryGetProperty(inner, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
