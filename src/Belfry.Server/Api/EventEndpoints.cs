using System.IO.Pipelines;
using Belfry.Server.Access;
using Belfry.Server.Sources;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Api;

/// <summary><c>POST /events</c>: programs tell what their tasks do.</summary>
static class EventEndpoints
{
    /// <summary>The largest body: some 30,000 events.</summary>
    public const int MostBytes = 16 * 1024 * 1024;

    const int MistakesTold = 100;

    // Only so many bodies are read at a time: whoever sends his byte by byte holds up the others no longer than that.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/api/v1/events", TakeAsync).RequireScope(Right.Report).WithMetadata(new RequestSizeLimitAttribute(MostBytes));

    static async Task<IResult> TakeAsync(HttpRequest request, [FromServices] EventIntake intake, [FromServices] TimeProvider clock, CancellationToken cancel)
    {
        if (!intake.Captures)
        {
            return Results.Problem("Nothing is captured here: Log:Enabled is false.", statusCode: StatusCodes.Status503ServiceUnavailable);
        }
        if (request.ContentLength > MostBytes)
        {
            return TooLarge();
        }
        IResult? unread = null;
        (int stored, IReadOnlyList<LineMistake> mistakes) = await intake.TakeAsync(
            async () =>
            {
                (ReadOnlyMemory<byte> body, unread) = await ReadAsync(request.BodyReader, clock, cancel);
                return body;
            },
            cancel);
        return unread ?? (mistakes.Count == 0 ? Accepted(stored) : Refused(stored, mistakes));
    }

    static IResult TooSlow() =>
        Results.Problem($"The body did not arrive within {Patience.TotalSeconds:0} s; send it in several.", statusCode: StatusCodes.Status408RequestTimeout);

    static IResult TooLarge() =>
        Results.Problem($"A body has {MostBytes / 1024 / 1024} MB at most; send several.", statusCode: StatusCodes.Status413PayloadTooLarge);

    static JsonResult Accepted(int stored) => new(
        json =>
        {
            json.WriteStartObject();
            json.WriteNumber("accepted", stored);
            json.WriteEndObject();
        },
        StatusCodes.Status202Accepted);

    /// <summary>Names what is wrong; what was not is stored.</summary>
    static IResult Refused(int stored, IReadOnlyList<LineMistake> mistakes)
    {
        LineMistake first = mistakes[0];
        string detail = $"Line {first.Line}: {(first.Field.Length == 0 ? first.Problem : $"'{first.Field}' {first.Problem}")}.";
        return Results.Problem(
            mistakes.Count == 1 ? detail : $"{detail} {mistakes.Count - 1:N0} more.",
            statusCode: StatusCodes.Status400BadRequest,
            extensions: new Dictionary<string, object?>
            {
                ["line"] = first.Line,
                ["field"] = first.Field,
                ["accepted"] = stored,
                ["refused"] = mistakes.Count,
                ["errors"] = mistakes.Take(MistakesTold).Select(mistake => new Dictionary<string, object?> { ["line"] = mistake.Line, ["field"] = mistake.Field, ["problem"] = mistake.Problem }),
            });
    }

    /// <summary>The whole body, or why it was not read to its end.</summary>
    static async Task<(ReadOnlyMemory<byte> Body, IResult? Unread)> ReadAsync(PipeReader body, TimeProvider clock, CancellationToken cancel)
    {
        using var late = new CancellationTokenSource(Patience, clock);
        using CancellationTokenRegistration givingUp = late.Token.Register(body.CancelPendingRead); // a read that a token ends leaves its reader unusable, and the web server says so
        using var read = new MemoryStream();
        while (true)
        {
            ReadResult part = await body.ReadAsync(cancel);
            foreach (ReadOnlyMemory<byte> segment in part.Buffer)
            {
                read.Write(segment.Span);
            }
            body.AdvanceTo(part.Buffer.End);
            if (read.Length > MostBytes)
            {
                return (default, TooLarge());
            }
            if (part.IsCompleted)
            {
                return (read.GetBuffer().AsMemory(0, (int)read.Length), null);
            }
            if (part.IsCanceled)
            {
                return (default, TooSlow());
            }
        }
    }
}
