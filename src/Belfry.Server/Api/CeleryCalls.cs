using Belfry.Celery;
using Belfry.Celery.Calling;
using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Api;

/// <summary>Calls, retries and revocations of Celery's tasks, and results of all runs.</summary>
static class CeleryCalls
{
    static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(300);

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGroup("/api/v1").MapGet("/runs/{id}/result", ResultAsync).RequireScope(Right.View);

    /// <summary>The cluster on which a task is to be called; none when it is no task of Celery's, as far as anybody knows.</summary>
    /// <param name="clusters">Those that are configured.</param>
    /// <param name="source">The source that was named; null when none was.</param>
    /// <param name="known">The sources in which the log has runs of it.</param>
    /// <param name="problem">Why it cannot be told; null when it can.</param>
    public static Cluster? ClusterOf(Clusters clusters, string? source, IReadOnlyList<string> known, out FieldProblem? problem)
    {
        Cluster[] likely = source is not null ? [.. clusters.All.Where(cluster => cluster.Name == source)]
            : known.Count == 0 ? [.. clusters.All] : [.. clusters.All.Where(cluster => known.Contains(cluster.Name))];
        problem = source is not null && source != CallEvents.Source && likely.Length == 0 ? new FieldProblem("source", $"No Celery cluster is called '{source}'.")
            : likely.Length > 1 ? new FieldProblem("source", $"Say on which cluster: {string.Join(", ", likely.Select(cluster => cluster.Name))}.")
            : null;
        return likely.Length == 1 ? likely[0] : null;
    }

    /// <summary>Calls a task of a cluster.</summary>
    public static async Task<IResult> CallAsync(HttpContext context, CeleryRuns runs, Cluster cluster, TaskCall call, bool force, CancellationToken cancel) =>
        Answered(await context.AuditedAsync("task.call", call.Task, () => runs.CallAsync(cluster, call, force, cancel), answer => answer.Id));

    /// <summary>Calls a run of a cluster again.</summary>
    public static async Task<IResult> RetryAsync(HttpContext context, CeleryRuns runs, Cluster cluster, TaskRun run, CancellationToken cancel) =>
        Answered(await context.AuditedAsync("run.retry", run.Id, () => runs.CallAgainAsync(cluster, run, cancel), answer => answer.Id is null ? null : $"{run.Task} as {answer.Id}"));

    /// <summary>Revokes a run of a cluster.</summary>
    public static async Task<IResult> RevokeAsync(HttpContext context, CeleryRuns runs, Cluster cluster, TaskRun run, bool terminate, string signal, CancellationToken cancel) =>
        Answered(await context.AuditedAsync(
            terminate ? "run.terminate" : "run.revoke", run.Id, () => runs.RevokeAsync(cluster, run, terminate, signal, cancel),
            answer => answer.Id is null ? null : $"{run.Task}{(terminate ? $" with {signal}" : "")}"));

    /// <summary><c>GET /runs/{id}/result?wait=</c>: of any run that somebody knows.</summary>
    static async Task<IResult> ResultAsync(HttpRequest request, [FromServices] CeleryRuns runs, [FromServices] RunQueries queries, string id, CancellationToken cancel)
    {
        FieldProblem? problem = Parameters.Unknown(request.Query, ["source", "wait"]);
        TimeSpan wait = Parameters.Seconds(request.Query, "wait", ref problem) ?? TimeSpan.Zero;
        problem ??= wait > LongestWait ? new FieldProblem("wait", $"'wait' is seconds, at most {LongestWait.TotalSeconds:0}.") : null;
        if (problem is not null)
        {
            return Problems.Bad(problem);
        }
        string wanted = RouteName.Decoded(id);
        string? source = Parameters.Text(request.Query, "source");
        IReadOnlyList<TaskRun> found = await queries.FindAsync(wanted, source, cancel);
        if (found.Select(run => run.Source).Distinct().Count() > 1)
        {
            return Several(wanted, found);
        }
        try
        {
            RunEnd? outcome = await runs.EndAsync(wanted, source, wait, cancel);
            return outcome is null ? Problems.NoRun(wanted, source) : new JsonResult(json => ResultJson.Write(json, outcome));
        }
        catch (Exception unreachable) when (unreachable is IOException or BrokerException)
        {
            return NamedCluster.BrokerAway(unreachable.Message);
        }
    }

    /// <summary>An id does not say which run is meant.</summary>
    public static IResult Several(string id, IEnumerable<TaskRun> runs) => Results.Problem(
        $"Several sources know a run '{id}': name one with source=: {string.Join(", ", runs.Select(run => run.Source).Distinct())}.", statusCode: StatusCodes.Status300MultipleChoices);

    static IResult Answered(RunAnswer answer) => answer.Refusal switch
    {
        null => CallEndpoints.Accepted(answer.Id!),
        RunRefusal.Unknown => Problems.NotFound(answer.Sentence),
        RunRefusal.Conflict => CallEndpoints.Conflict(answer.Sentence),
        RunRefusal.Unanswered => NamedCluster.Unanswered(answer.Sentence),
        _ => NamedCluster.BrokerAway(answer.Sentence),
    };
}
