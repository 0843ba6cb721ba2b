using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>The lab itself: when these fail, the others prove nothing.</summary>
public sealed class LabTests
{
    [Fact]
    public async Task A_task_that_is_sent_is_run_by_a_worker_of_its_queue()
    {
        await using CeleryCluster cluster = await CeleryCluster.StartAsync();
        await using CeleryWorker worker = await cluster.StartWorkerAsync(new CeleryWorkerOptions { Queues = "second", Pool = "solo" });

        string id = await cluster.SendAsync("lab.add", [2, 3], new { queue = "second" });

        await Eventually.HoldsAsync("the worker's log names the run", () => worker.Log.Contains($"lab.add[{id}] succeeded", StringComparison.Ordinal));
        Assert.Equal("w1@lab", (await cluster.ControlAsync("ping"))[0]!.AsObject().Single().Key);
    }

    [Fact]
    public async Task A_worker_that_is_killed_is_gone_with_its_pool()
    {
        await using CeleryCluster cluster = await CeleryCluster.StartAsync();
        await using CeleryWorker worker = await cluster.StartWorkerAsync();

        await worker.KillAsync();

        Assert.Empty((await cluster.ControlAsync("ping")).AsArray());
    }

    [Theory]
    [InlineData(SinkTls.None)]
    [InlineData(SinkTls.StartTls)]
    [InlineData(SinkTls.Implicit)]
    public async Task The_mail_server_starts_with_and_without_tls(SinkTls tls)
    {
        await using SmtpSink sink = await SmtpSink.StartAsync(tls, "bell", "secret");

        Assert.NotEqual(0, sink.Port);
        Assert.Empty(sink.Mails);
    }

    [Fact]
    public async Task A_redis_server_that_was_stopped_comes_back_on_its_port()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await redis.AskAsync("SET", "a", "b");
        await redis.StopAsync();
        await redis.StartAgainAsync();

        Assert.Equal("0", await redis.AskAsync("EXISTS", "a"));
        Assert.Equal(0, await redis.PublishAsync("nobody", [0xff, 0x00]));
    }
}
