using Belfry.Storage;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Belfry.Server.Access;

/// <summary>Adds the room's services and routes.</summary>
static class AccessServices
{
    public static IServiceCollection AddAccess(this IServiceCollection services, AccessSettings settings)
    {
        services.AddSingleton(settings).AddSingleton(OpenStore).AddSingleton<AccountBook>();
        services.AddSingleton<AuditTrail>().AddHostedService(provider => provider.GetRequiredService<AuditTrail>());
        services.AddSingleton<ClientAddress>().AddSingleton<Visitors>().AddSingleton<TokenPace>().AddSingleton<ClosingTime>().AddSingleton<Guard>();
        services.AddSingleton<Seals>().AddHostedService(provider => provider.GetRequiredService<Seals>()).AddSingleton<Sessions>().AddSingleton<LoginPace>().AddSingleton<PasswordDesk>();
        return services.AddHostedService<SetupNotice>().AddSingleton<SetupLink>().AddSingleton<LoginEndpoints>().AddSingleton<SetupEndpoints>().AddSingleton<SignOnProvider>().AddSingleton<SignOnEndpoints>();
    }

    public static void MapAccess(this RouteGroupBuilder routes)
    {
        LoginEndpoints.Map(routes);
        SetupEndpoints.Map(routes);
        SignOnEndpoints.Map(routes);
    }

    /// <summary>Like the log itself: whoever asks for it needs it open.</summary>
    static AccessStore OpenStore(IServiceProvider provider)
    {
        RunLog log = provider.GetRequiredService<RunLog>();
        return new AccessStore(log.TablesAsync(AccessStore.Scripts, CancellationToken.None).GetAwaiter().GetResult(), provider.GetRequiredService<TimeProvider>());
    }
}
