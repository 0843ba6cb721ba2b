using Belfry.Celery.Calling;
using Belfry.Celery.Control;
using Belfry.Celery.Queues;
using Belfry.Celery.RabbitMq;
using Belfry.Celery.Tests.Events;
using Belfry.Testing;
using RabbitMQ.Client;

namespace Belfry.Celery.Tests.RabbitMq;

/// <summary>A RabbitMQ that is short of memory: it takes no messages, says so only to those who publish, and reads no more from them.</summary>
public sealed class AlarmTests : IAsyncLifetime
{
    RabbitServer _rabbit = null!;
    RedisServer _redis = null!;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => (_rabbit, _redis) = (await RabbitServer.StartAsync("vm_memory_high_watermark.absolute = 1MB"), await RedisServer.StartAsync());

    [Fact]
    [Trait("row", "74")]
    [Trait("row", "80")]
    public async Task It_gets_nothing_and_whoever_calls_or_moves_is_told_why()
    {
        var cluster = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(_rabbit.Url) };
        await using (var connection = new RabbitConnection(cluster.Broker, "tests", TimeSpan.FromSeconds(10)))
        {
            await connection.UseAsync(channel => channel.QueueDeclareAsync("celery", durable: true, exclusive: false, autoDelete: false, cancellationToken: Cancel), Cancel);
        }
        await using IBrokerQueues queues = BrokerQueues.Of(cluster, TimeProvider.System), redis = BrokerQueues.Of(new CeleryCluster { Source = "old", Broker = BrokerUrl.Parse(_redis.Url) }, TimeProvider.System);
        var control = new RemoteControl(cluster, TimeProvider.System);
        var caller = new TaskCaller(cluster, queues, control);
        var call = new TaskCall { Id = $"{Guid.NewGuid()}", Task = "lab.add", Args = "[1, 2]", Kwargs = "{}" };

        Assert.EndsWith("takes no messages now: it is low on memory. Nothing was sent.", (await Assert.ThrowsAsync<RabbitException>(() => caller.CallAsync(call, Cancel))).Message, StringComparison.Ordinal);
        await _redis.AskAsync(["LPUSH", "celery", .. Enumerable.Range(0, 3).Select(number => MadeUpMessage.Of(number, "lab.add"))]);
        await Assert.ThrowsAsync<RabbitException>(() => QueueMove.RunAsync(redis, "celery", queues, "celery", null, Cancel));
        Assert.Equal("3", await _redis.AskAsync("LLEN", "celery"));
        RabbitException unheard = await Assert.ThrowsAsync<RabbitException>(() => control.AskAsync("ping", null, [], TimeSpan.FromSeconds(5), [], Cancel));
        Assert.EndsWith("it is low on memory. No worker hears of it.", unheard.Message, StringComparison.Ordinal);
        Assert.Equal(0, (await queues.ReadAsync(["celery"], Cancel))[0].Length); // which is told meanwhile

        await _rabbit.TellAsync("set_vm_memory_high_watermark", "absolute", "2GB");
        await Eventually.HoldsAsync("it takes messages again", async () =>
        {
            try
            {
                await caller.CallAsync(call, Cancel);
                return true;
            }
            catch (RabbitException)
            {
                return false;
            }
        });
        await Eventually.HoldsAsync("this one and no other", async () => (await queues.ReadAsync(["celery"], Cancel))[0].Length == 1);
    }

    [Fact]
    public async Task Whoever_only_listens_is_told_as_well_hears_on_and_is_told_when_it_is_over()
    {
        var cluster = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(_rabbit.Url) };
        Assert.Equal("low on memory", (await BrokerProbe.AskAsync(cluster, TimeSpan.FromSeconds(10), TimeProvider.System, Cancel)).Alarm);
        await using Listener listener = await Listener.StartAsync(cluster);
        await Eventually.HoldsAsync("it is listened to", () => Task.FromResult(listener.Status is { Listening: true, Problem: not null }));
        Assert.Contains("takes no messages now: it is low on memory. Workers send no events", listener.Status.Problem, StringComparison.Ordinal);

        await _rabbit.TellAsync("set_vm_memory_high_watermark", "absolute", "2GB");
        await Eventually.HoldsAsync("it takes messages again", () => Task.FromResult(listener.Status is { Listening: true, Problem: null }));
        Assert.Null((await BrokerProbe.AskAsync(cluster, TimeSpan.FromSeconds(10), TimeProvider.System, Cancel)).Alarm);
    }

    public async ValueTask DisposeAsync()
    {
        await _rabbit.DisposeAsync();
        await _redis.DisposeAsync();
    }
}
