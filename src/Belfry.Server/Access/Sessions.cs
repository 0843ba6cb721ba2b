using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;

namespace Belfry.Server.Access;

/// <summary>Logins as a sealed cookie: name, a mark of the password's hash, end. A changed password or a user taken away ends all their sessions.</summary>
sealed class Sessions(AccessSettings settings, IDataProtectionProvider protection, TimeProvider clock)
{
    /// <summary>The cookie.</summary>
    public const string Cookie = "belfry-session";

    static readonly TimeSpan Length = TimeSpan.FromDays(7);

    readonly ITimeLimitedDataProtector _seal = protection.CreateProtector("Belfry.Session.1").ToTimeLimitedDataProtector();

    /// <summary>Begins a session.</summary>
    public void Begin(HttpContext context, UserSettings user)
    {
        DateTimeOffset end = clock.GetUtcNow() + Length;
        context.Response.Cookies.Append(Cookie, _seal.Protect($"{Mark(user)} {user.Name}", end), Options(context, end));
    }

    /// <summary>Ends it.</summary>
    public static void End(HttpContext context) => context.Response.Cookies.Delete(Cookie, Options(context, null));

    /// <summary>Whose session it is; null without a valid one.</summary>
    public Visitor? Find(HttpContext context)
    {
        if (context.Request.Cookies[Cookie] is not { } cookie)
        {
            return null;
        }
        try
        {
            string[] parts = _seal.Unprotect(cookie, out _).Split(' ', 2);
            return settings.Users.Find(user => user.Name == parts[^1]) is { } user && Mark(user) == parts[0]
                ? new Visitor(user.Name, Rights.Of(user.Role), HasSession: true)
                : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    // Lax, not Strict: a link in an alert's mail must find its reader logged in. Nothing changes by GET.
    static CookieOptions Options(HttpContext context, DateTimeOffset? end) => new()
    {
        HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = context.Request.IsHttps, IsEssential = true, Expires = end, Path = "/",
    };

    static string Mark(UserSettings user) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(user.Hash)).AsSpan(0, 8));
}
