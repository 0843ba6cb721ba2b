using System.Text.Json.Nodes;
using Belfry.Celery.Calling;
using Belfry.Celery.Control;
using Belfry.Celery.Queues;
using Belfry.Celery.RabbitMq;
using Belfry.Celery.Results;
using Belfry.Testing;
using RabbitMQ.Client;
using Lab = Belfry.Testing.CeleryCluster;

namespace Belfry.Celery.Tests.Queues;

/// <summary>A worker of Debian's Celery on a quorum queue of RabbitMQ, with results over RPC.</summary>
public sealed class QuorumQueueTests(SharedRabbit shared)
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_worker_on_a_quorum_queue_runs_what_we_call_and_sends_us_the_result_and_its_messages_are_seen_moved_and_purged()
    {
        await using Lab lab = Lab.StartOn((await shared.ServerAsync()).NewUrl(), "rpc://", new Dictionary<string, string?> { ["LAB_QUORUM"] = "1" });
        var cluster = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(lab.Url), ResultBackend = "rpc://" };
        await using var results = (RpcResults)ResultBackends.Of(cluster, TimeProvider.System)!;
        await using IBrokerQueues queues = BrokerQueues.Of(cluster, TimeProvider.System);
        var control = new RemoteControl(cluster, TimeProvider.System);
        var caller = new TaskCaller(cluster, queues, control, results);

        // No worker ever made the queue: a message for it would be lost without a word.
        BrokerException unroutable = await Assert.ThrowsAnyAsync<BrokerException>(() => caller.CallAsync(new TaskCall { Task = "lab.ok" }, Cancel));
        Assert.Contains("has no queue 'celery'", unroutable.Message, StringComparison.Ordinal);

        await lab.StartWorkerAsync();
        await using var connection = new RabbitConnection(cluster.Broker, "tests", TimeSpan.FromSeconds(10));
        RabbitException other = await Assert.ThrowsAsync<RabbitException>(() => connection.UseAsync(
            channel => channel.QueueDeclareAsync("celery", durable: true, exclusive: false, autoDelete: false, cancellationToken: Cancel), Cancel));
        Assert.Contains("'quorum'", other.Message, StringComparison.Ordinal);

        var call = new TaskCall { Task = "lab.echo", Args = $$"""["ünïcode ✗", "{{new string('x', 1024 * 1024)}}"]""", Parent = "the-parent", Headers = new Dictionary<string, string> { ["tenant"] = "acme" } };
        JsonNode echo = JsonNode.Parse((await CalledAsync(call)).Result!)!;
        Assert.Equal(("ünïcode ✗", 1024 * 1024, "the-parent", "acme"), ((string?)echo["args"]![0], ((string)echo["args"]![1]!).Length, (string?)echo["parent"], (string?)echo["tenant"]));
        ResultRecord failed = await CalledAsync(new TaskCall { Task = "lab.fail" });
        Assert.Equal(("FAILURE", "ValueError('boom')"), (failed.Status, failed.Exception));
        Assert.Null(await results.WaitAsync("of somebody else", TimeSpan.FromMilliseconds(50), Cancel));

        await lab.ControlAsync("cancel_consumer", new { queue = "celery" });
        await connection.UseAsync(
            channel => channel.QueueDeclareAsync("spare", durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }, cancellationToken: Cancel), Cancel);
        TaskCall[] waiting = [.. Enumerable.Range(0, 3).Select(n => new TaskCall { Task = "lab.add", Args = $"[{n}, 1]" })];
        foreach (TaskCall one in waiting)
        {
            await caller.CallAsync(one, Cancel);
        }
        await WaitAsync("celery", 3);
        Assert.Equal(waiting.Select(one => one.Id), (await queues.PeekAsync("celery", 0, 10, Cancel)).Select(queued => queued.Message.Id));
        await WaitAsync("celery", 3);
        Assert.Equal(3, await QueueMove.RunAsync(queues, "celery", queues, "spare", null, Cancel));
        await WaitAsync("spare", 3);
        Assert.Equal(3, await QueueMove.RunAsync(queues, "spare", queues, "celery", null, Cancel));
        await lab.ControlAsync("add_consumer", new { queue = "celery" });
        string[] sums = await Task.WhenAll(waiting.Select(async one => (await results.WaitAsync(one.Id, TimeSpan.FromSeconds(30), Cancel))?.Result ?? "none"));
        Assert.Equal(["1", "2", "3"], sums);
        await queues.PutAsync("spare", [waiting[0].ToMessage()], Cancel);
        await WaitAsync("spare", 1);
        Assert.Equal(1, await queues.PurgeAsync("spare", Cancel));

        Task WaitAsync(string queue, long length) => Eventually.HoldsAsync($"{queue} has {length}", async () => (await queues.ReadAsync([queue], Cancel))[0].Length == length);

        async Task<ResultRecord> CalledAsync(TaskCall call)
        {
            await caller.CallAsync(call, Cancel);
            ResultRecord? record = await results.WaitAsync(call.Id, TimeSpan.FromSeconds(30), Cancel);
            Assert.True(record?.IsFinal == true, $"{call.Task}: {record}");
            return record!;
        }
    }

    [Fact]
    public async Task A_queue_that_takes_no_more_says_so_and_is_not_taken_for_one_that_is_not_there()
    {
        var cluster = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse((await shared.ServerAsync()).NewUrl()) };
        await using var connection = new RabbitConnection(cluster.Broker, "tests", TimeSpan.FromSeconds(10));
        var full = new Dictionary<string, object?> { ["x-max-length"] = 1, ["x-overflow"] = "reject-publish" };
        await connection.UseAsync(channel => channel.QueueDeclareAsync("full", durable: true, exclusive: false, autoDelete: false, full, cancellationToken: Cancel), Cancel);
        await using IBrokerQueues queues = BrokerQueues.Of(cluster, TimeProvider.System);
        var caller = new TaskCaller(cluster, queues, new RemoteControl(cluster, TimeProvider.System));
        await caller.CallAsync(new TaskCall { Task = "t", Queue = "full" }, Cancel);
        BrokerException refused = await Assert.ThrowsAnyAsync<BrokerException>(async () =>
        {
            // Its length is counted a moment later, so the second one may still pass.
            for (int i = 0; i < 100; i++)
            {
                await caller.CallAsync(new TaskCall { Task = "t", Queue = "full" }, Cancel);
            }
        });
        Assert.Contains("refused a message: a queue may take no more", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_that_AMQP_cannot_say_are_refused_and_nothing_else_suffers()
    {
        var cluster = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse((await shared.ServerAsync()).NewUrl()) };
        await using IBrokerQueues queues = BrokerQueues.Of(cluster, TimeProvider.System);
        var caller = new TaskCaller(cluster, queues, new RemoteControl(cluster, TimeProvider.System));
        string name = new('✗', 100);
        Assert.Contains("has no queue", (await Assert.ThrowsAnyAsync<BrokerException>(() => caller.CallAsync(new TaskCall { Task = "t", Queue = name }, Cancel))).Message, StringComparison.Ordinal);
        Assert.Contains("no queue is bound", (await Assert.ThrowsAnyAsync<BrokerException>(() => caller.CallAsync(new TaskCall { Task = "t", Exchange = "celeryev", RoutingKey = name }, Cancel))).Message, StringComparison.Ordinal);
        var odd = new Dictionary<string, string> { [name] = "x" };
        Assert.Contains("a header", (await Assert.ThrowsAnyAsync<BrokerException>(() => caller.CallAsync(new TaskCall { Task = "t", Headers = odd }, Cancel))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<BrokerException>(() => queues.PeekAsync(name, 0, 10, Cancel));
        await Assert.ThrowsAnyAsync<BrokerException>(() => queues.PurgeAsync(name, Cancel));
        await Assert.ThrowsAnyAsync<BrokerException>(() => queues.TakeAsync(name, Cancel));
        Assert.Null((await queues.ReadAsync([name, "celery"], Cancel))[0].Length);
    }
}
