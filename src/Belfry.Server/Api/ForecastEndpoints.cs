using Belfry.Server.Access;
using Belfry.Storage;
using Belfry.Storage.Definitions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace Belfry.Server.Api;

/// <summary>Why tasks of .NET applications start or do not, and when they will.</summary>
static class ForecastEndpoints
{
    const int UsualStarts = 20;

    /// <summary>How many starts are told at most.</summary>
    public const int MostStarts = 1000;

    /// <summary><c>GET /tasks/{name}/why</c>: the task's condition as a tree, with what holds and until when.</summary>
    public static async Task<IResult> WhyAsync(
        HttpRequest request, [FromServices] RunQueries queries, [FromServices] ITaskBook book, [FromServices] TimeProvider clock, string name, CancellationToken cancel)
    {
        if (Parameters.Unknown(request.Query, []) is { } unknown)
        {
            return Problems.Bad(unknown);
        }
        return await Forecasts.OfAsync(RouteName.Decoded(name), book, queries, Instant.Now(clock), cancel) is not { } forecast
            ? NotRegistered(name)
            : new JsonResult(json => ForecastJson.WriteWhy(json, forecast));
    }

    /// <summary><c>GET /tasks/{name}/next</c>: its next starts, if each run ends well at once and no other task runs.</summary>
    public static async Task<IResult> NextAsync(
        HttpRequest request, [FromServices] RunQueries queries, [FromServices] ITaskBook book, [FromServices] TimeProvider clock, string name, CancellationToken cancel)
    {
        if (Parameters.Unknown(request.Query, ["n"]) is { } unknown)
        {
            return Problems.Bad(unknown);
        }
        string? sent = Parameters.Text(request.Query, "n");
        int starts = UsualStarts;
        if (sent is not null && (!int.TryParse(sent, out starts) || starts is < 1 or > MostStarts))
        {
            return Problems.Bad(new FieldProblem("n", $"'{sent}' is not a number from 1 to {MostStarts}."));
        }
        return await Forecasts.OfAsync(RouteName.Decoded(name), book, queries, Instant.Now(clock), cancel) is not { } forecast
            ? NotRegistered(name)
            : new JsonResult(json => ForecastJson.WriteNext(json, forecast, starts));
    }

    static IResult NotRegistered(string name) => Problems.NotFound($"No application has registered a task '{RouteName.Decoded(name)}' here.");
}
