using Belfry.Storage;

namespace Belfry.Server.Access;

/// <summary>A person who may log in.</summary>
public sealed record Account
{
    /// <summary>Longest name.</summary>
    public const int LongestName = 100;

    /// <summary>The name at the login.</summary>
    public required string Name { get; init; }

    /// <summary>The password's hash; null where there is none.</summary>
    public string? Hash { get; init; }

    /// <summary>What they may do.</summary>
    public required Role Role { get; init; }

    /// <summary>Where mail reaches them.</summary>
    public string? Email { get; init; }

    /// <summary>May purge queues: given, taken, or as the role has it.</summary>
    public bool? Purge { get; init; }

    /// <summary>May delete runs: given, taken, or as the role has it.</summary>
    public bool? Delete { get; init; }

    /// <summary>May not log in for now; sessions rest meanwhile.</summary>
    public bool Disabled { get; init; }

    /// <summary>Sessions that bear another are over.</summary>
    public required string Stamp { get; init; }

    /// <summary>Where it comes from.</summary>
    public AccountOrigin Origin { get; init; }

    /// <summary>Who that is at the single sign-on.</summary>
    public string? Subject { get; init; }

    /// <summary>When it was made.</summary>
    public Instant Made { get; init; }

    /// <summary>What they may do, with what was given and taken.</summary>
    public IReadOnlySet<Right> Rights => Access.Rights.Of(Role, Purge, Delete);

    /// <summary>What is wrong with a name; null when nothing is.</summary>
    public static string? ProblemOf(string name) =>
        name.Trim().Length == 0 ? "a name is needed"
        : name.Length > LongestName ? $"a name has {LongestName} characters at most"
        : name != name.Trim() || name.Any(char.IsControl) ? "a name has no blanks at its ends and no control characters"
        : null;
}

/// <summary>Where an account comes from. The numbers are stored: never change one.</summary>
public enum AccountOrigin
{
    /// <summary>Made here, with a password.</summary>
    Password = 0,

    /// <summary>Made here for somebody who comes by single sign-on: the first who comes under that name has it.</summary>
    Invited = 1,

    /// <summary>Made when somebody came by single sign-on.</summary>
    SignOn = 2,
}

/// <summary>What a program shows for proof.</summary>
public sealed record AccessToken
{
    /// <summary>A name to know it by.</summary>
    public required string Name { get; init; }

    /// <summary>The token's SHA-256 in hexadecimal digits.</summary>
    public required string Hash { get; init; }

    /// <summary>What it may do.</summary>
    public required IReadOnlyList<Scope> Scopes { get; init; }

    /// <summary>When it was made.</summary>
    public Instant Made { get; init; }

    /// <summary>By whom.</summary>
    public string MadeBy { get; init; } = "";

    /// <summary>When it ends; never when null.</summary>
    public Instant? Expires { get; init; }

    /// <summary>When it was last used, to the minute.</summary>
    public Instant? Used { get; init; }

    /// <summary>Its time is over.</summary>
    public bool IsOver(Instant now) => Expires is { } end && end <= now;
}
