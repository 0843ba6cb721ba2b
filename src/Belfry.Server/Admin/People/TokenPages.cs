using System.Security.Cryptography;
using Belfry.Server.Access;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Admin;

/// <summary>Tokens of programs: a list, and a form for another one, which is shown once.</summary>
sealed class TokenPages(AccessStore store, AccountBook book, Seals seals, ClientAddress addresses, PageFrames frames, TimeProvider clock)
{
    /// <summary>What the form offers as a token's life, in days.</summary>
    public static IReadOnlyList<int> Lives { get; } = [30, 90, 365];

    const string Fresh = "belfry-new-token";
    static readonly TimeSpan Shown = TimeSpan.FromMinutes(2); // between the form and the page that it leads to

    readonly ITimeLimitedDataProtector _seal = seals.For("Belfry.NewToken.1");

    public static void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder tokens = routes.MapGroup("/tokens").RequireRight(Right.Administer);
        tokens.MapGet("", (HttpContext context, [FromServices] TokenPages pages, string? revoked, CancellationToken cancel) =>
            pages.ListAsync(context, revoked is null ? null : $"{revoked} is gone.", null, "", cancel));
        tokens.MapPost("", (HttpContext context, [FromServices] TokenPages pages, CancellationToken cancel) => pages.AddAsync(context, cancel)).WithForm();
        tokens.MapPost("/revoke", (HttpContext context, [FromServices] TokenPages pages, CancellationToken cancel) => pages.RevokeAsync(context, cancel)).WithForm();
    }

    async Task<IResult> ListAsync(HttpContext context, string? said, string? problem, string name, CancellationToken cancel)
    {
        // When it was last used is written without a word to the book of accounts.
        AccessList list = await store.ListAsync(cancel);
        var view = new TokensView(await frames.ForAsync(context, cancel), list.Tokens, TakeFresh(context), name, said, problem);
        return AdminEndpoints.Page<TokensPage>(new { View = view }, problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);
    }

    async Task<IResult> AddAsync(HttpContext context, CancellationToken cancel)
    {
        IFormCollection form = await context.Request.ReadFormAsync(cancel);
        string name = form["name"].ToString(), token = TokenHash.NewToken();
        Scope[] scopes = [.. form["scope"].Select(text => Enum.TryParse(text, ignoreCase: true, out Scope scope) && Enum.IsDefined(scope) ? scope : (Scope?)null).OfType<Scope>().Distinct()];
        Instant? end = int.TryParse(form["days"], out int days) && Lives.Contains(days) ? Instant.Now(clock) + TimeSpan.FromDays(days) : null;
        string? problem = Account.ProblemOf(name) ?? (scopes.Length == 0 ? "a token without a scope may do nothing: choose one" : null);
        if (problem is null)
        {
            AccountChange done = await store.AddAsync(new AccessToken { Name = name, Hash = TokenHash.Of(token), Scopes = scopes, Expires = end }, ActorOf(context), cancel);
            problem = done == AccountChange.Done ? null : $"a token '{name}' is there already";
            book.Forget();
        }
        if (problem is not null)
        {
            return await ListAsync(context, null, Sentence.Of(problem), name, cancel);
        }
        context.Response.Cookies.Append(Fresh, _seal.Protect($"{token} {name}", clock.GetUtcNow() + Shown), Options(context));
        return LoginEndpoints.SeeOther(context, frames.Root(context) + "/tokens");
    }

    async Task<IResult> RevokeAsync(HttpContext context, CancellationToken cancel)
    {
        string name = (await context.Request.ReadFormAsync(cancel))["name"].ToString();
        AccountChange done = await store.RevokeAsync(name, ActorOf(context), cancel);
        book.Forget();
        return done == AccountChange.Done
            ? LoginEndpoints.SeeOther(context, frames.Root(context) + "/tokens" + QueryString.Create("revoked", name))
            : await ListAsync(context, null, $"There is no token '{name}'.", "", cancel);
    }

    FreshToken? TakeFresh(HttpContext context)
    {
        if (context.Request.Cookies[Fresh] is not { } cookie)
        {
            return null;
        }
        context.Response.Cookies.Delete(Fresh, Options(context));
        try
        {
            return _seal.Unprotect(cookie).Split(' ', 2) is [var token, var name] ? new FreshToken(name, token) : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    CookieOptions Options(HttpContext context) => new()
    {
        HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = addresses.IsHttps(context), IsEssential = true, Path = frames.Root(context) + "/tokens", MaxAge = Shown,
    };

    Actor ActorOf(HttpContext context) => context.Features.Get<Visitor>()!.From(addresses.Of(context));
}

/// <summary>A token that was made just now.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Token">The token itself.</param>
public sealed record FreshToken(string Name, string Token);

/// <summary>What the page of tokens shows.</summary>
/// <param name="Frame">Where the page stands.</param>
/// <param name="Tokens">All tokens.</param>
/// <param name="Fresh">The one made just now, shown once.</param>
/// <param name="Name">What was typed as the name of another one.</param>
/// <param name="Said">What was done.</param>
/// <param name="Problem">What went wrong.</param>
public sealed record TokensView(PageFrame Frame, IReadOnlyList<AccessToken> Tokens, FreshToken? Fresh, string Name, string? Said, string? Problem);
