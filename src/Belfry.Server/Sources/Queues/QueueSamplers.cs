using Belfry.Storage;
using Belfry.Storage.Payloads;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Sources.Queues;

/// <summary>Has the queues of clusters, and what their workers tell, measured while the host runs, each by one of the servers on the store.</summary>
static class QueueSamplers
{
    /// <summary>Adds one for each cluster.</summary>
    public static IServiceCollection AddQueueSamplers(this IServiceCollection services, IEnumerable<SourceSettings> sources)
    {
        foreach (SourceSettings source in sources)
        {
            services.AddSingleton<IHostedService>(provider => new Sampling(
                provider.GetRequiredService<Clusters>().Find(source.Name)!, provider.GetRequiredService<RunLog>(), provider.GetRequiredService<SecretMask>(), provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILoggerFactory>(), provider.GetService<IHostApplicationLifetime>()?.ApplicationStarted ?? default));
        }
        return services;
    }

    sealed class Sampling(Cluster cluster, RunLog log, SecretMask mask, TimeProvider clock, ILoggerFactory loggers, CancellationToken started) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Task.Yield();
            if (started.CanBeCanceled)
            {
                using var either = CancellationTokenSource.CreateLinkedTokenSource(started, stoppingToken);
                await Task.Delay(Timeout.InfiniteTimeSpan, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            var sampler = new QueueSampler(cluster, log, clock, loggers.CreateLogger<QueueSampler>());
            var facts = new FactSampler(cluster, log, mask, clock, loggers.CreateLogger<FactSampler>());
            // Not the lease of the source: a server that is busy reading one may leave the measuring to another.
            await log.LeaseOf($"queues {cluster.Name}").WhileHeldAsync(stop => Task.WhenAll(sampler.RunAsync(stop), facts.RunAsync(stop)), _ => { }, stoppingToken);
        }
    }
}
