using System.Text;
using System.Text.Json;

namespace Belfry.Celery.Messages;

/// <summary>The body of a message as the bytes of its JSON; or why there is none.</summary>
readonly record struct MessageBody(ReadOnlyMemory<byte> Json, string? Problem)
{
    /// <summary>A body larger than this is left alone: nobody reads it on a page, and a few bytes can be made to swell to any size.</summary>
    public const int MostBytes = 64 * 1024 * 1024;

    /// <summary>Takes the body out of its envelope.</summary>
    /// <param name="envelope">Kombu's envelope.</param>
    /// <param name="given">The body itself, where it does not lie in the envelope.</param>
    public static MessageBody Of(JsonElement envelope, ReadOnlyMemory<byte>? given)
    {
        string type = envelope.Member("content-type").Text() is { Length: > 0 } told ? told : "application/json";
        if (type is not ("application/json" or "json"))
        {
            return Refused($"arguments as {Named(type)}, which is never read");
        }
        string encoding = envelope.Member("content-encoding").Text()?.ToLowerInvariant() ?? "utf-8";
        if (encoding is not ("utf-8" or "utf8" or "us-ascii" or "ascii" or "binary" or ""))
        {
            return Refused($"body in {Shown(encoding)}");
        }
        MessageBody body = given is { } bytes ? new MessageBody(bytes, null) : Inside(envelope);
        return body.Problem is null ? Decompressed(body.Json, envelope.Member("headers").Member("compression").Text()) : body;
    }

    static MessageBody Inside(JsonElement envelope)
    {
        JsonElement body = envelope.Member("body");
        if (body.Text() is not { } text)
        {
            return Refused("message without a body");
        }
        if (envelope.Member("properties").Member("body_encoding").Text() != "base64")
        {
            return new MessageBody(Encoding.UTF8.GetBytes(text), null);
        }
        byte[] room = new byte[(text.Length / 4 * 3) + 3];
        return Convert.TryFromBase64String(text, room, out int length) ? new MessageBody(room.AsMemory(0, length), null) : Refused("body that is not base64");
    }

    static MessageBody Decompressed(ReadOnlyMemory<byte> body, string? how) => how switch
    {
        null or "" => new MessageBody(body, null),
        // kombu's name for it is gzip, what it writes is zlib.
        "application/x-gzip" or "application/gzip" or "gzip" or "zlib" => Inflation.TryRead(body, MostBytes, out ReadOnlyMemory<byte> whole) is { } problem
            ? Refused($"body {problem}")
            : new MessageBody(whole, null),
        _ => Refused($"body compressed as {Shown(how)}"),
    };

    static string Named(string type) => type switch
    {
        "application/x-python-serialize" or "pickle" => "pickle",
        "application/x-yaml" or "yaml" => "YAML",
        "application/x-msgpack" or "msgpack" => "msgpack",
        _ => Shown(type),
    };

    static string Shown(string text) => Excerpt.Of(text, 40);

    static MessageBody Refused(string problem) => new(default, problem);
}
