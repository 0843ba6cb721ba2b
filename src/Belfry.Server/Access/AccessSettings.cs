using System.Net;

namespace Belfry.Server.Access;

/// <summary>How people and programs come in. Who they are stands in the store. The section <c>Access</c> of the settings.</summary>
public sealed class AccessSettings
{
    /// <summary>Nobody changes anything by pages or API; false by default. Logging in and out goes on, and so do the sources.</summary>
    public bool ReadOnly { get; set; }

    /// <summary>How long the audit is kept, a year by default.</summary>
    public TimeSpan AuditAge { get; set; } = TimeSpan.FromDays(365);

    /// <summary>How often who may try.</summary>
    public LimitSettings Limits { get; set; } = new();

    /// <summary>A proxy that tells who comes.</summary>
    public ProxySettings Proxy { get; set; } = new();

    /// <summary>Single sign-on.</summary>
    public OAuthSettings OAuth { get; set; } = new();

    /// <summary>Nobody is asked for a login, whoever is set up: the sample tasks are for everybody on this machine.</summary>
    internal bool Open { get; set; }

    /// <summary>The link of the first administrator is logged at the start; whoever hosts the server may print it instead.</summary>
    internal bool TellsSetup { get; set; } = true;

    /// <summary>The installation's name, shown at the login.</summary>
    internal string Site { get; set; } = "";

    /// <summary>What is wrong with the values, each with its key.</summary>
    public IEnumerable<(string Key, string Problem)> Problems() =>
    [
        .. AuditAge <= TimeSpan.Zero ? [("Access:AuditAge", "must be longer than nothing, e.g. 365d")] : Array.Empty<(string, string)>(),
        .. Limits.Problems(), .. Proxy.Problems(), .. OAuth.Problems(),
    ];
}

/// <summary>How often one address may try.</summary>
public sealed class LimitSettings
{
    /// <summary>Attempts to log in that an address has within a minute, 10 by default.</summary>
    public int Logins { get; set; } = 10;

    /// <summary>Requests with a wrong token that an address has within a minute, 60 by default.</summary>
    public int WrongTokens { get; set; } = 60;

    internal IEnumerable<(string Key, string Problem)> Problems() =>
    [
        .. Logins < 1 ? [("Access:Limits:Logins", "must be 1 or more")] : Array.Empty<(string, string)>(),
        .. WrongTokens < 1 ? [("Access:Limits:WrongTokens", "must be 1 or more")] : Array.Empty<(string, string)>(),
    ];
}

/// <summary>A proxy in front of the server that has asked people who they are, and tells it in a header.</summary>
public sealed class ProxySettings
{
    /// <summary>The header with the user's name, e.g. <c>X-Proxy-Remote-User</c>; none by default.</summary>
    public string Header { get; set; } = "";

    /// <summary>Addresses or networks of the proxies; from any other the header is ignored and counted. A list.</summary>
    public List<string> Addresses { get; set; } = [];

    /// <summary>The header with the user's role or groups, separated by commas or semicolons; none by default.</summary>
    public string RoleHeader { get; set; } = "";

    /// <summary>Which groups of that header are which role; the roles' own names by default.</summary>
    public Dictionary<string, List<string>> Roles { get; set; } = [];

    /// <summary>What somebody may do who has no account here and no role by that header; nothing when empty, <c>viewer</c> by default.</summary>
    public Role? Role { get; set; } = Access.Role.Viewer;

    /// <summary>It tells who comes.</summary>
    internal bool IsSet => Header.Length > 0;

    /// <summary>The address is one of the proxies'.</summary>
    internal bool Trusts(IPAddress? address) =>
        address is not null && Addresses.Exists(text => TryNetwork(text, out IPNetwork network) && network.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address));

    internal IEnumerable<(string Key, string Problem)> Problems()
    {
        for (int i = 0; i < Addresses.Count; i++)
        {
            if (!TryNetwork(Addresses[i], out _))
            {
                yield return ($"Access:Proxy:Addresses:{i}", $"'{Addresses[i]}' is no address: use 127.0.0.1, 10.0.0.0/8 or ::1");
            }
        }
        if (IsSet && Addresses.Count == 0)
        {
            yield return ("Access:Proxy:Addresses", "is missing: from which addresses does the proxy come? Anybody could send its header");
        }
        if (!IsSet && RoleHeader.Length > 0)
        {
            yield return ("Access:Proxy:Header", "is missing: which header has the name?");
        }
        foreach ((string key, string problem) in RoleMap.Problems("Access:Proxy:Roles", Roles))
        {
            yield return (key, problem);
        }
    }

    static bool TryNetwork(string text, out IPNetwork network)
    {
        network = default;
        if (text.Contains('/'))
        {
            return IPNetwork.TryParse(text, out network);
        }
        bool known = IPAddress.TryParse(text, out IPAddress? address);
        network = known ? new IPNetwork(address!, address!.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128) : default;
        return known;
    }
}

/// <summary>Which groups of others are which role here.</summary>
static class RoleMap
{
    /// <summary>The highest role that one of these groups has; null when none has.</summary>
    /// <param name="roles">Groups by role.</param>
    /// <param name="groups">Somebody's groups.</param>
    /// <param name="ownNames">Where nothing is set, a group with a role's name is that role.</param>
    public static Role? Of(Dictionary<string, List<string>> roles, IReadOnlyCollection<string> groups, bool ownNames)
    {
        Role[] found = [.. Enum.GetValues<Role>().Where(role => Named(roles, role, ownNames).Any(group => groups.Contains(group)))];
        return found.Length == 0 ? null : found.Max();
    }

    public static IEnumerable<(string Key, string Problem)> Problems(string key, Dictionary<string, List<string>> roles) =>
        roles.Keys.Where(role => !Enum.TryParse<Role>(role, ignoreCase: true, out _)).Select(role => ($"{key}:{role}", "is no role: use viewer, operator, admin"));

    static IEnumerable<string> Named(Dictionary<string, List<string>> roles, Role role, bool ownNames) => roles.Count == 0
        ? ownNames ? [role.ToString().ToLowerInvariant()] : []
        : roles.Where(pair => pair.Key.Equals(role.ToString(), StringComparison.OrdinalIgnoreCase)).SelectMany(pair => pair.Value);
}
