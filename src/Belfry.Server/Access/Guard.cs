using System.Net;
using Belfry.Storage;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Access;

/// <summary>Stands before every endpoint: sets the headers, lets in who may, and tells what went wrong behind it.</summary>
/// <remarks>It wraps the endpoints themselves, so it also stands there inside an application that knows nothing of it, and before any body is read.</remarks>
sealed partial class Guard(AccessSettings settings, Sessions sessions, ILogger<Guard> logger)
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

    async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        SetHeaders(context.Response.Headers);
        Refusal? refusal = Judge(context);
        await (refusal is null ? PassAsync(context, next) : refusal.AnswerAsync(context));
    }

    async Task PassAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (Exception e) when (!context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            (int status, string detail) = e switch
            {
                StoreException => (StatusCodes.Status503ServiceUnavailable, e.Message),
                BadHttpRequestException bad => (bad.StatusCode, e.Message),
                _ => (StatusCodes.Status500InternalServerError, "Something went wrong here; the server's log has it."),
            };
            if (status >= StatusCodes.Status500InternalServerError)
            {
                LogFailed(context.Request.Path, e);
            }
            await Results.Problem(detail, statusCode: status).ExecuteAsync(context);
        }
    }

    Refusal? Judge(HttpContext context)
    {
        EndpointMetadataCollection about = context.GetEndpoint()!.Metadata;
        RequiredRight? needed = about.GetMetadata<RequiredRight>();
        bool open = about.GetMetadata<IAllowAnonymous>() is not null;
        if (!settings.IsGuarded && !IsLocal(context))
        {
            return new Refusal(StatusCodes.Status403Forbidden, needed?.For, "Nobody is set up here, so only this machine is served. Run 'belfry user add NAME' on the server.");
        }
        if (IsForeignForm(context))
        {
            return new Refusal(StatusCodes.Status403Forbidden, needed?.For, "The request came from another site.");
        }
        if (open || needed is null)
        {
            return open ? null : new Refusal(StatusCodes.Status403Forbidden, null, "This route states no right.");
        }
        Visitor? visitor = settings.IsGuarded ? Find(context, needed.For) : Visitor.Local;
        if (visitor is null)
        {
            return new Refusal(StatusCodes.Status401Unauthorized, needed.For, "Send a token as 'Authorization: Bearer TOKEN'; 'belfry token add NAME' makes one.");
        }
        context.User = visitor.ToPrincipal();
        context.Features.Set(visitor);
        return visitor.Rights.Contains(needed.Right)
            ? null
            : new Refusal(StatusCodes.Status403Forbidden, needed.For, $"This needs the right '{needed.Right.ToString().ToLowerInvariant()}'.");
    }

    Visitor? Find(HttpContext context, Caller caller)
    {
        if (caller == Caller.Program && Bearer(context) is { } token)
        {
            return FindToken(token);
        }
        // A session comes along with whatever a browser sends; so programs' routes take it only where nothing changes.
        return caller == Caller.Browser || HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method) ? sessions.Find(context) : null;
    }

    /// <summary>Every token is compared, in constant time, so that the time taken tells nothing.</summary>
    Visitor? FindToken(string token)
    {
        TokenSettings? found = null;
        foreach (TokenSettings known in settings.Tokens)
        {
            found = TokenHash.Matches(known.Hash, token) ? known : found;
        }
        return found is null ? null : new Visitor(found.Name, Rights.Of(found.Scope), HasSession: false);
    }

    static string? Bearer(HttpContext context)
    {
        const string scheme = "Bearer ";
        string sent = context.Request.Headers.Authorization.ToString();
        return sent.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) ? sent[scheme.Length..].Trim() : null;
    }

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
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
        {
            return false;
        }
        string site = request.Headers["Sec-Fetch-Site"].ToString(), origin = request.Headers.Origin.ToString();
        return site.Length > 0 ? site is not ("same-origin" or "none")
            : origin.Length > 0 && !(Uri.TryCreate(origin, UriKind.Absolute, out Uri? from) && from.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase));
    }

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
