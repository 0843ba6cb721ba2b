using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Belfry.Server;

/// <summary>Puts Belfry's server into an application.</summary>
public static class BelfryServer
{
    /// <summary>Adds what the server needs.</summary>
    public static IServiceCollection AddBelfryServer(this IServiceCollection services, BelfrySettings settings)
    {
        services.AddSingleton(settings);
        return services;
    }

    /// <summary>Adds its pages, its API and its health to the routes.</summary>
    /// <param name="routes">The application's routes.</param>
    /// <param name="path">Under which path; at the root by default.</param>
    public static IEndpointRouteBuilder MapBelfry(this IEndpointRouteBuilder routes, string path = "")
    {
        RouteGroupBuilder group = routes.MapGroup(path);
        group.MapGet("/health/live", () => Results.NoContent());
        return routes;
    }
}
