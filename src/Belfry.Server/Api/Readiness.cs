using Belfry.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace Belfry.Server.Api;

/// <summary><c>GET /health/ready</c>: the log can be read and written. It says no more, because it is open to all.</summary>
static class Readiness
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    static readonly TimeSpan Stall = TimeSpan.FromSeconds(30); // the writer comes round every second; a commit beside a checkpoint may take a few

    public static async Task<IResult> AnswerAsync([FromServices] RunLog log, [FromServices] TimeProvider clock, CancellationToken cancel)
    {
        bool writes = log.Problem is null && Instant.Now(clock) - log.LastTurn < Stall;
        bool ready = writes && await AnswersAsync(log.Queries, clock, cancel);
        return Results.Text(ready ? "ready" : "not ready", statusCode: ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    static async Task<bool> AnswersAsync(RunQueries queries, TimeProvider clock, CancellationToken cancel)
    {
        try
        {
            await queries.NamesAsync(NameKind.Source, cancel).WaitAsync(Patience, clock, cancel);
            return true;
        }
        catch (Exception e) when (e is StoreException or TimeoutException or ObjectDisposedException)
        {
            return false;
        }
    }
}
