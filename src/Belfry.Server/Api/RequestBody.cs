using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;

namespace Belfry.Server.Api;

/// <summary>Reads the JSON object that a request brings, with the fields of a record in snake case and no others.</summary>
static class RequestBody
{
    static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    // The parser lets through what is no UTF-8 within texts, and it is found out only where somebody reads them.
    static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads it; what is not understood is named.</summary>
    /// <param name="request">The request.</param>
    /// <param name="empty">What no body, or null, means; null when there has to be one.</param>
    /// <param name="cancel">Stops it.</param>
    public static async Task<(T? Body, IResult? Problem)> ReadAsync<T>(HttpRequest request, T? empty, CancellationToken cancel)
        where T : class
    {
        try
        {
            using JsonDocument? sent = await ReadAsync(request, cancel);
            T? body = sent?.RootElement.Deserialize<T>(Json) ?? empty;
            return (body, body is null ? NoObject() : null);
        }
        catch (DecoderFallbackException)
        {
            return (null, NoObject());
        }
        catch (JsonException wrong)
        {
            return (null, wrong.Path is { Length: > 2 } path ? Problems.Bad(new FieldProblem(path[2..], $"'{path[2..]}' is not understood, or not known here.")) : NoObject());
        }
    }

    /// <summary>Reads the JSON that a request brings; null when it brings none.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    /// <exception cref="DecoderFallbackException">It is no UTF-8.</exception>
    public static async Task<JsonDocument?> ReadAsync(HttpRequest request, CancellationToken cancel)
    {
        await using Stream text = Encoding.CreateTranscodingStream(request.Body, Strict, Encoding.UTF8, leaveOpen: true);
        return request.ContentLength is 0 ? null : await JsonDocument.ParseAsync(text, cancellationToken: cancel);
    }

    static IResult NoObject() => Problems.Bad(new FieldProblem("", "The body is no such JSON object."));
}
