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

    /// <summary>Reads it; what is not understood is named.</summary>
    /// <param name="request">The request.</param>
    /// <param name="empty">What no body, or null, means; null when there has to be one.</param>
    /// <param name="cancel">Stops it.</param>
    public static async Task<(T? Body, IResult? Problem)> ReadAsync<T>(HttpRequest request, T? empty, CancellationToken cancel)
        where T : class
    {
        try
        {
            using JsonDocument? sent = request.ContentLength is 0 ? null : await JsonDocument.ParseAsync(request.Body, cancellationToken: cancel);
            T? body = sent?.RootElement.Deserialize<T>(Json) ?? empty;
            return (body, body is null ? NoObject() : null);
        }
        catch (JsonException wrong)
        {
            return (null, wrong.Path is { Length: > 2 } path ? Problems.Bad(new FieldProblem(path[2..], $"'{path[2..]}' is not understood, or not known here.")) : NoObject());
        }
    }

    static IResult NoObject() => Problems.Bad(new FieldProblem("", "The body is no such JSON object."));
}
