using System.Text.Json;
using Belfry.Server.Access;
using Belfry.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace Belfry.Server.Api;

/// <summary>Tasks by name: their figures, their latest runs, a report of one.</summary>
static class TaskEndpoints
{
    const int MostOpen = 100;
    static readonly TimeSpan UsualSpan = TimeSpan.FromDays(1);
    static readonly RunState[] Ends = [.. RunStates.All.Where(state => state.IsFinal())];

    /// <summary><c>GET /tasks</c>: all tasks that the log knows, and those that applications registered, by name, with figures of a span and the latest run of each.</summary>
    public static async Task<IResult> ListAsync(
        HttpRequest request, [FromServices] RunQueries queries, [FromServices] ITaskBook book, [FromServices] TimeProvider clock, CancellationToken cancel)
    {
        IQueryCollection sent = request.Query;
        FieldProblem? problem = Parameters.Unknown(sent, ["from", "to", "registered", "limit", "cursor"]);
        Instant now = Instant.Now(clock), to = Parameters.At(sent, "to", ref problem) ?? now, from = Parameters.At(sent, "from", ref problem) ?? to - UsualSpan;
        int limit = Parameters.Limit(sent, ref problem);
        bool onlyRegistered = Parameters.Yes(sent, "registered", ref problem);
        var query = new ReportQuery { From = from, To = to };
        problem ??= query.Mistake is { } mistake ? new FieldProblem(mistake.Field, $"{mistake.Problem}.") : null;
        if (problem is not null)
        {
            return Problems.Bad(problem);
        }
        string after = sent["cursor"].ToString(); // a name, which may end in a blank
        Dictionary<string, BookedTask> booked = (await book.ListAsync(cancel)).ToDictionary(task => task.Name);
        IEnumerable<string> known = onlyRegistered ? booked.Keys : booked.Keys.Union(await queries.NamesAsync(NameKind.Task, cancel));
        string[] names = [.. known.Where(name => string.CompareOrdinal(name, after) > 0).Order(StringComparer.Ordinal).Take(limit + 1)];
        LogReport report = await queries.ReportAsync(query, cancel);
        Dictionary<string, SubjectFigures> figures = report.Subjects.ToDictionary(subject => subject.Name);
        var page = new List<(string Name, TaskRun? Last)>();
        foreach (string name in names.Take(limit))
        {
            page.Add((name, await queries.LatestAsync(name, null, new Instant(0), now + TimeSpan.FromDays(1), null, cancel)));
        }
        return new JsonResult(json =>
        {
            json.WriteStartObject();
            JsonFields.At(json, "from", report.From);
            JsonFields.At(json, "to", report.To);
            json.WriteStartArray("items");
            foreach ((string name, TaskRun? last) in page)
            {
                json.WriteStartObject();
                json.WriteString("task", name);
                JsonFields.Text(json, "app", last?.App ?? AppNames.Of(name));
                StatisticsEndpoints.Write(json, figures.GetValueOrDefault(name) ?? StatisticsEndpoints.Nothing(name), withBars: false);
                Write(json, "last", last);
                if (booked.TryGetValue(name, out BookedTask? task))
                {
                    json.WritePropertyName("registered");
                    ForecastJson.Write(json, task);
                }
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteString("next", names.Length > limit ? names[limit - 1] : null);
            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /tasks/{name}</c>: its newest run, the last that ended in each state, and those that are open, in all sources or in one.</summary>
    public static async Task<IResult> FindAsync(HttpRequest request, [FromServices] RunQueries queries, [FromServices] TimeProvider clock, string name, CancellationToken cancel)
    {
        if (Parameters.Unknown(request.Query, ["source"]) is { } unknown)
        {
            return Problems.Bad(unknown);
        }
        string task = RouteName.Decoded(name);
        string? source = Parameters.Text(request.Query, "source");
        IReadOnlyList<string> sources = await queries.SourcesOfTaskAsync(task, cancel);
        if (!(source is null ? sources.Count > 0 : sources.Contains(source)))
        {
            return Problems.NotFound(source is null ? $"No task '{task}' is known." : $"No task '{task}' of '{source}' is known.");
        }
        TaskRun? newest = await queries.LatestAsync(task, source, new Instant(0), Instant.Now(clock) + TimeSpan.FromDays(1), null, cancel);
        var ends = new List<(RunState State, TaskRun Run)>();
        foreach (RunState state in Ends)
        {
            if (await queries.LastEndAsync(task, source, [state], cancel) is { } end)
            {
                ends.Add((state, end));
            }
        }
        var filter = new RunFilter { Tasks = [task], Sources = source is null ? [] : [source], States = [.. RunStates.All.Where(state => !state.IsFinal())] };
        RunPage open = await queries.PageAsync(filter, MostOpen, null, null, cancel);
        return new JsonResult(json =>
        {
            json.WriteStartObject();
            json.WriteString("task", task);
            JsonFields.Text(json, "app", newest?.App ?? AppNames.Of(task));
            json.WriteStartArray("sources");
            foreach (string one in sources)
            {
                json.WriteStringValue(one);
            }
            json.WriteEndArray();
            Write(json, "last", newest);
            json.WriteStartObject("last_ends");
            foreach ((RunState state, TaskRun run) in ends)
            {
                Write(json, state.ToString(), run);
            }
            json.WriteEndObject();
            json.WriteStartArray("open");
            foreach (TaskRun run in open.Items.Where(run => run.Task == task))
            {
                RunJson.Write(json, run);
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /reports/{name}</c>: figures of a task in a span, bar by bar, and the classes of exceptions that it failed with.</summary>
    public static async Task<IResult> ReportAsync(HttpRequest request, [FromServices] RunQueries queries, [FromServices] TimeProvider clock, string name, CancellationToken cancel)
    {
        IQueryCollection sent = request.Query;
        FieldProblem? problem = Parameters.Unknown(sent, ["from", "to", "bar"]);
        TimeSpan? bar = Parameters.Seconds(sent, "bar", ref problem);
        Instant to = Parameters.At(sent, "to", ref problem) ?? Instant.Now(clock), from = Parameters.At(sent, "from", ref problem) ?? to - UsualSpan;
        string task = RouteName.Decoded(name);
        var query = new ReportQuery { From = from, To = to, Tasks = [task], BarWidth = bar ?? TimeSpan.FromHours(1) };
        problem ??= query.Mistake is { } mistake ? new FieldProblem(mistake.Field, $"{mistake.Problem}.") : null;
        if (problem is not null)
        {
            return Problems.Bad(problem);
        }
        LogReport report = await queries.ReportAsync(query, cancel), failures = await queries.ReportAsync(query with { By = NameKind.Exception, BarWidth = null }, cancel);
        return new JsonResult(json =>
        {
            json.WriteStartObject();
            json.WriteString("task", task);
            JsonFields.At(json, "from", report.From);
            JsonFields.At(json, "to", report.To);
            json.WriteNumber("bar_seconds", report.BarSeconds);
            StatisticsEndpoints.Write(json, report.Total, withBars: true);
            json.WriteStartArray("exceptions");
            foreach (SubjectFigures failure in failures.Subjects)
            {
                json.WriteStartObject();
                json.WriteString("exception", failure.Name);
                json.WriteNumber("runs", failure.Runs.Ended);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    static void Write(Utf8JsonWriter json, string name, TaskRun? run)
    {
        if (run is not null)
        {
            json.WritePropertyName(name);
            RunJson.Write(json, run);
        }
    }
}
