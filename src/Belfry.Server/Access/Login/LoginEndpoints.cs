using Belfry.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Access;

/// <summary>Logging in and out.</summary>
sealed partial class LoginEndpoints(
    AccessSettings settings, AccountBook book, Sessions sessions, LoginPace pace, PasswordDesk desk, Seals seals, ClientAddress addresses, AuditTrail audit, LinkGenerator links,
    ILogger<LoginEndpoints> logger)
{
    /// <summary>The name of the login's endpoint.</summary>
    public const string Name = "Belfry.Login";

    /// <summary>Its path.</summary>
    public const string Path = "/login";

    /// <summary>Adds them to the routes.</summary>
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet(Path, (HttpContext context, [FromServices] LoginEndpoints login, CancellationToken cancel) => login.ShowAsync(context, cancel)).WithName(Name).OpenTo(Caller.Browser);
        group.MapPost(Path, (HttpContext context, [FromServices] LoginEndpoints login, CancellationToken cancel) => login.EnterAsync(context, cancel))
            .OpenTo(Caller.Browser).WithForm();
        group.MapPost("/logout", (HttpContext context, [FromServices] LoginEndpoints login) => login.Leave(context))
            .RequireRight(Right.View).WithForm().WithMetadata(new ChangesNothing());
    }

    /// <summary>The login's page.</summary>
    public async Task<IResult> PageAsync(HttpContext context, int status, string name, string back, string? problem, CancellationToken cancel)
    {
        AccessList list = await book.ReadAsync(cancel);
        string form = seals.Forms.GetAndStoreTokens(context).RequestToken!;
        string html = DoorPage.Login(
            Root(context), settings.Site, name, back, form, problem, settings.OAuth.IsSet ? settings.OAuth.Name : null, list.HasAdmin || settings.OAuth.IsSet || settings.Proxy.IsSet);
        return Results.Content(html, DoorPage.Type, statusCode: status);
    }

    /// <summary>Only a path of our own, as addresses are written: a login must not lead to another site, and a header takes ASCII alone.</summary>
    public string Back(HttpContext context, string? wanted) =>
        wanted is ['/', ..] && wanted is not ['/', '/' or '\\', ..] && wanted.All(letter => char.IsAscii(letter) && !char.IsControl(letter)) && !wanted.StartsWith(links.GetPathByName(context, Name)!, StringComparison.Ordinal)
            ? wanted
            : Root(context) + "/";

    /// <summary>The path under which all is mounted.</summary>
    public string Root(HttpContext context) => links.GetPathByName(context, Name)![..^Path.Length];

    /// <summary>On to another page, by GET.</summary>
    public static IResult SeeOther(HttpContext context, string path)
    {
        context.Response.Headers.Location = path;
        return Results.StatusCode(StatusCodes.Status303SeeOther);
    }

    async Task<IResult> ShowAsync(HttpContext context, CancellationToken cancel)
    {
        string back = Back(context, context.Request.Query["return"]);
        return settings.Open || sessions.Find(context, await book.ReadAsync(cancel)) is not null
            ? Results.LocalRedirect(back)
            : await PageAsync(context, StatusCodes.Status200OK, "", back, null, cancel);
    }

    async Task<IResult> EnterAsync(HttpContext context, CancellationToken cancel)
    {
        IFormCollection form = await context.Request.ReadFormAsync(cancel);
        string name = form["name"].ToString(), password = form["password"].ToString(), back = Back(context, form["return"]);
        string address = addresses.Of(context);
        Account? user = (await book.ReadAsync(cancel)).User(name);
        string? device = sessions.DeviceOf(context, name);
        Spending? spent = pace.Ask(name, address, device);
        if (spent is null || await MatchesAsync(user, password, device is not null, cancel) is not { } matches)
        {
            spent?.GiveBack();
            audit.Refused("login.throttled", user?.Name ?? "", address);
            context.Response.Headers.RetryAfter = "60";
            return await PageAsync(context, StatusCodes.Status429TooManyRequests, name, back, "Too many attempts. Please wait a minute.", cancel);
        }
        if (!matches || user is null or { Disabled: true })
        {
            LogRefused(address);
            audit.Refused("login.refused", user?.Name ?? "", address);
            return await PageAsync(context, StatusCodes.Status401Unauthorized, name, back, "Name or password is wrong.", cancel);
        }
        pace.Passed(name, address, device);
        sessions.Begin(context, user.Name, user.Stamp);
        audit.Tell(new Actor(user.Name, "session", address), "login", user.Name, "by password");
        LogEntered(user.Name);
        return SeeOther(context, back);
    }

    async Task<bool?> MatchesAsync(Account? user, string password, bool known, CancellationToken cancel) =>
        password.Length > Passwords.Longest ? false : await desk.MatchesAsync(user?.Hash, password, known, cancel);

    IResult Leave(HttpContext context)
    {
        if (context.Features.Get<Visitor>() is { Via: "session" } visitor)
        {
            audit.Tell(visitor.From(addresses.Of(context)), "logout", visitor.Name);
        }
        sessions.End(context);
        return SeeOther(context, links.GetPathByName(context, Name)!);
    }

    [LoggerMessage(531, LogLevel.Information, "{Name} logged in")]
    partial void LogEntered(string name);

    // Without the name that was typed: people type passwords into that field.
    [LoggerMessage(532, LogLevel.Warning, "A login from {Address} was refused")]
    partial void LogRefused(string address);
}
