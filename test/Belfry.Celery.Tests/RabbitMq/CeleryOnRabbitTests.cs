using Belfry.Testing;
using Lab = Belfry.Testing.CeleryCluster;

namespace Belfry.Celery.Tests.RabbitMq;

public sealed class CeleryOnRabbitTests(SharedRabbit shared)
{
    [Fact]
    public async Task A_worker_of_Debian_runs_tasks_over_RabbitMQ()
    {
        await using Lab cluster = Lab.StartOn((await shared.ServerAsync()).NewUrl());
        CeleryWorker worker = await cluster.StartWorkerAsync();
        string id = await cluster.SendAsync("lab.add", [1, 2]);
        await Eventually.HoldsAsync("its success", () => worker.Log.Contains($"lab.add[{id}] succeeded", StringComparison.Ordinal));
        Assert.Contains("pong", (await cluster.ControlAsync("ping")).ToJsonString(), StringComparison.Ordinal);
    }
}
