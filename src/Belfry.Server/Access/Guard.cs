using System.Net;
using Belfry.Storage;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Access;

/// <summary>Stands before every endpoint: sets the headers, lets in who may, and tells what went wrong behind it.</summary>
/// <remarks>It wraps the endpoints themselves, so it also stands there inside an application that knows nothing of it, and before any body is read.</remarks>
sealed partial class Guard(AccessSettings settings, Visitors visitors, Seals seals, ClosingTime closing, ILogger<Guard> logger)
{
    // Nothing inline, nothing from elsewhere: what a task sends can never run in a reader's browser.
    const string ContentPolicy =
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    /// <summary>Puts it before all endpoints of a group.</summary>
    public static void Protect(RouteGroupBuilder group) => ((IEndpointConventionBuilder)group).Finally(endpoint =>
    {
        if (endpoint.RequestDelegate is { } inner)
        {
            endpoint.RequestDelegate = context => context.RequestServices.GetRequiredService<Guard>().InvokeAsync(context, inner);
        }
    });

    /// <summary>Whoever is served still may be: streams ask it, which outlive sessions, tokens and rights.</summary>
    public async ValueTask<bool> StillMayAsync(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<RequiredRight>() is { } needed && await JudgeAsync(context, needed, changes: false) is null;

    async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        SetHeaders(context.Response.Headers);
        CancellationToken left = context.RequestAborted;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(left, closing.Over);
        context.RequestAborted = ended.Token;
        try
        {
            Refusal? refusal = await JudgeAsync(context);
            await (refusal is null ? next(context) : refusal.AnswerAsync(context));
        }
        catch (AntiforgeryValidationException) when (left.IsCancellationRequested)
        {
            // Who sent the form left in the midst of it.
        }
        catch (Exception e) when (!context.Response.HasStarted && !left.IsCancellationRequested)
        {
            context.RequestAborted = left;
            await TellAsync(context, e);
        }
        catch (OperationCanceledException) when (closing.Over.IsCancellationRequested && !left.IsCancellationRequested)
        {
            // Half an answer must not look like a whole one.
            context.Abort();
        }
        finally
        {
            context.RequestAborted = left;
        }
    }

    /// <summary>Tells what went wrong: to a person as a page, to a program as a problem.</summary>
    Task TellAsync(HttpContext context, Exception wrong)
    {
        (int status, string detail) = wrong switch
        {
            StoreException => (StatusCodes.Status503ServiceUnavailable, wrong.Message),
            OperationCanceledException when closing.Over.IsCancellationRequested => (StatusCodes.Status503ServiceUnavailable, "The server stops."),
            BadHttpRequestException bad => (bad.StatusCode, bad.Message),
            // A form that is too long is not read to its mark; and whoever sends what is no form has no page of ours.
            AntiforgeryValidationException { InnerException: BadHttpRequestException bad } => (bad.StatusCode, bad.Message),
            AntiforgeryValidationException => (StatusCodes.Status400BadRequest, "This is no form that could be read."),
            _ => (StatusCodes.Status500InternalServerError, "Something went wrong here; the server's log has it."),
        };
        if (status == StatusCodes.Status500InternalServerError || wrong is StoreException)
        {
            LogFailed(context.Request.Path, wrong);
        }
        return new Refusal(status, CallerOf(context), detail).AnswerAsync(context);
    }

    static Caller? CallerOf(HttpContext context) =>
        context.GetEndpoint()?.Metadata is { } about ? about.GetMetadata<OpenToAll>()?.For ?? about.GetMetadata<RequiredRight>()?.For : null;

