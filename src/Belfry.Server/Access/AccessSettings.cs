namespace Belfry.Server.Access;

/// <summary>Who may come in: users for the pages, tokens for programs. The section <c>Access</c> of the settings.</summary>
public sealed class AccessSettings
{
    /// <summary>Users; none by default. <c>belfry user add</c> writes them.</summary>
    public List<UserSettings> Users { get; set; } = [];

    /// <summary>Tokens of programs; none by default. <c>belfry token add</c> writes them.</summary>
    public List<TokenSettings> Tokens { get; set; } = [];

    /// <summary>Somebody can log in, so everybody has to.</summary>
    public bool IsGuarded => !Open && (Users.Count > 0 || Tokens.Count > 0);

    /// <summary>Nobody is asked for a login, whoever is set up: the sample tasks are for everybody on this machine.</summary>
    internal bool Open { get; set; }

    /// <summary>The installation's name, shown at the login.</summary>
    internal string Site { get; set; } = "";

    /// <summary>What is wrong with the values, each with its key.</summary>
    public IEnumerable<(string Key, string Problem)> Problems() =>
    [
        .. Users.SelectMany((user, i) => Problems($"Access:Users:{i}", user.Name, Users.Take(i).Any(other => other.Name == user.Name), Passwords.IsHash(user.Hash), "belfry user add")),
        .. Tokens.SelectMany((token, i) => Problems($"Access:Tokens:{i}", token.Name, Tokens.Take(i).Any(other => other.Name == token.Name), TokenHash.IsHash(token.Hash), "belfry token add")),
    ];

    static IEnumerable<(string Key, string Problem)> Problems(string key, string name, bool twice, bool hashed, string verb)
    {
        if (name.Length == 0)
        {
            yield return ($"{key}:Name", "is missing");
        }
        else if (twice)
        {
            yield return ($"{key}:Name", $"'{name}' is there twice");
        }
        if (!hashed)
        {
            yield return ($"{key}:Hash", $"is no hash; '{verb}' makes one");
        }
    }
}

/// <summary>A user of the pages.</summary>
public sealed class UserSettings
{
    /// <summary>The name at the login.</summary>
    public string Name { get; set; } = "";

    /// <summary>The password's hash, in the format of ASP.NET's PasswordHasher.</summary>
    public string Hash { get; set; } = "";

    /// <summary>What the user may do; <c>admin</c> by default.</summary>
    public Role Role { get; set; } = Role.Admin;
}

/// <summary>A token of a program.</summary>
public sealed class TokenSettings
{
    /// <summary>A name to know it by.</summary>
    public string Name { get; set; } = "";

    /// <summary>The token's SHA-256 in hexadecimal digits.</summary>
    public string Hash { get; set; } = "";

    /// <summary>What it may do; <c>read</c> by default. A list, or separated by commas.</summary>
    public List<Scope> Scope { get; set; } = [Access.Scope.Read];
}
