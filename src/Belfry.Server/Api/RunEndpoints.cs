using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Server.Sources.Queues;
using Belfry.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace Belfry.Server.Api;

/// <summary>Runs: pages of them, and one in full.</summary>
static class RunEndpoints
{
    const int MostChildren = 200;
    static readonly TimeSpan SearchTime = TimeSpan.FromSeconds(5);

    /// <summary><c>GET /runs</c>.</summary>
    public static async Task<IResult> ListAsync(
        HttpRequest request, [FromServices] RunQueries queries, [FromServices] OverdueSettings overdue, [FromServices] TimeProvider clock, CancellationToken cancel)
    {
        var limits = new OverdueAt(overdue, Instant.Now(clock));
        if (!RunQuery.TryRead(request.Query, paged: true, out RunQuery? query, out FieldProblem? problem, limits))
        {
            return Problems.Bad(problem);
        }
        RunPage page;
        try
        {
            page = await queries.PageAsync(query.Filter, query.Limit, query.Cursor, SearchTime, cancel);
        }
        catch (FormatException)
        {
            return Problems.Bad(new FieldProblem("cursor", "This is no cursor; take 'next' of the page before."));
        }
        return new JsonResult(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("items");
            foreach (TaskRun run in page.Items)
            {
                RunJson.Write(json, run, limits);
            }
            json.WriteEndArray();
            json.WriteString("next", page.Next);
            // The search ran out of time: there may be fewer than asked for, and 'next' goes on.
            JsonFields.At(json, "scanned_to", page.ScannedTo);
            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /runs/{id}</c>.</summary>
    public static async Task<IResult> FindAsync(
        HttpRequest request, [FromServices] RunQueries queries, [FromServices] Families families, [FromServices] OverdueSettings overdue, [FromServices] TimeProvider clock, string id, CancellationToken cancel)
    {
        if (Parameters.Unknown(request.Query, "source") is { } unknown)
        {
            return Problems.Bad(unknown);
        }
        string wanted = RouteName.Decoded(id);
        string? source = Parameters.Text(request.Query, "source");
        IReadOnlyList<TaskRun> attempts = await queries.FindAsync(wanted, source, cancel);
        string[] sources = [.. attempts.Select(run => run.Source).Distinct()];
        return sources.Length switch
        {
            0 => Problems.NoRun(wanted, source),
            1 => await InFullAsync(queries, families, attempts, new OverdueAt(overdue, Instant.Now(clock)), cancel),
            _ => Choices(request, wanted, attempts, sources),
        };
    }

    static async Task<IResult> InFullAsync(RunQueries queries, Families families, IReadOnlyList<TaskRun> attempts, OverdueAt overdue, CancellationToken cancel)
    {
        TaskRun newest = attempts.MaxBy(run => run.Attempt)!;
        RunFamily family = await families.OfAsync(newest, MostChildren, cancel);
        long? waiting = await QueueLengths.AtAsync(queries, newest, cancel);
        return new JsonResult(json =>
        {
            json.WriteStartObject();
            json.WriteString("id", newest.Id);
            json.WriteString("source", newest.Source);
            JsonFields.Number(json, "queue_length", waiting);
            json.WriteStartArray("attempts");
            foreach (TaskRun run in attempts.OrderBy(run => run.Attempt))
            {
                RunJson.Write(json, run, overdue);
            }
            json.WriteEndArray();
            FamilyJson.Write(json, newest.Source, family, MostChildren, overdue);
            json.WriteEndObject();
        });
    }

    static JsonResult Choices(HttpRequest request, string id, IReadOnlyList<TaskRun> attempts, string[] sources) => new(
        json =>
        {
            json.WriteStartObject();
            json.WriteString("detail", $"Several sources know a run '{id}': name one with source=.");
            json.WriteStartArray("choices");
            foreach (string source in sources)
            {
                TaskRun newest = attempts.Where(run => run.Source == source).MaxBy(run => run.Attempt)!;
                json.WriteStartObject();
                json.WriteString("source", source);
                JsonFields.Text(json, "task", newest.Task);
                json.WriteString("state", newest.State.ToString());
                json.WriteString("url", $"{request.PathBase}{request.Path}{QueryString.Create("source", source)}");
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        },
        StatusCodes.Status300MultipleChoices);
}
