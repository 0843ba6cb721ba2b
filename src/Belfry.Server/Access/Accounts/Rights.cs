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

    /// <summary>Take all messages out of a queue.</summary>
    Purge,

    /// <summary>Delete runs from the log.</summary>
    Delete,

    /// <summary>Users, tokens, channels, settings, audit.</summary>
    Administer,
}

/// <summary>What a user may do. The numbers are stored: never change one.</summary>
public enum Role
{
    /// <summary>See.</summary>
    Viewer = 0,

    /// <summary>See, run and manage; purge and delete only if that is given.</summary>
    Operator = 1,

    /// <summary>Everything.</summary>
    Admin = 2,
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

    /// <summary>Manage, purge and delete.</summary>
    Manage,

    /// <summary>Everything.</summary>
    Admin,
}

/// <summary>Which rights a role or a scope carries.</summary>
static class Rights
{
    /// <summary>Of a role, with what was given or taken; null is as the role has it.</summary>
    public static IReadOnlySet<Right> Of(Role role, bool? purge, bool? delete)
    {
        HashSet<Right> rights = role switch
        {
            Role.Viewer => [Right.View],
            Role.Operator => [Right.View, Right.Run, Right.Manage],
            _ => [Right.View, Right.Run, Right.Manage, Right.Purge, Right.Delete, Right.Administer],
        };
        Grant(rights, Right.Purge, purge);
        Grant(rights, Right.Delete, delete);
        return rights;
    }

    public static IReadOnlySet<Right> Of(IEnumerable<Scope> scopes) => scopes.SelectMany(Of).ToHashSet();

    /// <summary>The scope of a token that carries a right, and no more than it must.</summary>
    public static Scope ScopeOf(Right right) => Enum.GetValues<Scope>().First(scope => Of(scope).Contains(right));

    public static IReadOnlySet<Right> All { get; } = Enum.GetValues<Right>().ToHashSet();

    static IEnumerable<Right> Of(Scope scope) => scope switch
    {
        Scope.Read => [Right.View],
        Scope.Write => [Right.Report],
        Scope.Run => [Right.Run],
        Scope.Manage => [Right.Manage, Right.Purge, Right.Delete],
        _ => All,
    };

    static void Grant(HashSet<Right> rights, Right right, bool? given)
    {
        if (given == true)
        {
            rights.Add(right);
        }
        else if (given == false)
        {
            rights.Remove(right);
        }
    }
}
