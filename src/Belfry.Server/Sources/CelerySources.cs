using Belfry.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Sources;

/// <summary>Adds Celery clusters to a server.</summary>
public static class CelerySources
{
    /// <summary>How long an offline worker may be silent before its runs are lost: 60 s, unless <c>LostAfter</c> says otherwise.</summary>
    public static readonly TimeSpan DefaultLostAfter = TimeSpan.FromSeconds(60);

    /// <summary>Listens to each of these clusters while the host runs. Needs <see cref="RunLog"/>, <see cref="TimeProvider"/> and logging among the services.</summary>
    /// <param name="services">The services.</param>
    /// <param name="sources">The clusters; valid ones (<see cref="SourceSettings.Problems(IReadOnlyList{SourceSettings})"/>).</param>
    /// <param name="lostAfter">See <see cref="DefaultLostAfter"/>.</param>
    public static IServiceCollection AddCelerySources(this IServiceCollection services, IEnumerable<SourceSettings> sources, TimeSpan lostAfter)
    {
        foreach (SourceSettings source in sources)
        {
            services.AddSingleton<IHostedService>(provider => new CelerySource(
                source, provider.GetService<Clusters>()?.Find(source.Name) ?? new Cluster(source, provider.GetRequiredService<TimeProvider>()), lostAfter, provider.GetRequiredService<RunLog>(), provider.GetRequiredService<TimeProvider>(), Random.Shared,
                provider.GetRequiredService<ILoggerFactory>(), provider.GetService<IHostApplicationLifetime>()?.ApplicationStarted ?? default));
        }
        return services;
    }
}
