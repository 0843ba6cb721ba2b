using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Access;

/// <summary>Single sign-on: the code flow of OAuth 2 and OpenID Connect, with state, nonce and PKCE.</summary>
/// <remarks>
/// 1. What begins is sealed into a cookie: only the browser that began may end it, within ten minutes, once.
/// 2. The state shows that the answer belongs to that browser, the verifier that the code does, the nonce that the ID token does.
/// 3. Whoever comes back so has an account of their own, or gets one when a group or the settings give a role.
/// </remarks>
sealed partial class SignOnEndpoints(
    AccessSettings settings, SignOnProvider provider, AccessStore store, AccountBook book, Sessions sessions, Seals seals, ClientAddress addresses, AuditTrail audit, LoginEndpoints login,
    TimeProvider clock, ILogger<SignOnEndpoints> logger)
{
    /// <summary>Where it begins.</summary>
    public const string Path = "/login/sign-on";

    /// <summary>Where people come back.</summary>
    public const string BackPath = Path + "/back";

    const string Cookie = "belfry-sign-on";
    static readonly TimeSpan Length = TimeSpan.FromMinutes(10);

    readonly ITimeLimitedDataProtector _seal = seals.For("Belfry.SignOn.1");
    readonly Allowance _pace = new(20, TimeSpan.FromSeconds(3), clock);

    /// <summary>Adds them to the routes.</summary>
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet(Path, (HttpContext context, [FromServices] SignOnEndpoints signOn, CancellationToken cancel) => signOn.BeginAsync(context, cancel)).OpenTo(Caller.Browser);
        group.MapGet(BackPath, (HttpContext context, [FromServices] SignOnEndpoints signOn, CancellationToken cancel) => signOn.EndAsync(context, cancel)).OpenTo(Caller.Browser);
    }

    async Task<IResult> BeginAsync(HttpContext context, CancellationToken cancel)
    {
        if (!settings.OAuth.IsSet)
        {
            return Results.NotFound();
        }
        var begun = new Begun(Secrets.New(), Secrets.New(), Secrets.New(), login.Back(context, context.Request.Query["return"]), Redirect(context));
        try
        {
            SignOnPlaces places = await provider.PlacesAsync(cancel);
            context.Response.Cookies.Append(Named(context), _seal.Protect(JsonSerializer.Serialize(begun), clock.GetUtcNow() + Length), Options(context));
            return Results.Redirect(places.Authorization + (places.Authorization.Contains('?', StringComparison.Ordinal) ? "&" : "?") + QueryString.Create(new Dictionary<string, string?>
            {
                ["response_type"] = "code", ["client_id"] = settings.OAuth.ClientId, ["redirect_uri"] = begun.Redirect, ["scope"] = settings.OAuth.Scopes, ["state"] = begun.State,
                ["nonce"] = begun.Nonce, ["code_challenge"] = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(begun.Verifier))), ["code_challenge_method"] = "S256",
            }).Value![1..]);
        }
        catch (SignOnException failed)
        {
            return await RefusedAsync(context, failed.Message, "The single sign-on does not answer. Try again, or tell an administrator.", begun.Back, cancel);
        }
    }

    async Task<IResult> EndAsync(HttpContext context, CancellationToken cancel)
    {
        Begun? begun = Open(context);
        context.Response.Cookies.Delete(Named(context), Options(context));
        IQueryCollection query = context.Request.Query;
        if (!settings.OAuth.IsSet || begun is null || !Secrets.Same(begun.State, query["state"].ToString()))
        {
            return await RefusedAsync(context, "it did not begin in that browser, or too long ago", "This sign-on did not begin in this browser, or too long ago. Please try again.", login.Back(context, null), cancel);
        }
        if (!_pace.TryTake(addresses.Of(context)))
        {
            return await RefusedAsync(context, "too many from that address", "Too many attempts. Please wait a minute.", begun.Back, cancel);
        }
        try
        {
            if (query["code"].ToString() is not { Length: > 0 } code)
            {
                throw new SignOnException($"the provider said '{Short(query["error"].ToString())}'");
            }
            if (query["iss"].ToString() is { Length: > 0 } issuer && provider.IsOpenId && issuer != settings.OAuth.Issuer)
            {
                throw new SignOnException("the answer is of another issuer");
            }
            SignOnClaims claims = await provider.RedeemAsync(code, begun.Verifier, begun.Nonce, begun.Redirect, cancel);
            return await EnterAsync(context, claims, begun.Back, cancel);
        }
        catch (SignOnException failed)
        {
            return await RefusedAsync(context, failed.Message, "The single sign-on did not tell who you are. Try again, or tell an administrator.", begun.Back, cancel);
        }
    }

    async Task<IResult> EnterAsync(HttpContext context, SignOnClaims claims, string back, CancellationToken cancel)
    {
        book.Forget();
        SignOnDecision decision = SignOnDecision.Of(settings.OAuth, await book.ReadAsync(cancel), claims);
        if (decision.Account is not { } account)
        {
            return await RefusedAsync(context, decision.Refusal!, decision.Refusal!, back, cancel);
        }
        var actor = new Actor(account.Name, "sign-on", addresses.Of(context));
        AccountChange done = decision.Known is null
            ? await store.AddAsync(account, actor, cancel)
            : await store.ChangeAsync(account.Name, known => known with { Role = account.Role, Subject = account.Subject, Email = account.Email }, actor, keepAdmin: false, cancel);
        book.Forget();
        if (done != AccountChange.Done || (await book.ReadAsync(cancel)).User(account.Name) is not { } stored)
        {
            return await RefusedAsync(context, "the account changed meanwhile", "Your account changed meanwhile. Please try again.", back, cancel);
        }
        sessions.Begin(context, stored.Name, stored.Stamp);
        audit.Tell(actor, "login", stored.Name, $"by {settings.OAuth.Name}");
        LogEntered(stored.Name);
        return LoginEndpoints.SeeOther(context, back);
    }

    async Task<IResult> RefusedAsync(HttpContext context, string why, string told, string back, CancellationToken cancel)
    {
        string address = addresses.Of(context);
        LogRefused(address, why);
        audit.Refused("login.refused", "", address);
        return await login.PageAsync(context, StatusCodes.Status403Forbidden, "", back, told, cancel);
    }

    Begun? Open(HttpContext context)
    {
        try
        {
            return context.Request.Cookies[Named(context)] is { } cookie ? JsonSerializer.Deserialize<Begun>(_seal.Unprotect(cookie)) : null;
        }
        catch (Exception forged) when (forged is CryptographicException or JsonException)
        {
            return null;
        }
    }

    string Redirect(HttpContext context) => settings.OAuth.RedirectUri.Length > 0
        ? settings.OAuth.RedirectUri
        : $"{(addresses.IsHttps(context) ? "https" : "http")}://{context.Request.Host}{login.Root(context)}{BackPath}";

    string Named(HttpContext context) => addresses.IsHttps(context) ? "__Host-" + Cookie : Cookie;

    // Lax: the way back comes from another site.
    CookieOptions Options(HttpContext context) => new()
    {
        HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = addresses.IsHttps(context), IsEssential = true, Path = addresses.IsHttps(context) ? "/" : login.Root(context) + Path, MaxAge = Length,
    };

    static string Short(string text) => new([.. text.Where(letter => !char.IsControl(letter)).Take(100)]);

    [LoggerMessage(535, LogLevel.Information, "{Name} logged in by single sign-on")]
    partial void LogEntered(string name);

    [LoggerMessage(536, LogLevel.Warning, "A single sign-on from {Address} was refused: {Why}")]
    partial void LogRefused(string address, string why);

    /// <summary>What was begun, sealed in the cookie.</summary>
    sealed record Begun(string State, string Nonce, string Verifier, string Back, string Redirect);
}
