using System.Security.Claims;
using Belfry.Storage;

namespace Belfry.Server.Access;

/// <summary>Who asks.</summary>
/// <param name="Name">The user's or token's name; empty when nobody has to log in.</param>
/// <param name="Rights">What they may do.</param>
/// <param name="Via">How they came: <c>session</c>, <c>token</c>, <c>proxy</c>; empty when nobody has to log in.</param>
/// <param name="Until">When their session ends; null without one.</param>
public sealed record Visitor(string Name, IReadOnlySet<Right> Rights, string Via, Instant? Until = null)
{
    /// <summary>Anybody on this machine, while the demo runs: may look and run.</summary>
    public static Visitor Local { get; } = new("", new HashSet<Right> { Right.View, Right.Run }, "");

    /// <summary>For the audit.</summary>
    public Actor From(string address) => new(Name, Via, address);

    /// <summary>For parts of the framework that ask for a principal: forms belong to whom they were shown to.</summary>
    public ClaimsPrincipal ToPrincipal() =>
        new(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, Via + " " + Name), new Claim(ClaimTypes.Name, Name)], Via.Length == 0 ? null : "Belfry", ClaimTypes.Name, ClaimTypes.Role));
}
