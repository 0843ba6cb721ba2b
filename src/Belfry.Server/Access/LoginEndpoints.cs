using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Access;

/// <summary>Logging in and out.</summary>
sealed partial class LoginEndpoints(AccessSettings settings, Sessions sessions, LoginPace pace, IAntiforgery antiforgery, LinkGenerator links, ILogger<LoginEndpoints> logger)
{
    /// <summary>The name of the login's endpoint.</summary>
    public const string Name = "Belfry.Login";

    // Hashing costs time on purpose; a long text would cost more of it.
    const int LongestField = 256;
    const int LargestForm = 16 * 1024;

    /// <summary>Adds them to the routes.</summary>
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/login", (HttpContext context, [FromServices] LoginEndpoints login) => login.Show(context)).WithName(Name).AllowAnonymous();
        group.MapPost("/login", (HttpContext context, [FromServices] LoginEndpoints login, CancellationToken cancel) => login.EnterAsync(context, cancel))
            .AllowAnonymous().WithMetadata(new RequestSizeLimitAttribute(LargestForm));
        group.MapPost("/logout", (HttpContext context, [FromServices] LoginEndpoints login) => login.Leave(context)).AllowAnonymous();
    }

    IResult Show(HttpContext context) =>
        !settings.IsGuarded || sessions.Find(context) is not null
            ? Results.LocalRedirect(Back(context, context.Request.Query["return"]))
            : Page(context, StatusCodes.Status200OK, "", Back(context, context.Request.Query["return"]), null);

    async Task<IResult> EnterAsync(HttpContext context, CancellationToken cancel)
    {
        if (!context.Request.HasFormContentType || !await antiforgery.IsRequestValidAsync(context))
        {
            return Page(context, StatusCodes.Status400BadRequest, "", Back(context, null), "This form was too old. Please try again.");
        }
        IFormCollection form = await context.Request.ReadFormAsync(cancel);
        string name = form["name"].ToString(), password = form["password"].ToString(), back = Back(context, form["return"]);
        if (!pace.Allows(context))
        {
            context.Response.Headers.RetryAfter = "60";
            return Page(context, StatusCodes.Status429TooManyRequests, name, back, "Too many attempts. Please wait a minute.");
        }
        UserSettings? user = settings.Users.Find(known => known.Name == name);
        if (name.Length > LongestField || password.Length > LongestField || !Passwords.Matches(user?.Hash, password))
        {
            LogRefused(context.Connection.RemoteIpAddress?.ToString() ?? "this machine");
            return Page(context, StatusCodes.Status401Unauthorized, name, back, "Name or password is wrong.");
        }
        sessions.Begin(context, user!);
        LogEntered(user!.Name);
        return SeeOther(context, back);
    }

    IResult Leave(HttpContext context)
    {
        Sessions.End(context);
        return SeeOther(context, links.GetPathByName(context, Name)!);
    }

    IResult Page(HttpContext context, int status, string name, string back, string? problem)
    {
        AntiforgeryTokenSet tokens = antiforgery.GetAndStoreTokens(context);
        string root = Root(context);
        return Results.Content(LoginPage.Render(root, settings.Site, name, back, tokens.FormFieldName, tokens.RequestToken!, problem), "text/html; charset=utf-8", statusCode: status);
    }

    /// <summary>Only a path of our own: a login must not lead to another site.</summary>
    string Back(HttpContext context, string? wanted) =>
        wanted is ['/', ..] && wanted is not ['/', '/' or '\\', ..] && !wanted.Any(char.IsControl) && !wanted.StartsWith(links.GetPathByName(context, Name)!, StringComparison.Ordinal)
            ? wanted
            : Root(context) + "/";

    string Root(HttpContext context) => links.GetPathByName(context, Name)![..^"/login".Length];

    static IResult SeeOther(HttpContext context, string path)
    {
        context.Response.Headers.Location = path;
        return Results.StatusCode(StatusCodes.Status303SeeOther);
    }

    [LoggerMessage(501, LogLevel.Information, "{Name} logged in")]
    partial void LogEntered(string name);

    // Without the name that was typed: people type passwords into that field.
    [LoggerMessage(502, LogLevel.Warning, "A login from {Address} was refused")]
    partial void LogRefused(string address);
}

/// <summary>How often one address may try to log in: ten times at once, then every six seconds.</summary>
sealed class LoginPace : IDisposable
{
    readonly PartitionedRateLimiter<string> _limiter = PartitionedRateLimiter.Create<string, string>(address => RateLimitPartition.GetTokenBucketLimiter(
        address,
        _ => new TokenBucketRateLimiterOptions { TokenLimit = 10, TokensPerPeriod = 1, ReplenishmentPeriod = TimeSpan.FromSeconds(6), QueueLimit = 0 }));

    public bool Allows(HttpContext context)
    {
        using RateLimitLease lease = _limiter.AttemptAcquire(context.Connection.RemoteIpAddress?.ToString() ?? "");
        return lease.IsAcquired;
    }

    public void Dispose() => _limiter.Dispose();
}
