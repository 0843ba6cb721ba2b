using System.Text.Json.Nodes;
using Belfry.Celery.Calling;
using Belfry.Celery.Control;
using Belfry.Celery.Queues;
using Belfry.Celery.Results;
using Belfry.Testing;
using Lab = Belfry.Testing.CeleryCluster;

namespace Belfry.Celery.Tests.Calling;

/// <summary>The same over RabbitMQ, with results over RPC.</summary>
public sealed class RabbitCallTests(SharedRabbit shared)
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Debians_Celery_runs_what_we_call_and_sends_us_the_result()
    {
        await using Lab lab = Lab.StartOn((await shared.ServerAsync()).NewUrl(), "rpc://");
        var cluster = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(lab.Url), ResultBackend = "rpc://" };
        await using var results = (RpcResults)ResultBackends.Of(cluster, TimeProvider.System)!;
        await using IBrokerQueues queues = BrokerQueues.Of(cluster, TimeProvider.System);
        var caller = new TaskCaller(cluster, queues, new RemoteControl(cluster, TimeProvider.System), results);

        // No worker ever made the queue: a message for it would be lost without a word.
        BrokerException unroutable = await Assert.ThrowsAnyAsync<BrokerException>(() => caller.CallAsync(new TaskCall { Task = "lab.ok" }, Cancel));
        Assert.Contains("has no queue 'celery'", unroutable.Message, StringComparison.Ordinal);

        await lab.StartWorkerAsync();
        Assert.True((await caller.AskAsync("lab.echo", ["w1@lab"], Cancel)).IsKnown);
        var call = new TaskCall
        {
            Task = "lab.echo", Args = $$"""["ünïcode ✗", "{{new string('x', 1024 * 1024)}}"]""", Kwargs = """{"n": null}""", Priority = 7, Parent = "the-parent",
            Headers = new Dictionary<string, string> { ["tenant"] = "acme" },
        };
        JsonNode echo = JsonNode.Parse((await CalledAsync(call)).Result!)!;
        Assert.Equal(("ünïcode ✗", 1024 * 1024, 7, "the-parent", "acme"), ((string?)echo["args"]![0], ((string)echo["args"]![1]!).Length, (int)echo["priority"]!, (string?)echo["parent"], (string?)echo["tenant"]));
        ResultRecord failed = await CalledAsync(new TaskCall { Task = "lab.fail" });
        Assert.Equal(("FAILURE", "ValueError('boom')"), (failed.Status, failed.Exception));
        Instant now = Instant.Now(TimeProvider.System);
        ResultRecord late = await CalledAsync(new TaskCall { Task = "lab.ok", Eta = now + TimeSpan.FromSeconds(1) });
        Assert.Equal("\"fine\"", late.Result);
        Assert.True(Instant.Now(TimeProvider.System) > now + TimeSpan.FromSeconds(1));
        ResultRecord expired = await CalledAsync(new TaskCall { Task = "lab.ok", Eta = now + TimeSpan.FromSeconds(4), Expires = now + TimeSpan.FromSeconds(1) });
        Assert.Equal(("REVOKED", "TaskRevokedError('expired')"), (expired.Status, expired.Exception));
        Assert.Null(await results.WaitAsync("of somebody else", TimeSpan.FromMilliseconds(50), Cancel));

        async Task<ResultRecord> CalledAsync(TaskCall call)
        {
            await caller.CallAsync(call, Cancel);
            ResultRecord? record = await results.WaitAsync(call.Id, TimeSpan.FromSeconds(30), Cancel);
            Assert.True(record?.IsFinal == true, $"{call.Task}: {record}");
            return record!;
        }
    }

    [Fact]
    public async Task What_Celery_sends_is_read_as_it_meant_it()
    {
        await using Lab lab = Lab.StartOn((await shared.ServerAsync()).NewUrl());
        var cluster = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(lab.Url) };
        await using IBrokerQueues queues = BrokerQueues.Of(cluster, TimeProvider.System);
        await lab.EvaluateAsync("chain(echo.s('ünïcode ✗', n=1).set(priority=3, countdown=60, expires=120), add.s(10))().id");
        QueuedMessage queued = Assert.Single(await queues.PeekAsync("celery", 0, 10, Cancel));
        Assert.Equal(("lab.echo", """["\u00fcn\u00efcode \u2717"]""", """{"n": 1}""", 3, null), (queued.Message.Task, queued.Message.Args, queued.Message.Kwargs, queued.Message.Priority, queued.Message.Problem));
        Assert.Equal("lab.add", (string?)JsonNode.Parse(queued.Message.Embed!)!["chain"]![0]!["task"]);
        Assert.InRange((queued.Message.Expires!.Value - queued.Message.Eta!.Value).TotalSeconds, 59, 61);
    }
}
