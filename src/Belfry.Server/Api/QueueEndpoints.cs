using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Server.Sources.Queues;
using Belfry.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Api;

/// <summary>Queues of Celery clusters, and of calls on this log: how they stand, what waits in them; purging and moving.</summary>
static class QueueEndpoints
{
    const int MostBytes = 16 * 1024;

    public static void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder api = routes.MapGroup("/api/v1/queues").WithMetadata(new RequestSizeLimitAttribute(MostBytes));
        api.MapGet("", ListAsync).RequireScope(Right.View);
        api.MapGet("/{name}/messages", MessagesAsync).RequireScope(Right.View);
        api.MapPost("/{name}/purge", PurgeAsync).RequireScope(Right.Purge);
        api.MapPost("/{name}/move", MoveAsync).RequireScope(Right.Manage);
    }

    /// <summary><c>GET /queues</c>: the queues of all clusters, and those of calls on this log.</summary>
    static async Task<IResult> ListAsync(HttpRequest request, [FromServices] RunLog log, [FromServices] QueueDesk desk, CancellationToken cancel)
    {
        if (Parameters.Unknown(request.Query) is { } unknown)
        {
            return Problems.Bad(unknown);
        }
        IReadOnlyDictionary<string, int> calls = await log.Work.WaitingAsync(cancel);
        IReadOnlyList<ClusterQueues> clusters = await desk.ReadAsync(cancel);
        return new JsonResult(json => QueueJson.Write(json, calls, clusters));
    }

    /// <summary><c>GET /queues/{name}/messages</c>: what waits, next to be taken first; filters <c>app</c>, <c>task</c>, <c>id</c>, <c>priority</c>.</summary>
    static async Task<IResult> MessagesAsync(HttpRequest request, [FromServices] QueueDesk desk, string name, CancellationToken cancel)
    {
        FieldProblem? problem = Parameters.Unknown(request.Query, ["source", "app", "task", "id", "priority", "limit", "cursor"]);
        int limit = Number(request.Query, "limit", desk.Limit, Math.Min(1000, desk.Limit), ref problem), cursor = Number(request.Query, "cursor", int.MaxValue, 0, ref problem);
        int priority = Number(request.Query, "priority", 255, -1, ref problem);
        var choice = new MessageChoice(Parameters.Text(request.Query, "app"), Parameters.Text(request.Query, "task"), Parameters.Text(request.Query, "id"));
        if (problem is not null)
        {
            return Problems.Bad(problem);
        }
        return await NamedCluster.DoAsync(desk.Clusters, Parameters.Text(request.Query, "source"), async cluster =>
        {
            QueueContents contents = await desk.ContentsAsync(cluster, RouteName.Decoded(name), cancel);
            WaitingMessage[] found = [.. contents.Messages.Where(message => choice.Means(message) && (priority < 0 || message.Priority == priority))];
            return new JsonResult(json => QueueJson.Write(json, cluster, RouteName.Decoded(name), contents, found, cursor, limit));
        });
    }

    /// <summary><c>POST /queues/{name}/purge</c>: everything with <c>all</c>, else those of an <c>app</c>, a <c>task</c>, or an <c>id</c>.</summary>
    static async Task<IResult> PurgeAsync(HttpRequest request, [FromServices] QueueDesk desk, string name, CancellationToken cancel)
    {
        (PurgeBody? body, IResult? refused) = await RequestBody.ReadAsync<PurgeBody>(request, null, cancel);
        if (body is null)
        {
            return refused!;
        }
        if (new object?[] { body.App, body.Task, body.Id, body.All ? "all" : null }.Count(one => one is not null) != 1)
        {
            return Problems.Bad(new FieldProblem("all", "Say what is to go: 'all': true, or one of 'app', 'task', 'id'."));
        }
        return await NamedCluster.DoAsync(desk.Clusters, body.Source, async cluster =>
        {
            var choice = new MessageChoice(body.App, body.Task, body.Id);
            QueueRemoval removal = await request.HttpContext.AuditedAsync(
                "queue.purge", $"{RouteName.Decoded(name)} of {cluster.Name}", () => desk.RemoveAsync(cluster, RouteName.Decoded(name), choice, cancel), removed => $"{choice}: {removed}");
            return new JsonResult(json => QueueJson.Write(json, removal));
        });
    }

    /// <summary><c>POST /queues/{name}/move</c>: what waits goes to another queue, of the same cluster or of <c>to_source</c>.</summary>
    static async Task<IResult> MoveAsync(HttpRequest request, [FromServices] QueueDesk desk, string name, CancellationToken cancel)
    {
        (MoveBody? body, IResult? refused) = await RequestBody.ReadAsync<MoveBody>(request, null, cancel);
        if (body is null)
        {
            return refused!;
        }
        if (string.IsNullOrWhiteSpace(body.To))
        {
            return Problems.Bad(new FieldProblem("to", "'to' names the queue that gets them."));
        }
        return await NamedCluster.DoAsync(desk.Clusters, body.Source, from => NamedCluster.DoAsync(desk.Clusters, body.ToSource ?? from.Name, async to =>
        {
            if (from == to && body.To == RouteName.Decoded(name))
            {
                return Problems.Bad(new FieldProblem("to", "That is the same queue."));
            }
            long moved = await request.HttpContext.AuditedAsync(
                "queue.move", $"{RouteName.Decoded(name)} of {from.Name}", () => desk.MoveAsync(from, RouteName.Decoded(name), to, body.To, cancel), some => $"{some} to {body.To} of {to.Name}");
            return new JsonResult(json =>
            {
                json.WriteStartObject();
                json.WriteNumber("moved", moved);
                json.WriteEndObject();
            });
        }, "to_source"));
    }

    static int Number(IQueryCollection sent, string field, int largest, int usual, ref FieldProblem? problem)
    {
        string? text = Parameters.Text(sent, field);
        if (text is null)
        {
            return usual;
        }
        if (int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int number) && number <= largest)
        {
            return number;
        }
        problem ??= new FieldProblem(field, $"'{text}' is no number from 0 to {largest}.");
        return usual;
    }

    /// <summary>What is to be purged.</summary>
    sealed record PurgeBody
    {
        public string? Source { get; init; }

        public bool All { get; init; }

        public string? App { get; init; }

        public string? Task { get; init; }

        public string? Id { get; init; }
    }

    /// <summary>What is to be moved where.</summary>
    sealed record MoveBody
    {
        public string? Source { get; init; }

        public string? To { get; init; }

        public string? ToSource { get; init; }
    }
}
