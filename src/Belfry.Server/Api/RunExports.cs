using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Belfry.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace Belfry.Server.Api;

/// <summary>Everything that matches, as a file: streamed, whatever its size.</summary>
static class RunExports
{
    const int FlushBytes = 32 * 1024;

    /// <summary><c>GET /runs.csv</c>.</summary>
    public static Task CsvAsync(HttpContext context, [FromServices] RunQueries queries, CancellationToken cancel) =>
        SendAsync(context, queries, "text/csv; charset=utf-8", "runs.csv", RunCsv.Head, (body, run) => Encoding.UTF8.GetBytes(RunCsv.Line(run), body), cancel);

    /// <summary><c>GET /runs.jsonl</c>.</summary>
    public static async Task JsonLinesAsync(HttpContext context, [FromServices] RunQueries queries, CancellationToken cancel)
    {
        await using var json = new Utf8JsonWriter(Stream.Null, JsonText.Options);
        await SendAsync(context, queries, "application/x-ndjson", "runs.jsonl", "", (body, run) =>
        {
            json.Reset(body);
            RunJson.Write(json, run);
            json.Flush();
            body.Write("\n"u8);
        }, cancel);
    }

    static async Task SendAsync(HttpContext context, RunQueries queries, string type, string file, string head, Action<PipeWriter, TaskRun> write, CancellationToken cancel)
    {
        if (!RunQuery.TryRead(context.Request.Query, paged: false, out RunQuery? query, out FieldProblem? problem))
        {
            await Problems.Bad(problem).ExecuteAsync(context);
            return;
        }
        PipeWriter body = context.Response.BodyWriter;
        try
        {
            await using IAsyncEnumerator<TaskRun> runs = queries.StreamAsync(query.Filter, cancel).GetAsyncEnumerator(cancel);
            // The first is fetched before anything is sent, so that a store that cannot be read is told as such.
            bool more = await runs.MoveNextAsync();
            context.Response.ContentType = type;
            context.Response.Headers.ContentDisposition = $"attachment; filename=\"{file}\"";
            Encoding.UTF8.GetBytes(head, body);
            for (; more; more = await runs.MoveNextAsync())
            {
                write(body, runs.Current);
                if (body.UnflushedBytes > FlushBytes && (await body.FlushAsync(cancel)).IsCompleted)
                {
                    return;
                }
            }
            await body.FlushAsync(cancel);
        }
        catch (StoreException) when (context.Response.HasStarted || body.UnflushedBytes > 0)
        {
            // Half a file must not look like a whole one.
            context.Abort();
        }
    }
}

/// <summary>The columns of an export, those that aa-taskmonitor's has, in its order.</summary>
static class RunCsv
{
    public const string Head = "id;app_name;exception;parent_id;priority;retries;received;runtime;started;state;task_id;task_name;timestamp\r\n";

    static readonly SearchValues<char> Special = SearchValues.Create(";\"\r\n\t,");

    public static string Line(TaskRun run) => string.Join(';',
        Text($"{run.Source}/{run.Id}/{run.Attempt}"), Text(run.App ?? AppNames.Of(run.Task)), Text(run.ExceptionClass ?? run.Exception), Text(run.Parent),
        run.Priority?.ToString(CultureInfo.InvariantCulture), (run.Attempt - 1).ToString(CultureInfo.InvariantCulture),
        run.Received?.ToString(), run.Runtime?.ToString("0.######", CultureInfo.InvariantCulture), run.Started?.ToString(),
        run.State, Text(run.Id), Text(run.Task), (run.Finished ?? run.Updated).ToString()) + "\r\n";

    /// <summary>A text that a spreadsheet neither splits nor computes: what looks like a formula gets an apostrophe before it.</summary>
    static string Text(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "";
        }
        string safe = text[0] is '=' or '+' or '-' or '@' or '\t' or '\r' or '\n' || "＝＋－＠".Contains(text[0]) ? "'" + text : text;
        return safe.AsSpan().ContainsAny(Special) ? $"\"{safe.Replace("\"", "\"\"")}\"" : safe;
    }
}
