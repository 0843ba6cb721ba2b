using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Mvc;

namespace Belfry.Server.Access;

/// <summary>What an endpoint needs. One without it, and not open to all, answers nobody.</summary>
/// <param name="Right">The right.</param>
/// <param name="For">Who calls it: it decides how a refusal looks, and which proof counts.</param>
sealed record RequiredRight(Right Right, Caller For);

/// <summary>The endpoint answers everybody, on purpose.</summary>
/// <param name="For">Who calls it.</param>
sealed record OpenToAll(Caller For);

/// <summary>What a form there does concerns only who sends it: it goes on while the server is read-only.</summary>
sealed record ChangesNothing;

/// <summary>Who calls an endpoint.</summary>
enum Caller
{
    /// <summary>A person with a browser: proof is the session, forms bear the mark of our own pages, and a refusal leads to the login.</summary>
    Browser,

    /// <summary>A program: proof is a bearer token, for a GET also a session; a refusal is a problem in JSON.</summary>
    Program,
}

/// <summary>States the right that an endpoint needs.</summary>
static class RequiredRights
{
    /// <summary>A page for people with this right.</summary>
    public static T RequireRight<T>(this T endpoints, Right right)
        where T : IEndpointConventionBuilder => endpoints.WithMetadata(new RequiredRight(right, Caller.Browser));

    /// <summary>A route for programs with this right.</summary>
    public static T RequireScope<T>(this T endpoints, Right right)
        where T : IEndpointConventionBuilder => endpoints.WithMetadata(new RequiredRight(right, Caller.Program));

    /// <summary>It takes a form of a few fields; a long one is refused before it is read.</summary>
    /// <param name="endpoints">The endpoints.</param>
    /// <param name="mostBytes">So long it may be.</param>
    public static T WithForm<T>(this T endpoints, int mostBytes = 16 * 1024)
        where T : IEndpointConventionBuilder => endpoints.WithMetadata(new RequestSizeLimitAttribute(mostBytes));

    /// <summary>A page or route for everybody; also for an application that otherwise lets nobody in.</summary>
    public static T OpenTo<T>(this T endpoints, Caller caller)
        where T : IEndpointConventionBuilder => endpoints.AllowAnonymous().WithMetadata(new OpenToAll(caller));
}
