using Belfry.Celery.Control;
using Belfry.Celery.Queues;
using Belfry.Celery.RabbitMq;
using Belfry.Celery.Reconciling;
using Belfry.Server.Sources;
using Belfry.Server.Sources.Queues;
using Belfry.Storage;
using Belfry.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;

namespace Belfry.Celery.Tests.Queues;

/// <summary>Queues on a real RabbitMQ, with messages that Celery's own client sent.</summary>
public sealed class RabbitQueuesTests(SharedRabbit shared) : IAsyncLifetime
{
    Belfry.Testing.CeleryCluster _lab = null!;
    IBrokerQueues _queues = null!;
    string _url = "";

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _url = (await shared.ServerAsync()).NewUrl();
        _lab = Belfry.Testing.CeleryCluster.StartOn(_url);
        _queues = QueuesAt(_url);
    }

    [Fact]
    public async Task Lengths_and_consumers_are_told_and_a_queue_that_is_not_there_is_told_apart()
    {
        await SendAsync(3, "celery");
        await SendAsync(1, "mail");
        await Eventually.HoldsAsync("they are there", async () => (await _queues.ReadAsync(["celery"], Cancel))[0].Length == 3);
        QueueStanding[] standing = [.. await _queues.ReadAsync(["celery", "none", "mail"], Cancel)];
        Assert.Equal([3, null, 1], standing.Select(queue => queue.Length));
        Assert.Equal([0, null, 0], standing.Select(queue => queue.Consumers));
        await using CeleryWorker worker = await _lab.StartWorkerAsync(new() { Queues = "celery" });
        await Eventually.HoldsAsync("a worker took them", async () => (await _queues.ReadAsync(["celery"], Cancel))[0] is { Length: 0, Consumers: 1 });
    }

    [Fact]
    public async Task A_look_shows_messages_in_order_and_leaves_them_there()
    {
        string[] ids = await SendAsync(5, "celery");
        await WaitAsync("celery", 5);
        IReadOnlyList<QueuedMessage> all = await _queues.PeekAsync("celery", 0, 100, Cancel);
        Assert.Equal(ids, all.Select(message => message.Message.Id));
        Assert.Equal(("lab.add", "[0, 1]", 0), (all[0].Message.Task, all[0].Message.Args, all[0].Position));
        Assert.Equal([ids[2], ids[3]], (await _queues.PeekAsync("celery", 2, 2, Cancel)).Select(message => message.Message.Id));
        await WaitAsync("celery", 5);
        Assert.Equal(ids, (await _queues.PeekAsync("celery", 0, 100, Cancel)).Select(message => message.Message.Id));
        Assert.NotNull(_queues.PeekWarning);
    }

    [Fact]
    public async Task Quorum_queues_and_queues_with_priorities_are_looked_into_and_purged()
    {
        await using (var connection = new RabbitConnection(BrokerUrl.Parse(_url), "tests", TimeSpan.FromSeconds(10)))
        {
            await connection.UseAsync(
                async channel =>
                {
                    await channel.QueueDeclareAsync("solid", durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }, cancellationToken: Cancel);
                    await channel.QueueDeclareAsync("urgent", durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-max-priority"] = 10 }, cancellationToken: Cancel);
                    return 0;
                },
                Cancel);
        }
        RawMessage one = Message("one", 0), two = Message("two", 9);
        foreach (string queue in (string[])["solid", "urgent"])
        {
            await _queues.PutAsync(queue, [one, two], Cancel);
            await WaitAsync(queue, 2);
        }
        Assert.Equal(["one", "two"], (await _queues.PeekAsync("solid", 0, 10, Cancel)).Select(message => message.Message.Id));
        Assert.Equal(["two", "one"], (await _queues.PeekAsync("urgent", 0, 10, Cancel)).Select(message => message.Message.Id)); // higher is sooner here
        await WaitAsync("solid", 2);
        Assert.Equal(2, await _queues.PurgeAsync("solid", Cancel));
        await WaitAsync("urgent", 2);
        Assert.Equal(2, await _queues.PurgeAsync("urgent", Cancel));
    }

    [Fact]
    public async Task Messages_move_between_queues_and_between_brokers_and_Celery_runs_them()
    {
        string[] ids = await SendAsync(150, "celery");
        await WaitAsync("celery", 150);
        await Assert.ThrowsAsync<RabbitException>(() => QueueMove.RunAsync(_queues, "celery", _queues, "nowhere", null, Cancel));
        await WaitAsync("celery", 150); // none is lost by that
        await using Belfry.Testing.CeleryCluster there = await Belfry.Testing.CeleryCluster.StartAsync();
        IBrokerQueues redis = BrokerQueues.Of(new() { Source = "there", Broker = BrokerUrl.Parse(there.Url) }, TimeProvider.System);
        Assert.Equal(150, await QueueMove.RunAsync(_queues, "celery", redis, "celery", null, Cancel));
        Assert.Equal(ids.Order(StringComparer.Ordinal), (await redis.PeekAsync("celery", 0, 1000, Cancel)).Select(message => message.Message.Id).Order(StringComparer.Ordinal));
        Assert.All(await redis.PeekAsync("celery", 0, 1000, Cancel), message => Assert.Equal((null, "lab.add", 2), (message.Message.Problem, message.Message.Task, message.Message.Protocol)));

        await SendAsync(1, "mail");
        await WaitAsync("mail", 1);
        Assert.Equal(150, await QueueMove.RunAsync(redis, "celery", _queues, "mail", null, Cancel));
        await WaitAsync("mail", 151);
        await using CeleryWorker worker = await _lab.StartWorkerAsync(new() { Queues = "mail" });
        string counted = (string)(await _lab.EvaluateAsync("echo.apply_async((), retries=2, queue='aside').id"))!;
        await WaitAsync("aside", 1);
        Assert.Equal(1, await QueueMove.RunAsync(_queues, "aside", redis, "aside", null, Cancel));
        Assert.Equal(1, await QueueMove.RunAsync(redis, "aside", _queues, "mail", null, Cancel));
        await Eventually.HoldsAsync("a count is a whole number still", () => worker.Log.Contains($"lab.echo[{counted}] succeeded", StringComparison.Ordinal) && worker.Log.Contains("'retries': 2,", StringComparison.Ordinal), TimeSpan.FromSeconds(60));
        await Eventually.HoldsAsync("all ran", () => ids.All(id => worker.Log.Contains($"lab.add[{id}] succeeded", StringComparison.Ordinal)), TimeSpan.FromSeconds(60));
    }

    [Fact]
    [Trait("row", "116")]
    public async Task Chosen_messages_are_revoked_after_a_look_and_workers_drop_them()
    {
        await using CeleryWorker worker = await _lab.StartWorkerAsync(new() { Queues = "other" });
        string[] adds = await SendAsync(3, "celery");
        string kept = await _lab.SendAsync("lab.ok", [], new { queue = "celery" });
        await WaitAsync("celery", 4);
        var cluster = new Cluster(new SourceSettings { Name = "lab", Broker = _url }, TimeProvider.System);
        var choice = new MessageChoice(null, "lab.add", null);
        Assert.Equal(3, await QueueOrders.CountAsync(cluster.Queues, "celery", choice, new Dictionary<string, string>(), Cancel));
        await WaitAsync("celery", 4);
        Assert.Equal(new QueueRemoval(0, 3), await QueueOrders.RemoveAsync(cluster, "celery", choice, new Dictionary<string, string>(), Cancel));
        await WaitAsync("celery", 4); // they wait on until a worker takes them
        await _lab.ControlAsync("add_consumer", new { queue = "celery" });
        await Eventually.HoldsAsync("the other one ran", () => worker.Log.Contains($"lab.ok[{kept}] succeeded", StringComparison.Ordinal), TimeSpan.FromSeconds(60));
        await Eventually.HoldsAsync("they were dropped", () => adds.All(id => worker.Log.Contains($"Discarding revoked task: lab.add[{id}]", StringComparison.Ordinal)), TimeSpan.FromSeconds(30));
        await cluster.Queues.DisposeAsync();
    }

    [Fact]
    [Trait("row", "112")]
    public async Task Queues_are_measured_over_AMQP_and_those_that_are_not_there_are_left_out()
    {
        await SendAsync(3, "mail");
        await using CeleryWorker worker = await _lab.StartWorkerAsync();
        var cluster = new Cluster(new SourceSettings { Name = "lab", Broker = _url, Queues = ["mail", "nowhere"] }, TimeProvider.System);
        await using RunLog log = await RunLog.OpenAsync(StoreUrl.Parse("memory:"), new RunLogOptions(), TimeProvider.System, NullLoggerFactory.Instance, Cancel);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        Task measuring = new QueueSampler(cluster, log, TimeProvider.System, NullLogger.Instance).RunAsync(stop.Token);
        IReadOnlyList<Sample> samples = [];
        await Eventually.HoldsAsync("they are measured", async () => (samples = await log.Queries.LatestSamplesAsync(null, Cancel)).Any(sample => sample is { Subject: "mail", Value: 3 }), TimeSpan.FromSeconds(40));
        await stop.CancelAsync();
        await measuring;
        Assert.Equal(1, samples.Single(sample => sample is { Kind: SampleKinds.QueueConsumers, Subject: "celery" }).Value);
        Assert.DoesNotContain(samples, sample => sample.Subject == "nowhere" || sample.Kind == SampleKinds.QueueOldestAge && sample.Subject == "mail");
        await cluster.Queues.DisposeAsync();
    }

    [Fact]
    public async Task What_a_dead_mover_had_in_hand_is_there_again()
    {
        await SendAsync(3, "celery");
        await WaitAsync("celery", 3);
        IBrokerQueues dying = QueuesAt(_url);
        IQueueTaker taker = await dying.TakeAsync("celery", Cancel);
        Assert.Equal(3, (await taker.NextAsync(10, Cancel)).Count);
        Assert.Equal(0, (await _queues.ReadAsync(["celery"], Cancel))[0].Length);
        await dying.DisposeAsync(); // its connection breaks, as that of a killed process does
        await WaitAsync("celery", 3);
    }

    [Fact]
    [Trait("row", "103")]
    public async Task A_run_that_names_no_queue_is_not_gone_while_the_usual_one_has_messages()
    {
        await SendAsync(1, "celery");
        await WaitAsync("celery", 1);
        var cluster = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(_url) };
        var evidence = new ClusterEvidence(cluster, new RemoteControl(cluster, TimeProvider.System), _queues, null, TimeProvider.System);
        Assert.False((await evidence.LookAsync(["run"], [], Cancel)).Drained);
        await _queues.PurgeAsync("celery", Cancel);
        Assert.True((await evidence.LookAsync(["run"], [], Cancel)).Drained);
    }

    [Fact]
    public async Task A_broker_that_is_not_there_is_named()
    {
        IBrokerQueues nowhere = QueuesAt($"amqp://127.0.0.1:{Machine.FreePort()}//");
        Assert.Contains("cannot be reached", (await Assert.ThrowsAsync<IOException>(() => nowhere.ReadAsync(["celery"], Cancel))).Message, StringComparison.Ordinal);
        await nowhere.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _queues.DisposeAsync();
        await _lab.DisposeAsync();
    }

    static IBrokerQueues QueuesAt(string url) => BrokerQueues.Of(new() { Source = "lab", Broker = BrokerUrl.Parse(url) }, TimeProvider.System);

    static RawMessage Message(string id, int priority) => new()
    {
        Body = "[[1, 2], {}, {}]"u8.ToArray(), ContentType = "application/json", ContentEncoding = "utf-8", CorrelationId = id, Priority = priority,
        Headers = new Dictionary<string, object?> { ["task"] = "lab.add", ["id"] = id, ["lang"] = "py", ["retries"] = 0, ["eta"] = null },
    };

    // What is published or given back is counted a moment later.
    Task WaitAsync(string queue, long length) => Eventually.HoldsAsync($"{queue} has {length}", async () => (await _queues.ReadAsync([queue], Cancel))[0].Length == length);

    async Task<string[]> SendAsync(int count, string queue)
    {
        var ids = new string[count];
        for (int i = 0; i < count; i++)
        {
            ids[i] = await _lab.SendAsync("lab.add", [i, 1], new { queue });
        }
        return ids;
    }
}
