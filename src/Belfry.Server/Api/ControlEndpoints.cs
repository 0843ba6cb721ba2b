using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Belfry.Celery.Control;
using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Storage;
using Belfry.Storage.Payloads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Api;

/// <summary>What workers of Celery tell, and what they are told.</summary>
static class ControlEndpoints
{
    const int MostBytes = 1024 * 1024;
    static readonly TimeSpan LongestTimeout = TimeSpan.FromSeconds(60);

    public static void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder api = routes.MapGroup("/api/v1").WithMetadata(new RequestSizeLimitAttribute(MostBytes));
        api.MapGet("/inspect/{command}", InspectAsync).RequireScope(Right.View);
        api.MapGet("/bindings", BindingsAsync).RequireScope(Right.View);
        api.MapPost("/control/{command}", ControlAsync).RequireScope(Right.Manage);
    }

    /// <summary><c>GET /inspect/{command}</c>: source, worker, timeout, and what the command takes.</summary>
    static async Task<IResult> InspectAsync(HttpRequest request, [FromServices] Clusters clusters, [FromServices] SecretMask mask, [FromServices] RunQueries queries, [FromServices] TimeProvider clock, string command, CancellationToken cancel)
    {
        if (WorkerCommand.Find(WorkerCommand.Inspections, command) is not { } known)
        {
            return Problems.NotFound($"Workers are not asked for '{command}'; known are {Names(WorkerCommand.Inspections)}.");
        }
        Dictionary<string, IReadOnlyList<string>> given = request.Query.Where(pair => pair.Key is not ("source" or "worker" or "timeout"))
            .ToDictionary(pair => pair.Key, pair => (IReadOnlyList<string>)[.. pair.Value.OfType<string>()]);
        FieldProblem? problem = null;
        TimeSpan? timeout = Parameters.Seconds(request.Query, "timeout", ref problem);
        return problem is not null ? Problems.Bad(problem)
            : await AskAsync(known, new Question(Parameters.Text(request.Query, "source"), Parameters.List(request.Query["worker"]), timeout, given), clusters, mask, queries, clock, (_, ask) => ask(), cancel);
    }

    /// <summary><c>POST /control/{command}</c>: <c>source</c>, <c>workers</c>, <c>timeout</c>, and what the command takes.</summary>
    static async Task<IResult> ControlAsync(HttpContext context, [FromServices] Clusters clusters, [FromServices] SecretMask mask, [FromServices] RunQueries queries, [FromServices] TimeProvider clock, string command, CancellationToken cancel)
    {
        if (WorkerCommand.Find(WorkerCommand.Controls, command) is not { } known)
        {
            return Problems.NotFound($"Workers are not told '{command}'; known are {Names(WorkerCommand.Controls)}.");
        }
        (Dictionary<string, IReadOnlyList<string>>? fields, FieldProblem? problem) = await ReadAsync(context.Request, cancel);
        if (fields is null)
        {
            return Problems.Bad(problem!);
        }
        string[] source = Taken("source"), workers = Taken("workers"), seconds = Taken("timeout");
        TimeSpan? timeout = Parameters.Seconds(seconds is [var text, ..] ? text : null, "timeout", ref problem);
        return problem is not null ? Problems.Bad(problem)
            : await AskAsync(known, new Question(source is [var name, ..] ? name : null, workers, timeout, fields), clusters, mask, queries, clock, TellAsync, cancel);

        // An act that nobody answered may have been heard all the same.
        Task<Inspected> TellAsync(Cluster cluster, Func<Task<Inspected>> tell) => context.AuditedAsync(
            $"control.{known.Name}",
            workers.Length > 0 ? string.Join(", ", workers) : $"all workers of {cluster.Name}", tell,
            said => string.Join(", ", fields.Where(field => field.Value.Count > 0).Select(field => $"{field.Key} {string.Join(' ', field.Value)}").Append($"{said.Replies.Count} answered")));

        string[] Taken(string field) => fields.Remove(field, out IReadOnlyList<string>? texts) ? [.. texts] : [];
    }

    /// <summary><c>GET /bindings</c>: which queue gets what is published to which exchange.</summary>
    static Task<IResult> BindingsAsync(HttpRequest request, [FromServices] Clusters clusters, [FromServices] SecretMask mask, [FromServices] RunQueries queries, [FromServices] TimeProvider clock, CancellationToken cancel) =>
        Parameters.Unknown(request.Query, ["source"]) is { } unknown ? Task.FromResult(Problems.Bad(unknown)) : NamedCluster.DoAsync(clusters, Parameters.Text(request.Query, "source"), async cluster =>
        {
            KnownWorkers live = KnownWorkers.Of(await queries.WorkersAsync(cancel), cluster.Name, Instant.Now(clock));
            return new JsonResult((await ClusterBindings.ReadAsync(cluster, new Inspector(cluster, mask), live, RemoteControl.UsualTimeout, clock, cancel)).WriteTo);
        });

    static Task<IResult> AskAsync(
        WorkerCommand command, Question question, Clusters clusters, SecretMask mask, RunQueries queries, TimeProvider clock, Func<Cluster, Func<Task<Inspected>>, Task<Inspected>> told, CancellationToken cancel)
    {
        if (question.Timeout is { } wish && (wish <= TimeSpan.Zero || wish > LongestTimeout))
        {
            return Task.FromResult(Problems.Bad(new FieldProblem("timeout", $"'timeout' is a number of seconds up to {LongestTimeout.TotalSeconds:0}.")));
        }
        if (!CommandArguments.TryRead(command, question.Fields, out JsonObject arguments, out (string Field, string Problem)? mistake))
        {
            return Task.FromResult(Problems.Bad(new FieldProblem(mistake!.Value.Field, mistake.Value.Problem)));
        }
        return NamedCluster.DoAsync(clusters, question.Source, async cluster =>
        {
            KnownWorkers live = KnownWorkers.Of(await queries.WorkersAsync(cancel), cluster.Name, Instant.Now(clock));
            Inspected said = await told(cluster, () => new Inspector(cluster, mask).AskAsync(command, arguments, question.Workers, question.Timeout ?? RemoteControl.UsualTimeout, live, cancel));
            return said.IsUnanswered ? NamedCluster.Unanswered(string.Join(' ', said.Remarks())) : new JsonResult(said.WriteTo);
        });
    }

    /// <summary>The texts of a body's fields.</summary>
    static async Task<(Dictionary<string, IReadOnlyList<string>>? Fields, FieldProblem? Problem)> ReadAsync(HttpRequest request, CancellationToken cancel)
    {
        try
        {
            using JsonDocument? sent = await RequestBody.ReadAsync(request, cancel);
            if (sent is not null && sent.RootElement.ValueKind != JsonValueKind.Object)
            {
                return (null, new FieldProblem("", "The body is no JSON object."));
            }
            Dictionary<string, IReadOnlyList<string>> fields = [];
            foreach (JsonProperty field in sent?.RootElement.EnumerateObject() ?? [])
            {
                if (Texts(field.Value) is not { } texts)
                {
                    return (null, new FieldProblem(field.Name, $"'{field.Name}' is a text, a number, true or false, or a list of texts."));
                }
                fields[field.Name] = texts;
            }
            return (fields, null);
        }
        catch (Exception wrong) when (wrong is JsonException or DecoderFallbackException or InvalidOperationException) // the last of half a surrogate
        {
            return (null, new FieldProblem("", "The body is no JSON object."));
        }
    }

    static IReadOnlyList<string>? Texts(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => [],
        JsonValueKind.String => [value.GetString()!],
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => [value.GetRawText()],
        JsonValueKind.Array when value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String) => [.. value.EnumerateArray().Select(item => item.GetString()!)],
        _ => null,
    };

    static string Names(IReadOnlyList<WorkerCommand> commands) => string.Join(", ", commands.Select(command => command.Name));

    sealed record Question(string? Source, IReadOnlyList<string> Workers, TimeSpan? Timeout, Dictionary<string, IReadOnlyList<string>> Fields);
}
