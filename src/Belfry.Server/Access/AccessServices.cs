using Microsoft.Extensions.DependencyInjection;

namespace Belfry.Server.Access;

/// <summary>Adds the room's services.</summary>
static class AccessServices
{
    public static IServiceCollection AddAccess(this IServiceCollection services, AccessSettings settings)
    {
        services.AddDataProtection();
        services.AddAntiforgery();
        return services.AddSingleton(settings).AddSingleton<Sessions>().AddSingleton<Guard>().AddSingleton<LoginPace>().AddSingleton<LoginEndpoints>();
    }
}
