using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>A cluster of two workers, with a queue each, and a Belfry that watches it: started once for all tests of a class.</summary>
public sealed class ClusterUnderWatch : IAsyncLifetime
{
    internal CeleryCluster Cluster { get; private set; } = null!;

    internal Watched Belfry { get; private set; } = null!;

    internal LogReader Log => Belfry.Log;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        Cluster = await CeleryCluster.StartAsync();
        Belfry = await Watched.StartAsync(Cluster.Url);
        await Belfry.ListensAsync(Cluster.Redis);
        await Task.WhenAll(
            Cluster.StartWorkerAsync(new CeleryWorkerOptions { Name = "w1@lab", Concurrency = 2 }),
            Cluster.StartWorkerAsync(new CeleryWorkerOptions { Name = "w2@lab", Queues = "second", Pool = "solo" }));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Belfry.DisposeAsync();
        await Cluster.DisposeAsync();
    }
}
