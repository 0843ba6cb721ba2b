using Belfry.Server.Sources;
using Belfry.Testing;

namespace Belfry.Celery.Tests.Sources;

public sealed class ClustersTests(SharedRabbit shared)
{
    [Fact]
    public void Whoever_needs_a_cluster_first_all_get_the_same_connections()
    {
        const int threads = 8;
        for (int round = 0; round < 200; round++)
        {
            var cluster = new Cluster(new SourceSettings { Name = "lab", Broker = "amqp://localhost//", ResultBackend = "rpc://" }, TimeProvider.System);
            using var start = new Barrier(threads);
            object?[] queues = new object?[threads], results = new object?[threads];
            Thread[] all = [.. Enumerable.Range(0, threads).Select(number => new Thread(() =>
            {
                start.SignalAndWait();
                (queues[number], results[number]) = (cluster.Queues, cluster.LikelyResults);
            }))];
            Array.ForEach(all, thread => thread.Start());
            Array.ForEach(all, thread => thread.Join());
            Assert.Single(queues.Distinct());
            Assert.Single(results.Distinct());
        }
    }

    [Fact]
    public async Task Connections_end_with_the_clusters()
    {
        var clusters = new Clusters([new SourceSettings { Name = "lab", Broker = (await shared.ServerAsync()).NewUrl(), ResultBackend = "rpc://" }, new SourceSettings { Name = "unused", Broker = "redis://localhost" }], TimeProvider.System);
        Cluster cluster = clusters.All[0];
        await cluster.Queues.ReadAsync(["celery"], TestContext.Current.CancellationToken);
        await cluster.Results!.ReplyToAsync(TestContext.Current.CancellationToken);
        await clusters.DisposeAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => cluster.Queues.ReadAsync(["celery"], TestContext.Current.CancellationToken));
        await Assert.ThrowsAnyAsync<Exception>(() => cluster.Results!.ReplyToAsync(TestContext.Current.CancellationToken));
    }
}
