using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Belfry.Server.Access;
using Belfry.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Hosting;

namespace Belfry.Server.Api;

/// <summary><c>GET /events</c>: runs as they change, as server-sent events.</summary>
static class LiveEvents
{
    // Proxies cut a silent connection after 30 to 60 s.
    static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    // What is to be told at once may be ten thousand runs with long arguments.
    const int FlushBytes = 64 * 1024;

    public static async Task SendAsync(
        HttpContext context, [FromServices] RunFeed feed, [FromServices] Guard guard, [FromServices] IHostApplicationLifetime life, [FromServices] TimeProvider clock, CancellationToken cancel)
    {
        if (!RunQuery.TryRead(context.Request.Query, paged: false, out RunQuery? query, out FieldProblem? problem))
        {
            await Problems.Bad(problem).ExecuteAsync(context);
            return;
        }
        string last = context.Request.Headers["Last-Event-ID"].ToString();
        if (last.Length > 0 && !long.TryParse(last, out _))
        {
            await Problems.Bad(new FieldProblem("Last-Event-ID", $"'{last}' is no id of ours.")).ExecuteAsync(context);
            return;
        }
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancel, life.ApplicationStopping);
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers["X-Accel-Buffering"] = "no";
        try
        {
            await StreamAsync(context.Response.BodyWriter, feed, query.Filter.ToPredicate(), last.Length > 0 ? long.Parse(last) : null, () => guard.StillMayAsync(context), clock, end);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The reader left, or the server stops: an end like any other.
        }
    }

    static async Task StreamAsync(
        PipeWriter body, RunFeed feed, Func<TaskRun, bool> wanted, long? after, Func<ValueTask<bool>> stillMay, TimeProvider clock, CancellationTokenSource end)
    {
        await using IAsyncEnumerator<RunChange> changes = feed.ReadAsync(after, end.Token).GetAsyncEnumerator(end.Token);
        await using var json = new Utf8JsonWriter(Stream.Null, JsonText.Options);
        Task<bool> next = changes.MoveNextAsync().AsTask();
        try
        {
            Task beat = Task.Delay(KeepAlive, clock, end.Token);
            await CommentAsync(body, ": belfry\n\n", end.Token);
            while (true)
            {
                if (beat.IsCompleted || (!next.IsCompleted && await Task.WhenAny(next, beat) == beat))
                {
                    if (!await stillMay())
                    {
                        return;
                    }
                    await CommentAsync(body, ": still here\n\n", end.Token);
                    beat = Task.Delay(KeepAlive, clock, end.Token);
                    continue;
                }
                if (!await next)
                {
                    return;
                }
                Write(body, json, changes.Current, wanted);
                next = changes.MoveNextAsync().AsTask();
                if ((!next.IsCompleted || body.UnflushedBytes > FlushBytes) && (await body.FlushAsync(end.Token)).IsCompleted)
                {
                    return;
                }
            }
        }
        finally
        {
            // An enumerator cannot be disposed of while it is asked for its next item.
            await end.CancelAsync();
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    static void Write(PipeWriter body, Utf8JsonWriter json, RunChange change, Func<TaskRun, bool> wanted)
    {
        if (change.Gap)
        {
            Encoding.UTF8.GetBytes($"id: {change.Number}\nevent: gap\ndata: {{}}\n\n", body);
        }
        foreach ((string kind, TaskRun? run) in new[] { ("gone", change.Gone), ("run", change.Run) })
        {
            if (run is not null && wanted(run))
            {
                Encoding.UTF8.GetBytes($"id: {change.Number}\nevent: {kind}\ndata: ", body);
                json.Reset(body);
                RunJson.Write(json, run);
                json.Flush();
                body.Write("\n\n"u8);
            }
        }
    }

    static async Task CommentAsync(PipeWriter body, string comment, CancellationToken cancel)
    {
        Encoding.UTF8.GetBytes(comment, body);
        await body.FlushAsync(cancel);
    }
}
