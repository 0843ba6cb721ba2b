using Belfry.Server.Sources;
using Belfry.Testing;

namespace Belfry.Server.Tests.Workers;

/// <summary>Workers of Debian's Celery: two with processes, of which one scales itself.</summary>
public sealed class WorkerLab : IAsyncLifetime
{
    internal CeleryCluster Cluster { get; private set; } = null!;

    internal string Url => Cluster.Url;

    public async ValueTask InitializeAsync()
    {
        Cluster = await CeleryCluster.StartAsync();
        await Task.WhenAll(
            Cluster.StartWorkerAsync(),
            Cluster.StartWorkerAsync(new CeleryWorkerOptions { Name = "auto@lab", Queues = "other", More = ["--autoscale", "3,1"] }));
    }

    /// <summary>A server that reads this cluster under the name <c>lab</c>, and knows its workers.</summary>
    internal async Task<ServerHost> ServeAsync(bool guarded = true, params string[] workers)
    {
        ServerHost host = await ServerHost.StartAsync(guarded, change: settings => settings.Sources.Add(new SourceSettings { Name = "lab", Broker = Url }));
        foreach (string worker in workers.Length > 0 ? workers : ["w1@lab", "auto@lab"])
        {
            await Eventually.HoldsAsync($"{worker} is known", async () => (await host.Log.Queries.WorkersAsync(ServerHost.Cancel)).Any(one => one.Online && one.Name == worker));
        }
        return host;
    }

    public ValueTask DisposeAsync() => Cluster.DisposeAsync();
}
