using Belfry.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Api;

/// <summary>The routes for programs.</summary>
static class ApiEndpoints
{
    public static void MapApi(this RouteGroupBuilder routes)
    {
        RouteGroupBuilder api = routes.MapGroup("/api/v1").RequireScope(Right.View);
        api.MapGet("/runs", RunEndpoints.ListAsync);
        api.MapGet("/runs.csv", RunExports.CsvAsync);
        api.MapGet("/runs.jsonl", RunExports.JsonLinesAsync);
        api.MapGet("/runs/{**id}", RunEndpoints.FindAsync);
        api.MapGet("/events", LiveEvents.SendAsync);
        api.MapGet("/workers", WorkerEndpoints.ListAsync);
        api.MapGet("/workers/{name}", WorkerEndpoints.FindAsync);
        api.MapGet("/facts", WorkerEndpoints.FactsAsync);
        api.MapGet("/tasks", TaskEndpoints.ListAsync);
        api.MapGet("/tasks/{name}", TaskEndpoints.FindAsync);
        api.MapGet("/tasks/{name}/why", ForecastEndpoints.WhyAsync);
        api.MapGet("/tasks/{name}/next", ForecastEndpoints.NextAsync);
        api.MapGet("/reports/{name}", TaskEndpoints.ReportAsync);
        api.MapGet("/statistics", StatisticsEndpoints.ReadAsync);
        api.MapGet("/sources", SourceEndpoints.ListAsync);
        ControlEndpoints.Map(routes);
        CallEndpoints.Map(routes);
        CeleryCalls.Map(routes);
        QueueEndpoints.Map(routes);
        PurgeEndpoint.Map(routes);
        EventEndpoints.Map(routes);
        PeopleEndpoints.Map(routes);
        OpenApi.Map(routes);
        api.MapFallback(() => Problems.NotFound("There is no such route."));
        // Those who watch from outside ask by HEAD as well.
        routes.MapMethods("/health/live", [HttpMethods.Get, HttpMethods.Head], () => Results.Text("alive")).OpenTo(Caller.Program);
        routes.MapMethods("/health/ready", [HttpMethods.Get, HttpMethods.Head], Readiness.AnswerAsync).OpenTo(Caller.Program);
    }
}

/// <summary>Refusals as <c>application/problem+json</c>.</summary>
static class Problems
{
    /// <summary>A value that is not understood, with the name of its field.</summary>
    public static IResult Bad(FieldProblem wrong) =>
        Results.Problem(wrong.Problem, statusCode: StatusCodes.Status400BadRequest, extensions: new Dictionary<string, object?> { ["field"] = wrong.Field });

    public static IResult NotFound(string detail) => Results.Problem(detail, statusCode: StatusCodes.Status404NotFound);

    public static IResult NoRun(string id, string? source) => NotFound(source is null ? $"No run '{id}' is known." : $"No run '{id}' of '{source}' is known.");
}

/// <summary>A wrong value of a request.</summary>
sealed record FieldProblem(string Field, string Problem);
