using Belfry.Celery;
using Belfry.Server.Sources;
using Microsoft.AspNetCore.Http;

namespace Belfry.Server.Api;

/// <summary>The Celery cluster that a request names, or the only one; and how a broker that is away, or refuses, is answered.</summary>
static class NamedCluster
{
    /// <summary>Does something with it.</summary>
    /// <param name="clusters">Those that are configured.</param>
    /// <param name="source">Its name; null for the only one.</param>
    /// <param name="act">What is done.</param>
    /// <param name="field">The field that names it.</param>
    public static async Task<IResult> DoAsync(Clusters clusters, string? source, Func<Cluster, Task<IResult>> act, string field = "source")
    {
        string names = string.Join(", ", clusters.All.Select(one => one.Name));
        if (clusters.All.Count == 0)
        {
            return Problems.NotFound("No Celery cluster is configured here.");
        }
        if (source is null && clusters.All.Count > 1)
        {
            return Problems.Bad(new FieldProblem(field, $"Say which cluster: {names}."));
        }
        if ((source is null ? clusters.All[0] : clusters.Find(source)) is not { } cluster)
        {
            return Problems.NotFound($"No Celery cluster is called '{source}'; known are {names}.");
        }
        try
        {
            return await act(cluster);
        }
        catch (Exception problem) when (problem is IOException or BrokerException)
        {
            return BrokerAway(problem.Message);
        }
    }

    /// <summary>The broker, or the result backend, cannot be reached or refused: the gateway is well, what is behind it is not.</summary>
    public static IResult BrokerAway(string problem) => Results.Problem(problem, statusCode: StatusCodes.Status502BadGateway);

    /// <summary>The broker is there, and nobody answered.</summary>
    public static IResult Unanswered(string problem) => Results.Problem(problem, statusCode: StatusCodes.Status504GatewayTimeout);
}
