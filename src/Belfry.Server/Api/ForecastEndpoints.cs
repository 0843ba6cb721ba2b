using System.Text.Json;
using Belfry.Storage;
using Belfry.Storage.Definitions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace Belfry.Server.Api;

/// <summary>Why tasks of .NET applications start or do not, and when they will.</summary>
static class ForecastEndpoints
{
    const int UsualStarts = 20, MostStarts = 1000;

    /// <summary><c>GET /tasks/{name}/why</c>: the task's condition as a tree, with what holds and until when.</summary>
    public static async Task<IResult> WhyAsync(
        HttpRequest request, [FromServices] RunQueries queries, [FromServices] ITaskBook book, [FromServices] TimeProvider clock, string name, CancellationToken cancel)
    {
        if (Parameters.Unknown(request.Query, []) is { } unknown)
        {
            return Problems.Bad(unknown);
        }
        return await Forecasts.OfAsync(TaskEndpoints.Decoded(name), book, queries, Instant.Now(clock), cancel) is not { } forecast
            ? NotRegistered(name)
            : new JsonResult(json =>
            {
                json.WriteStartObject();
                Begin(json, forecast);
                json.WritePropertyName("why");
                Write(json, forecast.Why());
                json.WriteEndObject();
            });
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
        return await Forecasts.OfAsync(TaskEndpoints.Decoded(name), book, queries, Instant.Now(clock), cancel) is not { } forecast
            ? NotRegistered(name)
            : new JsonResult(json =>
            {
                json.WriteStartObject();
                Begin(json, forecast);
                json.WriteStartArray("next");
                foreach (Instant start in forecast.Next(starts))
                {
                    json.WriteStringValue(start.ToString());
                }
                json.WriteEndArray();
                json.WriteEndObject();
            });
    }

    static IResult NotRegistered(string name) => Problems.NotFound($"No application has registered a task '{TaskEndpoints.Decoded(name)}' here.");

    static void Begin(Utf8JsonWriter json, TaskForecast forecast)
    {
        json.WriteString("task", forecast.Task.Name);
        json.WriteString("condition", forecast.Task.Start);
        json.WriteBoolean("disabled", forecast.IsDisabled);
        json.WriteString("process", forecast.Task.Process);
        JsonFields.At(json, "seen", forecast.Task.Seen);
        json.WriteStartArray("known_only_in_process");
        foreach (string function in forecast.Unknown)
        {
            json.WriteStringValue(function);
        }
        json.WriteEndArray();
    }

    static void Write(Utf8JsonWriter json, Explanation why)
    {
        json.WriteStartObject();
        json.WriteString("text", why.Text);
        json.WriteBoolean("holds", why.Holds);
        json.WriteString("because", why.Because);
        json.WriteString("until", why.NextChange?.ToString());
        json.WriteStartArray("parts");
        foreach (Explanation part in why.Parts)
        {
            Write(json, part);
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
