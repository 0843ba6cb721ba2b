using Belfry.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Admin;

/// <summary>The page of whoever is logged in: password, logins, logging out everywhere.</summary>
sealed class AccountPages(AccessStore store, AccountBook book, Sessions sessions, PasswordDesk desk, LoginPace pace, ClientAddress addresses, PageFrames frames)
{
    const int LoginsShown = 10, LoginsRead = 100;

    public static void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder account = routes.MapGroup("/account").RequireRight(Right.View);
        account.MapGet("", (HttpContext context, [FromServices] AccountPages pages, string? said, CancellationToken cancel) =>
            pages.ShowAsync(context, said == "password" ? "Your password is another one now. Sessions elsewhere are over." : null, null, cancel)).WithName("Belfry.Account");
        account.MapPost("/password", (HttpContext context, [FromServices] AccountPages pages, CancellationToken cancel) => pages.ChangePasswordAsync(context, cancel)).WithForm();
        account.MapPost("/logout", (HttpContext context, [FromServices] AccountPages pages, CancellationToken cancel) => pages.LogOutEverywhereAsync(context, cancel))
            .WithForm().WithMetadata(new ChangesNothing());
    }

    async Task<IResult> ShowAsync(HttpContext context, string? said, string? problem, CancellationToken cancel)
    {
        Visitor visitor = context.Features.Get<Visitor>()!;
        if (visitor.Name.Length == 0)
        {
            return TypedResults.LocalRedirect(frames.Root(context) + "/");
        }
        Account? account = (await book.ReadAsync(cancel)).User(visitor.Name);
        IReadOnlyList<AuditEntry> logins = await store.AuditAsync(new AuditQuery(Who: visitor.Name, What: "login"), LoginsRead, cancel);
        var view = new AccountView(
            await frames.ForAsync(context, cancel), visitor, account, [.. logins.Where(login => login.Actor.Name == visitor.Name).Take(LoginsShown)], said, problem);
        return AdminEndpoints.Page<AccountPage>(new { View = view }, problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);
    }

    async Task<IResult> ChangePasswordAsync(HttpContext context, CancellationToken cancel)
    {
        IFormCollection form = await context.Request.ReadFormAsync(cancel);
        Visitor visitor = context.Features.Get<Visitor>()!;
        string address = addresses.Of(context), next = form["new"].ToString();
        if ((await book.ReadAsync(cancel)).User(visitor.Name) is not { Hash: { } hash } account)
        {
            return await ShowAsync(context, null, "This account has no password here.", cancel);
        }
        string? problem = form["again"] != next ? "The two new passwords are not the same." : Passwords.ProblemOf(next, account.Name) is { } wrong ? Sentence.Of(wrong) : null;
        problem ??= await KnowsAsync(context, account.Name, hash, form["old"].ToString(), address, cancel) ? null : "The present password is wrong, or was tried too often. Nothing is changed.";
        if (problem is not null)
        {
            return await ShowAsync(context, null, problem, cancel);
        }
        string stamp = Secrets.New();
        await store.SetPasswordAsync(account.Name, Passwords.Hash(next), stamp, visitor.From(address), cancel);
        book.Forget();
        if (visitor.Via == "session")
        {
            sessions.Begin(context, account.Name, stamp);
        }
        return LoginEndpoints.SeeOther(context, frames.Root(context) + "/account?said=password");
    }

    async Task<IResult> LogOutEverywhereAsync(HttpContext context, CancellationToken cancel)
    {
        Visitor visitor = context.Features.Get<Visitor>()!;
        await store.EndSessionsAsync(visitor.Name, visitor.From(addresses.Of(context)), cancel);
        book.Forget();
        sessions.End(context);
        return LoginEndpoints.SeeOther(context, frames.Root(context) + LoginEndpoints.Path);
    }

    async Task<bool> KnowsAsync(HttpContext context, string name, string hash, string password, string address, CancellationToken cancel)
    {
        string? device = sessions.DeviceOf(context, name);
        bool knows = pace.Ask(name, address, device) is not null && password.Length <= Passwords.Longest && await desk.MatchesAsync(hash, password, known: true, cancel) == true;
        if (knows)
        {
            pace.Passed(name, address, device);
        }
        return knows;
    }
}

/// <summary>What that page shows.</summary>
/// <param name="Frame">Where the page stands.</param>
/// <param name="Visitor">Who looks.</param>
/// <param name="Account">Their account here; null for somebody whom only a proxy knows.</param>
/// <param name="Logins">When they came lately.</param>
/// <param name="Said">What was done.</param>
/// <param name="Problem">What went wrong.</param>
public sealed record AccountView(PageFrame Frame, Visitor Visitor, Account? Account, IReadOnlyList<AuditEntry> Logins, string? Said, string? Problem);
