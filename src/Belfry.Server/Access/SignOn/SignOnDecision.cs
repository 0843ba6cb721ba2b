using System.Text.Json;

namespace Belfry.Server.Access;

/// <summary>Whom the single sign-on brought, as an account of ours. Pure: from what it says and who is known.</summary>
/// <param name="Known">The account as it is; null for a new one.</param>
/// <param name="Account">The account as it is to be; null when they are not let in.</param>
/// <param name="Refusal">Why not, for them to read.</param>
sealed record SignOnDecision(Account? Known, Account? Account, string? Refusal)
{
    /// <summary>Decides.</summary>
    /// <param name="settings">Which claims count, and which groups are which role.</param>
    /// <param name="list">Who is known.</param>
    /// <param name="claims">What the provider says.</param>
    public static SignOnDecision Of(OAuthSettings settings, AccessList list, SignOnClaims claims)
    {
        if ((claims.Text("sub") ?? claims.Text("id")) is not { Length: > 0 } id)
        {
            return Refused("The single sign-on does not tell who you are: it names no 'sub' and no 'id'.");
        }
        if (settings.NameClaim == "email" && !IsVerified(claims))
        {
            return Refused("Your address is not verified at the single sign-on.");
        }
        // A name can be given to somebody else there, the subject never: it is what an account belongs to.
        string subject = $"{(settings.Issuer.Length > 0 ? settings.Issuer : settings.AuthorizationEndpoint)} {id}";
        string? name = claims.Text(settings.NameClaim);
        Account? known = list.Subject(subject) ?? (name is null ? null : list.User(name));
        if (known is null && (name is null || Access.Account.ProblemOf(name) is not null))
        {
            return Refused($"The single sign-on gives no name that could be used here (claim '{settings.NameClaim}').");
        }
        if (known is not null && known.Subject != subject && known is not { Origin: AccountOrigin.Invited, Subject: null })
        {
            return Refused($"The name '{known.Name}' belongs to another account here. An administrator can help.");
        }
        if (known is { Disabled: true })
        {
            return Refused("This account is disabled. An administrator can help.");
        }
        Role? told = RoleMap.Of(settings.Roles, claims.List(settings.GroupsClaim), ownNames: false);
        // Where groups tell roles, they tell them each time; somebody whom an administrator made here keeps at least that role.
        bool keeps = known is not null && (settings.Roles.Count == 0 || known.Origin == AccountOrigin.Invited);
        if ((told ?? (keeps ? known!.Role : settings.Role)) is not { } role)
        {
            return Refused("None of your groups has a role here. An administrator can help.");
        }
        Account account = known is null
            ? new Account { Name = name!, Role = role, Stamp = Secrets.New(), Origin = AccountOrigin.SignOn, Subject = subject, Email = Email(claims) }
            : known with { Role = role, Subject = subject, Email = known.Email ?? Email(claims) };
        return new SignOnDecision(known, account, null);
    }

    static SignOnDecision Refused(string why) => new(null, null, why);

    static string? Email(SignOnClaims claims) =>
        claims.Text("email") is { Length: > 2 and < 255 } email && email.Contains('@') && !email.Any(char.IsControl) && IsVerified(claims) ? email : null;

    // Whoever does not say so, has no others.
    static bool IsVerified(SignOnClaims claims) => !(claims.Json.TryGetProperty("email_verified", out JsonElement verified) && verified.ValueKind is JsonValueKind.False);
}
