namespace Belfry.Server.Access;

/// <summary>What a request may need.</summary>
public enum Right
{
    /// <summary>See log, reports, workers, queues and checks.</summary>
    View,

    /// <summary>Send events; only programs do.</summary>
    Report,

    /// <summary>Call and retry tasks.</summary>
    Run,

    /// <summary>Revoke, control, acknowledge, silence, change checks.</summary>
    Manage,

    /// <summary>Users, tokens, channels, settings, audit.</summary>
    Administer,
}

/// <summary>What a user may do.</summary>
public enum Role
{
    /// <summary>See.</summary>
    Viewer,

    /// <summary>See, run and manage.</summary>
    Operator,

    /// <summary>Everything.</summary>
    Admin,
}

/// <summary>What a token may do.</summary>
public enum Scope
{
    /// <summary>See.</summary>
    Read,

    /// <summary>Send events.</summary>
    Write,

    /// <summary>Run tasks.</summary>
    Run,

    /// <summary>Manage.</summary>
    Manage,

    /// <summary>Everything.</summary>
    Admin,
}

/// <summary>Which rights a role or a scope carries.</summary>
static class Rights
{
    public static IReadOnlySet<Right> Of(Role role) => role switch
    {
        Role.Viewer => new HashSet<Right> { Right.View },
        Role.Operator => new HashSet<Right> { Right.View, Right.Run, Right.Manage },
        _ => All,
    };

    public static IReadOnlySet<Right> Of(IEnumerable<Scope> scopes) => scopes.SelectMany(Of).ToHashSet();

    public static IReadOnlySet<Right> All { get; } = Enum.GetValues<Right>().ToHashSet();

    static IEnumerable<Right> Of(Scope scope) => scope switch
    {
        Scope.Read => [Right.View],
        Scope.Write => [Right.Report],
        Scope.Run => [Right.Run],
        Scope.Manage => [Right.Manage],
        _ => All,
    };
}
