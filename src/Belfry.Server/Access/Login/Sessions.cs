using System.Security.Cryptography;
using Belfry.Storage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Access;

/// <summary>
/// Logins as a sealed cookie: the account's stamp, its name, an end. A new stamp ends all sessions that bear the old one: another
/// password makes one, and so does logging out everywhere.
/// </summary>
sealed class Sessions(Seals seals, ClientAddress addresses, LinkGenerator links, TimeProvider clock)
{
    /// <summary>The cookie; over TLS with a mark by which browsers take it from nobody else.</summary>
    public const string Cookie = "belfry-session";

    const string Device = "belfry-device", Host = "__Host-";

    static readonly TimeSpan Length = TimeSpan.FromDays(7), DeviceLength = TimeSpan.FromDays(180);

    readonly ITimeLimitedDataProtector _seal = seals.For("Belfry.Session.2"), _deviceSeal = seals.For("Belfry.Device.1");

    /// <summary>Begins a session, and remembers that this device logged in as that user.</summary>
    public void Begin(HttpContext context, string name, string stamp)
    {
        DateTimeOffset now = clock.GetUtcNow();
        Put(context, Cookie, _seal.Protect($"{stamp} {name}", now + Length), now + Length);
        Put(context, Device, _deviceSeal.Protect($"{Secrets.New()} {name}", now + DeviceLength), now + DeviceLength);
    }

    /// <summary>Ends it; the device stays known.</summary>
    public void End(HttpContext context)
    {
        (string name, CookieOptions options) = Named(context, Cookie, null);
        context.Response.Cookies.Delete(name, options);
    }

    /// <summary>Whose session it is; null without a valid one.</summary>
    public Visitor? Find(HttpContext context, AccessList list) =>
        Open(context, Cookie, _seal, out DateTimeOffset end) is [var stamp, var name] && list.User(name) is { Disabled: false } user && Secrets.Same(user.Stamp, stamp)
            ? new Visitor(user.Name, user.Rights, "session", Instant.From(end))
            : null;

    /// <summary>The device, when it logged in as that user before.</summary>
    public string? DeviceOf(HttpContext context, string user) =>
        Open(context, Device, _deviceSeal, out _) is [var device, var name] && name == user ? device : null;

    void Put(HttpContext context, string cookie, string value, DateTimeOffset end)
    {
        (string name, CookieOptions options) = Named(context, cookie, end);
        context.Response.Cookies.Append(name, value, options);
    }

    string[]? Open(HttpContext context, string cookie, ITimeLimitedDataProtector seal, out DateTimeOffset end)
    {
        end = default;
        try
        {
            return context.Request.Cookies[Named(context, cookie, null).Name] is { } value ? seal.Unprotect(value, out end).Split(' ', 2) : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    // Lax, not Strict: a link in an alert's mail must find its reader logged in. Nothing changes by GET.
    (string Name, CookieOptions Options) Named(HttpContext context, string cookie, DateTimeOffset? end)
    {
        bool https = addresses.IsHttps(context);
        string root = links.GetPathByName(context, LoginEndpoints.Name)![..^LoginEndpoints.Path.Length];
        return (https ? Host + cookie : cookie, new CookieOptions
        {
            HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = https, IsEssential = true, Expires = end, Path = https || root.Length == 0 ? "/" : root,
        });
    }
}
