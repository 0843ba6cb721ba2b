using Belfry.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Access;

/// <summary>The form by which the first administrator makes himself; it opens with the one-time link alone.</summary>
sealed partial class SetupEndpoints(
    AccessSettings settings, SetupLink link, AccessStore store, AccountBook book, Sessions sessions, LoginPace pace, Seals seals, ClientAddress addresses, LoginEndpoints login,
    ILogger<SetupEndpoints> logger)
{
    const string Path = "/setup";

    /// <summary>Adds it to the routes.</summary>
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet(Path, (HttpContext context, [FromServices] SetupEndpoints setup, string? key) => setup.Show(context, key ?? "")).OpenTo(Caller.Browser);
        group.MapPost(Path, (HttpContext context, [FromServices] SetupEndpoints setup, CancellationToken cancel) => setup.MakeAsync(context, cancel))
            .OpenTo(Caller.Browser).WithForm();
    }

    /// <summary>The path of a new link; null when it is not needed: there is an administrator, or others tell who comes.</summary>
    public async Task<string?> NewLinkAsync(CancellationToken cancel) =>
        settings.Open || settings.OAuth.IsSet || settings.Proxy.IsSet || (await book.ReadAsync(cancel)).HasAdmin ? null : $"{Path}?key={link.Make()}";

    IResult Show(HttpContext context, string key) => link.Opens(key)
        ? Page(context, StatusCodes.Status200OK, "", key, null)
        : Results.Content(DoorPage.Frame(login.Root(context), "This link is over", $"""
            <p class="b-login-site">This link is over: it is good once, and for an hour.</p>
            <p class="b-login-help">Starting the server again prints another one while there is no administrator. Or run <code>belfry user add NAME --role admin</code> on its machine.</p>
            """), DoorPage.Type, statusCode: StatusCodes.Status404NotFound);

    async Task<IResult> MakeAsync(HttpContext context, CancellationToken cancel)
    {
        IFormCollection form = await context.Request.ReadFormAsync(cancel);
        string name = form["name"].ToString(), password = form["password"].ToString(), key = form["key"].ToString(), address = addresses.Of(context);
        if (!link.Opens(key))
        {
            return Show(context, key);
        }
        string? problem = Account.ProblemOf(name) ?? Passwords.ProblemOf(password, name) ?? (password == form["again"] ? null : "the two passwords are not the same");
        if (problem is null && pace.Ask(name, address, null) is null)
        {
            problem = "too many attempts; please wait a minute";
        }
        if (problem is not null)
        {
            return Page(context, StatusCodes.Status400BadRequest, name, key, Sentence.Of(problem));
        }
        var user = new Account { Name = name, Hash = Passwords.Hash(password), Role = Role.Admin, Stamp = Secrets.New() };
        AccountChange done = await store.AddFirstAsync(user, new Actor(name, "link", address), cancel);
        link.Void();
        if (done != AccountChange.Done)
        {
            return Show(context, key);
        }
        book.Forget();
        sessions.Begin(context, user.Name, user.Stamp);
        LogMade(name);
        return LoginEndpoints.SeeOther(context, login.Root(context) + "/");
    }

    IResult Page(HttpContext context, int status, string name, string key, string? problem) => Results.Content(
        DoorPage.Setup(login.Root(context), settings.Site, name, key, seals.Forms.GetAndStoreTokens(context).RequestToken!, problem), DoorPage.Type, statusCode: status);

    [LoggerMessage(533, LogLevel.Information, "{Name} is the first administrator")]
    partial void LogMade(string name);
}
