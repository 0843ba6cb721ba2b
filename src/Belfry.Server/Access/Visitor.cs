using System.Security.Claims;

namespace Belfry.Server.Access;

/// <summary>Who asks.</summary>
/// <param name="Name">The user's or token's name; empty when nobody has to log in.</param>
/// <param name="Rights">What they may do.</param>
/// <param name="HasSession">They came with a session, so a browser sends it along with every request, wanted or not.</param>
sealed record Visitor(string Name, IReadOnlySet<Right> Rights, bool HasSession)
{
    /// <summary>Anybody on this machine, while nobody is set up: may look and run.</summary>
    public static Visitor Local { get; } = new("", new HashSet<Right> { Right.View, Right.Run }, HasSession: false);

    /// <summary>For parts of the framework that ask for a principal.</summary>
    public ClaimsPrincipal ToPrincipal() => new(new ClaimsIdentity([new Claim(ClaimTypes.Name, Name)], "Belfry", ClaimTypes.Name, ClaimTypes.Role));
}
