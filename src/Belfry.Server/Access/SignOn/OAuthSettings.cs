namespace Belfry.Server.Access;

/// <summary>Single sign-on by OAuth 2 or OpenID Connect. The section <c>Access:OAuth</c> of the settings; docs/access.md has recipes.</summary>
public sealed class OAuthSettings
{
    /// <summary>What the button at the login says, e.g. <c>GitHub</c>; <c>single sign-on</c> by default.</summary>
    public string Name { get; set; } = "single sign-on";

    /// <summary>The issuer of OpenID Connect, whose discovery document tells the rest; empty for plain OAuth 2.</summary>
    public string Issuer { get; set; } = "";

    /// <summary>As whom Belfry is registered there; empty, and there is no single sign-on.</summary>
    public string ClientId { get; set; } = "";

    /// <summary>Belfry's password there.</summary>
    public string ClientSecret { get; set; } = "";

    /// <summary>What is asked for; <c>openid profile email</c> by default.</summary>
    public string Scopes { get; set; } = "openid profile email";

    /// <summary>Where people sign in; told by the issuer where there is one.</summary>
    public string AuthorizationEndpoint { get; set; } = "";

    /// <summary>Where the code is exchanged; told by the issuer where there is one.</summary>
    public string TokenEndpoint { get; set; } = "";

    /// <summary>Where more about the user is asked; told by the issuer where there is one.</summary>
    public string UserInfoEndpoint { get; set; } = "";

    /// <summary>The address here to which people come back, as it is registered there; when empty, that of the request with <c>/login/sign-on/back</c>.</summary>
    public string RedirectUri { get; set; } = "";

    /// <summary>Which claim is the user's name here; <c>preferred_username</c> by default, <c>login</c> at GitHub.</summary>
    public string NameClaim { get; set; } = "preferred_username";

    /// <summary>Which claim lists the user's groups; <c>groups</c> by default. Dots lead into objects: <c>realm_access.roles</c>.</summary>
    public string GroupsClaim { get; set; } = "groups";

    /// <summary>Which groups are which role; none by default, and groups count for nothing.</summary>
    public Dictionary<string, List<string>> Roles { get; set; } = [];

    /// <summary>The role of somebody without an account here and without such a group; when empty, the default, they are not let in.</summary>
    public Role? Role { get; set; }

    /// <summary>There is single sign-on.</summary>
    internal bool IsSet => ClientId.Length > 0;

    internal IEnumerable<(string Key, string Problem)> Problems()
    {
        bool touched = Issuer.Length > 0 || ClientSecret.Length > 0 || AuthorizationEndpoint.Length > 0;
        if (!IsSet && touched)
        {
            yield return ("Access:OAuth:ClientId", "is missing: as whom is Belfry registered there?");
        }
        if (IsSet && ClientSecret.Length == 0)
        {
            yield return ("Access:OAuth:ClientSecret", "is missing; ClientSecretFile can name a file that holds it");
        }
        if (IsSet && Issuer.Length == 0)
        {
            foreach ((string key, string value) in new[] { (nameof(AuthorizationEndpoint), AuthorizationEndpoint), (nameof(TokenEndpoint), TokenEndpoint), (nameof(UserInfoEndpoint), UserInfoEndpoint) })
            {
                if (value.Length == 0)
                {
                    yield return ($"Access:OAuth:{key}", "is missing, and there is no Issuer that would tell it");
                }
            }
        }
        foreach ((string key, string value) in new[] { (nameof(Issuer), Issuer), (nameof(AuthorizationEndpoint), AuthorizationEndpoint), (nameof(TokenEndpoint), TokenEndpoint), (nameof(UserInfoEndpoint), UserInfoEndpoint), (nameof(RedirectUri), RedirectUri) })
        {
            if (value.Length > 0 && !IsSafe(value))
            {
                yield return ($"Access:OAuth:{key}", $"'{value}' is no https:// address");
            }
        }
        foreach ((string key, string problem) in RoleMap.Problems("Access:OAuth:Roles", Roles))
        {
            yield return (key, problem);
        }
    }

    /// <summary>Secrets go there: only over TLS, or on this machine.</summary>
    internal static bool IsSafe(string address) => Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) && (uri.Scheme == "https" || (uri.Scheme == "http" && uri.IsLoopback));
}
