using Belfry.Server.Access;
using Belfry.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Api;

/// <summary><c>POST /runs/purge</c>: ended runs go, and the figures with them: everything with <c>all</c>, else those of an <c>app</c>, a <c>task</c>, or an <c>id</c>.</summary>
static class PurgeEndpoint
{
    const int MostBytes = 16 * 1024;

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/api/v1/runs/purge", PurgeAsync).WithMetadata(new RequestSizeLimitAttribute(MostBytes)).RequireScope(Right.Delete);

    static async Task<IResult> PurgeAsync(HttpRequest request, [FromServices] RunLog log, CancellationToken cancel)
    {
        (PurgeBody? body, IResult? problem) = await RequestBody.ReadAsync<PurgeBody>(request, null, cancel);
        if (body is null)
        {
            return problem!;
        }
        if (new object?[] { body.App, body.Task, body.Id, body.All ? "all" : null }.Count(one => one is not null) != 1)
        {
            return Problems.Bad(new FieldProblem("all", "Say what is to go: 'all': true, or one of 'app', 'task', 'id'; 'source' besides; 'dry_run': true only counts."));
        }
        var choice = new RunChoice(body.App, body.Task, body.Id, body.Source);
        long runs = body.DryRun ? await choice.CountAsync(log.Queries, cancel)
            : await request.HttpContext.AuditedAsync("run.purge", $"{choice}", () => log.DeleteAsync(choice, cancel), deleted => $"{deleted} deleted");
        return new JsonResult(json =>
        {
            json.WriteStartObject();
            json.WriteNumber(body.DryRun ? "runs" : "deleted", runs);
            json.WriteEndObject();
        });
    }

    /// <summary>What is to go.</summary>
    sealed record PurgeBody
    {
        public bool All { get; init; }

        public string? App { get; init; }

        public string? Task { get; init; }

        public string? Id { get; init; }

        public string? Source { get; init; }

        public bool DryRun { get; init; }
    }
}
