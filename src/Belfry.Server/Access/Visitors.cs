using Belfry.Storage;
using Microsoft.AspNetCore.Http;

namespace Belfry.Server.Access;

/// <summary>Tells who asks: by token, by what a trusted proxy says, or by session.</summary>
sealed class Visitors(AccessSettings settings, AccountBook book, Sessions sessions, ClientAddress addresses, AuditTrail audit, TokenPace pace, RunLog log, TimeProvider clock)
{
    /// <summary>Under which name refusals are counted.</summary>
    public const string Source = "access";

    /// <summary>Whom the request is from; nobody, or too many wrong tokens.</summary>
    public async ValueTask<(Visitor? Visitor, bool TooMany)> FindAsync(HttpContext context, Caller caller)
    {
        AccessList list = await book.ReadAsync(context.RequestAborted);
        if (caller == Caller.Program && Bearer(context) is { } token)
        {
            return FindToken(context, list, token);
        }
        // What a browser sends along by itself, wanted or not, counts at programs' routes only where nothing changes.
        bool counts = caller == Caller.Browser || HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);
        return (counts ? FindByProxy(context, list) ?? sessions.Find(context, list) : null, false);
    }

    (Visitor?, bool) FindToken(HttpContext context, AccessList list, string token)
    {
        Instant now = Instant.Now(clock);
        if (list.Token(TokenHash.Of(token)) is { } found && !found.IsOver(now))
        {
            audit.Used(found.Hash, now);
            return (new Visitor(found.Name, Rights.Of(found.Scopes), "token"), false);
        }
        string address = addresses.Of(context);
        bool allowed = pace.Allows(address);
        audit.Refused("token.refused", "", address);
        return (null, !allowed);
    }

    Visitor? FindByProxy(HttpContext context, AccessList list)
    {
        if (!settings.Proxy.IsSet || context.Request.Headers[settings.Proxy.Header] is not [{ Length: > 0 } name])
        {
            return null;
        }
        if (!settings.Proxy.Trusts(context.Connection.RemoteIpAddress))
        {
            log.Refuse(Source, $"header {settings.Proxy.Header} from an address that is no proxy's");
            return null;
        }
        // A proxy that adds its header to one that was sent makes a list of both.
        if (Account.ProblemOf(name) is not null || name.Contains(',') || list.User(name) is { Disabled: true })
        {
            return null;
        }
        Role? told = settings.Proxy.RoleHeader.Length == 0 ? null : RoleMap.Of(settings.Proxy.Roles, Groups(context.Request.Headers[settings.Proxy.RoleHeader]), ownNames: true);
        Account? known = list.User(name);
        return (told ?? known?.Role ?? settings.Proxy.Role) is { } role ? new Visitor(name, Rights.Of(role, known?.Purge, known?.Delete), "proxy") : null;
    }

    static string[] Groups(IEnumerable<string?> values) =>
        [.. values.SelectMany(value => (value ?? "").Split([',', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];

    static string? Bearer(HttpContext context)
    {
        const string scheme = "Bearer ";
        string sent = context.Request.Headers.Authorization.ToString();
        return sent.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) ? sent[scheme.Length..].Trim() : null;
    }
}

/// <summary>From where a request is: behind a trusted proxy, from where the proxy had it.</summary>
sealed class ClientAddress(AccessSettings settings)
{
    /// <summary>The address, as it is written to the audit; of IPv6 the network, because a line has all of it.</summary>
    public string Of(HttpContext context)
    {
        System.Net.IPAddress? address = context.Connection.RemoteIpAddress;
        string[] hops = [.. context.Request.Headers["X-Forwarded-For"].SelectMany(value => (value ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];
        for (int i = hops.Length - 1; i >= 0 && settings.Proxy.Trusts(address) && System.Net.IPAddress.TryParse(hops[i], out System.Net.IPAddress? before); i--)
        {
            address = before;
        }
        return Written(address);
    }

    /// <summary>The browser speaks TLS, with us or with the trusted proxy.</summary>
    public bool IsHttps(HttpContext context) => context.Request.IsHttps
        || (settings.Proxy.Trusts(context.Connection.RemoteIpAddress) && context.Request.Headers["X-Forwarded-Proto"].ToString().Equals("https", StringComparison.OrdinalIgnoreCase));

    static string Written(System.Net.IPAddress? address)
    {
        if (address is null)
        {
            return "this machine";
        }
        if (address.IsIPv4MappedToIPv6 || address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork || System.Net.IPAddress.IsLoopback(address))
        {
            return (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();
        }
        byte[] bytes = address.GetAddressBytes();
        Array.Clear(bytes, 8, 8);
        return new System.Net.IPAddress(bytes) + "/64";
    }
}