    async ValueTask<Refusal?> JudgeAsync(HttpContext context)
    {
        EndpointMetadataCollection about = context.GetEndpoint()!.Metadata;
        RequiredRight? needed = about.GetMetadata<RequiredRight>();
        OpenToAll? open = about.GetMetadata<OpenToAll>();
        Caller? caller = CallerOf(context);
        if (settings.Open && !IsLocal(context))
        {
            return new Refusal(StatusCodes.Status403Forbidden, caller, "The demo is open to everybody on its machine, and to nobody else.");
        }
        if (IsForeignForm(context))
        {
            return new Refusal(StatusCodes.Status403Forbidden, caller, "The request came from another site.");
        }
        if (open is null)
        {
            Refusal? refusal = needed is null
                ? new Refusal(StatusCodes.Status403Forbidden, null, "This route states no right.")
                : await JudgeAsync(context, needed, changes: !IsSafe(context.Request) && about.GetMetadata<ChangesNothing>() is null);
            if (refusal is not null)
            {
                return refusal;
            }
        }
        return caller == Caller.Browser && !IsSafe(context.Request) && !await seals.Forms.IsRequestValidAsync(context)
            ? new Refusal(StatusCodes.Status400BadRequest, caller, "This form was too old. Go back, load its page again, and send it from there.")
            : null;
    }

    async ValueTask<Refusal?> JudgeAsync(HttpContext context, RequiredRight needed, bool changes)
    {
        (Visitor? visitor, bool tooMany) = settings.Open ? (Visitor.Local, false) : await visitors.FindAsync(context, needed.For);
        if (visitor is null)
        {
            return tooMany
                ? new Refusal(StatusCodes.Status429TooManyRequests, needed.For, "Too many wrong tokens from this address. Wait a minute.")
                : new Refusal(StatusCodes.Status401Unauthorized, needed.For, "Send a token as 'Authorization: Bearer TOKEN'; 'belfry token add NAME' makes one.");
        }
        context.User = visitor.ToPrincipal();
        context.Features.Set(visitor);
        if (!visitor.Rights.Contains(needed.Right))
        {
            return new Refusal(StatusCodes.Status403Forbidden, needed.For, WantOf(visitor, needed.Right));
        }
        return settings.ReadOnly && changes && needed.Right != Right.Report
            ? new Refusal(StatusCodes.Status403Forbidden, needed.For, "This server is read-only: nothing can be changed here while Access:ReadOnly is set.")
            : null;
    }

    static string WantOf(Visitor visitor, Right right) => visitor.Via switch
    {
        "token" when Rights.ScopeOf(right).ToString().ToLowerInvariant() is var scope => $"This needs a token with the scope '{scope}': 'belfry token add NAME --scope {scope}' makes one.",
        "" => "The demo may be looked at and run, and no more.",
        _ => $"This needs the right '{right.ToString().ToLowerInvariant()}', which an administrator can give you.",
    };

    /// <summary>
    /// It comes from this machine and was meant for it. A page on the web can make a browser ask its own machine under a name that it made
    /// point there, so the name counts as well; and a proxy on this machine brings requests from others.
    /// </summary>
    static bool IsLocal(HttpContext context)
    {
        string host = context.Request.Host.Host;
        bool named = host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address));
        return named && (context.Connection.RemoteIpAddress is not { } remote || IPAddress.IsLoopback(remote))
            && !context.Request.Headers.ContainsKey("X-Forwarded-For") && !context.Request.Headers.ContainsKey("Forwarded");
    }

    /// <summary>A change that a page of another site sent through a browser. Programs send neither header.</summary>
    static bool IsForeignForm(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (IsSafe(request))
        {
            return false;
        }
        string site = request.Headers["Sec-Fetch-Site"].ToString(), origin = request.Headers.Origin.ToString();
        return site.Length > 0 ? site is not ("same-origin" or "none")
            : origin.Length > 0 && !(Uri.TryCreate(origin, UriKind.Absolute, out Uri? from) && from.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase));
    }

    static bool IsSafe(HttpRequest request) => HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);

    static void SetHeaders(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = ContentPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        headers.XFrameOptions = "DENY";
        headers.CacheControl = "no-cache, no-store";
    }

    [LoggerMessage(511, LogLevel.Error, "A request for {Path} failed")]
    partial void LogFailed(string path, Exception problem);
}
