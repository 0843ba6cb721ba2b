using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Belfry.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace Belfry.Server.Api;

/// <summary>Figures of a span by task, application, worker, queue, source or class of exceptions.</summary>
static class StatisticsEndpoints
{
    static readonly TimeSpan UsualSpan = TimeSpan.FromDays(1);
    static readonly string[] Known = ["by", "task", "from", "to", "bar"];

    static readonly Dictionary<string, NameKind> Subjects = new(StringComparer.Ordinal)
    {
        ["task"] = NameKind.Task, ["app"] = NameKind.App, ["worker"] = NameKind.Worker, ["queue"] = NameKind.Queue, ["source"] = NameKind.Source,
        ["exception"] = NameKind.Exception,
    };

    /// <summary><c>GET /statistics</c>: the last day unless a span is given.</summary>
    public static async Task<IResult> ReadAsync(HttpRequest request, [FromServices] RunQueries queries, [FromServices] TimeProvider clock, CancellationToken cancel)
    {
        if (!TryRead(request.Query, Instant.Now(clock), out ReportQuery? query, out FieldProblem? problem))
        {
            return Problems.Bad(problem);
        }
        LogReport report = await queries.ReportAsync(query, cancel);
        string by = Subjects.First(subject => subject.Value == query.By).Key;
        return new JsonResult(json =>
        {
            json.WriteStartObject();
            JsonFields.At(json, "from", report.From);
            JsonFields.At(json, "to", report.To);
            json.WriteString("by", by);
            if (report.BarSeconds > 0)
            {
                json.WriteNumber("bar_seconds", report.BarSeconds);
            }
            json.WriteStartObject("total");
            Write(json, report.Total, report.BarSeconds > 0);
            json.WriteEndObject();
            json.WriteStartArray("items");
            foreach (SubjectFigures subject in report.Subjects)
            {
                json.WriteStartObject();
                json.WriteString(by, subject.Name);
                Write(json, subject, report.BarSeconds > 0);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    static bool TryRead(IQueryCollection sent, Instant now, [NotNullWhen(true)] out ReportQuery? query, [NotNullWhen(false)] out FieldProblem? problem)
    {
        problem = Parameters.Unknown(sent, Known);
        string by = Parameters.Text(sent, "by") ?? "task";
        if (!Subjects.TryGetValue(by, out NameKind subject))
        {
            problem ??= new FieldProblem("by", $"'{by}' is not known; known are {string.Join(", ", Subjects.Keys)}.");
        }
        TimeSpan? bar = Parameters.Seconds(sent, "bar", ref problem);
        Instant to = Parameters.At(sent, "to", ref problem) ?? now, from = Parameters.At(sent, "from", ref problem) ?? to - UsualSpan;
        query = new ReportQuery { From = from, To = to, By = subject, Tasks = Parameters.List(sent["task"]), BarWidth = bar, BarsOfEach = true };
        problem ??= query.Mistake is { } mistake ? new FieldProblem(mistake.Field, $"{mistake.Problem}.") : null;
        return problem is null;
    }

    /// <summary>The figures of a subject without runs.</summary>
    public static SubjectFigures Nothing(string name) => new(name, new RunCounts(0, 0, 0, 0, 0, 0, 0), null, null, []);

    /// <summary>Figures, as fields of the object that is open.</summary>
    public static void Write(Utf8JsonWriter json, SubjectFigures figures, bool withBars)
    {
        Write(json, figures.Runs);
        Write(json, "runtime", figures.Runtime);
        Write(json, "wait", figures.Wait);
        if (!withBars)
        {
            return;
        }
        json.WriteStartArray("bars");
        foreach (ReportBar bar in figures.Bars)
        {
            json.WriteStartObject();
            JsonFields.At(json, "at", bar.At);
            Write(json, bar.Runs);
            JsonFields.Number(json, "mean_runtime", bar.MeanRuntime);
            JsonFields.Number(json, "mean_wait", bar.MeanWait);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    static void Write(Utf8JsonWriter json, RunCounts runs)
    {
        json.WriteNumber("runs", runs.Ended);
        json.WriteNumber("submitted", runs.Submitted);
        json.WriteNumber("completed", runs.Completed);
        json.WriteNumber("failed", runs.Failed);
        json.WriteNumber("retried", runs.Retried);
        json.WriteNumber("cancelled", runs.Cancelled);
        json.WriteNumber("skipped", runs.Skipped);
        json.WriteNumber("lost", runs.Lost);
    }

    /// <summary>Durations in seconds; left out where none is known.</summary>
    static void Write(Utf8JsonWriter json, string name, DurationFigures? durations)
    {
        if (durations is null)
        {
            return;
        }
        json.WriteStartObject(name);
        json.WriteNumber("runs", durations.Runs);
        JsonFields.Number(json, "min", durations.Shortest);
        json.WriteNumber("mean", durations.Mean);
        json.WriteNumber("max", durations.Longest);
        json.WriteNumber("total", durations.Total);
        json.WriteNumber("p50", durations.P50);
        json.WriteNumber("p95", durations.P95);
        json.WriteNumber("p99", durations.P99);
        json.WriteEndObject();
    }
}
