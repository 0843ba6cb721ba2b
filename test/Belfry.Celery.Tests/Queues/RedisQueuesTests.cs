using Belfry.Celery.Queues;
using Belfry.Testing;

namespace Belfry.Celery.Tests.Queues;

/// <summary>Queues on a real Redis, with messages that Celery's own client sent.</summary>
public sealed class RedisQueuesTests : IAsyncLifetime
{
    Belfry.Testing.CeleryCluster _lab = null!;
    IBrokerQueues _queues = null!;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _lab = await Belfry.Testing.CeleryCluster.StartAsync("{site}:", 2);
        _queues = BrokerQueues.Of(new() { Source = "lab", Broker = BrokerUrl.Parse(_lab.Url), KeyPrefix = "{site}:" }, TimeProvider.System);
    }

    [Fact]
    public async Task Lengths_are_told_by_step_of_priority_and_a_queue_that_is_not_there_is_empty()
    {
        await SendAsync(3, "celery", 0);
        await SendAsync(2, "celery", 4);
        await SendAsync(1, "celery", 9);
        await SendAsync(2, "mail", 0);
        QueueStanding[] standing = [.. await _queues.ReadAsync(["celery", "mail", "none"], Cancel)];
        Assert.Equal([6, 2, 0], standing.Select(queue => queue.Length));
        Assert.Equal([(0, 3), (3, 2), (9, 1)], standing[0].ByPriority.OrderBy(step => step.Key).Select(step => (step.Key, step.Value)));
    }

    [Fact]
    public async Task Names_come_from_bindings_and_from_lists_of_messages_and_from_nothing_else()
    {
        await SendAsync(1, "mail", 6);
        await SendAsync(1, "gone", 0);
        using (var redis = Belfry.Celery.Redis.RedisConnection.Open(BrokerUrl.Parse(_lab.Url), TimeSpan.FromSeconds(5), TimeProvider.System, Cancel))
        {
            redis.Command("DEL", "{site}:_kombu.binding.mail"); // as with a client that only pushes
            redis.Command("LPUSH", "{site}:basket", "an application's own");
            redis.Command("LPUSH", "elsewhere", "another's");
            redis.Command("DEL", "{site}:gone");
        }
        Assert.Equal(["gone", "known", "mail"], await _queues.NamesAsync(["known"], Cancel));
    }

    [Fact]
    public async Task Of_too_many_queues_those_that_are_set_stay()
    {
        var cluster = new Belfry.Server.Sources.Cluster(new() { Name = "lab", Broker = _lab.Url, KeyPrefix = "{site}:", Queues = ["mail"] }, TimeProvider.System);
        var found = await Belfry.Server.Sources.Queues.QueueNames.AskAsync(cluster, Enumerable.Range(0, 1_500).Select(number => $"a{number:0000}"), [], Cancel);
        Assert.Equal(["a0997", "celery", "mail"], found.Names.TakeLast(3));
        Assert.Equal(Belfry.Server.Sources.Queues.QueueNames.Most, found.Names.Count);
    }

    [Fact]
    public async Task What_waits_is_listed_in_the_order_in_which_workers_take_it()
    {
        string[] late = await SendAsync(2, "celery", 9), first = await SendAsync(3, "celery", 0);
        IReadOnlyList<QueuedMessage> all = await _queues.PeekAsync("celery", 0, 100, Cancel);
        Assert.Equal([.. first, .. late], all.Select(message => message.Message.Id));
        Assert.Equal([0, 1, 2, 3, 4], all.Select(message => message.Position));
        Assert.Equal(("lab.add", 9), (all[4].Message.Task, all[4].Message.Priority));
        Assert.Equal([first[2], late[0]], (await _queues.PeekAsync("celery", 2, 2, Cancel)).Select(message => message.Message.Id));
        Assert.Empty(await _queues.PeekAsync("celery", 5, 10, Cancel));
        await using CeleryWorker worker = await _lab.StartWorkerAsync(new() { Concurrency = 1, Pool = "solo" });
        await Eventually.HoldsAsync("all ran", async () => (await _queues.ReadAsync(["celery"], Cancel))[0].Length == 0);
        string[] ran = [.. worker.Log.Split('\n').Where(line => line.Contains("] received", StringComparison.Ordinal)).Select(line => line.Split('[', ']')[^2])];
        Assert.Equal([.. first, .. late], ran);
    }

    [Fact]
    [Trait("row", "116")]
    public async Task A_queue_is_purged_with_all_its_priorities_and_no_other()
    {
        await SendAsync(3, "celery", 0);
        await SendAsync(2, "celery", 6);
        await SendAsync(1, "mail", 0);
        Assert.Equal(5, await _queues.PurgeAsync("celery", Cancel));
        Assert.Equal(0, await _queues.PurgeAsync("celery", Cancel));
        Assert.Equal([0, 1], (await _queues.ReadAsync(["celery", "mail"], Cancel)).Select(queue => queue.Length));
    }

    [Fact]
    [Trait("row", "116")]
    public async Task Exactly_what_is_meant_is_taken_out_and_the_rest_keeps_its_order()
    {
        string[] adds = await SendAsync(3, "celery", 0);
        string other = await _lab.SendAsync("lab.ok", [], new { queue = "celery" });
        string[] urgent = await SendAsync(2, "celery", 9);
        Assert.Equal(1, await _queues.RemoveAsync("celery", message => message.Id == adds[1], Cancel));
        Assert.Equal([adds[0], adds[2], other, .. urgent], await IdsAsync("celery"));
        Assert.Equal(4, await _queues.RemoveAsync("celery", message => message.Task == "lab.add", Cancel));
        Assert.Equal([other], await IdsAsync("celery"));
    }

    [Fact]
    public async Task Of_many_messages_those_that_are_meant_go_while_others_come_and_are_taken()
    {
        const int many = 12_000;
        using var redis = Belfry.Celery.Redis.RedisConnection.Open(BrokerUrl.Parse(_lab.Url), TimeSpan.FromSeconds(5), TimeProvider.System, Cancel);
        MadeUpMessages.Put(redis, "{site}:celery", 0, many);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        Task<(int Put, int Taken)> traffic = Task.Run(() => MadeUpMessages.Traffic(BrokerUrl.Parse(_lab.Url), "{site}:celery", many, ends.Token), Cancel);
        long gone = await _queues.RemoveAsync("celery", message => message.Task == MadeUpMessages.Odd && message.Retries == 0, Cancel);
        await ends.CancelAsync();
        (int put, int taken) = await traffic;
        IReadOnlyList<QueuedMessage> left = await _queues.PeekAsync("celery", 0, many + put, Cancel);
        Assert.DoesNotContain(left, message => message.Message.Task == MadeUpMessages.Odd && message.Message.Retries == 0);
        Assert.Equal(many + put - taken - gone, left.Count);
        Assert.Equal(left.Count, left.DistinctBy(message => message.Message.Id).Count());
    }

    [Fact]
    public async Task A_queue_is_moved_in_order_and_by_priority_and_its_messages_name_the_new_one()
    {
        string[] plain = await SendAsync(250, "celery", 0), late = await SendAsync(2, "celery", 9);
        Assert.Equal(252, await QueueMove.RunAsync(_queues, "celery", _queues, "mail", null, Cancel));
        Assert.Empty(await IdsAsync("celery"));
        Assert.Equal([.. plain, .. late], await IdsAsync("mail"));
        Assert.All(await _queues.PeekAsync("mail", 0, 1000, Cancel), message => Assert.Equal(("", "mail"), (message.Message.Exchange, message.Message.RoutingKey)));
        await using CeleryWorker worker = await _lab.StartWorkerAsync(new() { Queues = "mail" });
        await Eventually.HoldsAsync("all ran", async () => (await _queues.ReadAsync(["mail"], Cancel))[0].Length == 0 && (await _queues.UnackedAsync(10, Cancel)).Count == 0);
    }

    [Fact]
    public async Task A_queue_is_moved_to_another_broker_and_what_cannot_be_read_stays()
    {
        string[] ids = await SendAsync(120, "celery", 0);
        await using Belfry.Testing.CeleryCluster there = await Belfry.Testing.CeleryCluster.StartAsync();
        IBrokerQueues target = BrokerQueues.Of(new() { Source = "there", Broker = BrokerUrl.Parse(there.Url) }, TimeProvider.System);
        using (var redis = Belfry.Celery.Redis.RedisConnection.Open(BrokerUrl.Parse(_lab.Url), TimeSpan.FromSeconds(5), TimeProvider.System, Cancel))
        {
            redis.Command("RPUSH", "{site}:celery", "garbage");
        }
        Assert.Equal(120, await QueueMove.RunAsync(_queues, "celery", target, "celery", null, Cancel));
        Assert.Equal(ids, (await target.PeekAsync("celery", 0, 1000, Cancel)).Select(message => message.Message.Id));
        Assert.Equal([(string?)null], await IdsAsync("celery"));
        Assert.Empty(await _queues.UnackedAsync(10, Cancel));
        await there.StartWorkerAsync();
        await Eventually.HoldsAsync("all ran there", async () => (await target.ReadAsync(["celery"], Cancel))[0].Length == 0 && (await target.UnackedAsync(10, Cancel)).Count == 0);
    }

    [Fact]
    public async Task What_was_taken_and_not_acknowledged_goes_back_to_where_it_was()
    {
        string[] ids = await SendAsync(5, "celery", 0);
        await using (IQueueTaker taker = await _queues.TakeAsync("celery", Cancel))
        {
            IReadOnlyList<RawMessage> taken = await taker.NextAsync(3, Cancel);
            Assert.Equal(ids.Take(3), taken.Select(message => message.CorrelationId));
            Assert.Equal(3, (await _queues.UnackedAsync(10, Cancel)).Count);
            await taker.AcknowledgeAsync([taken[0]], Cancel);
        }
        Assert.Equal(ids.Skip(1), await IdsAsync("celery"));
        Assert.Empty(await _queues.UnackedAsync(10, Cancel));
    }

    [Fact]
    public async Task What_a_dead_mover_had_in_hand_is_given_back_by_workers()
    {
        string[] ids = await SendAsync(3, "celery", 0);
        IQueueTaker taker = await _queues.TakeAsync("celery", Cancel); // never disposed of: it died
        Assert.Equal(3, (await taker.NextAsync(10, Cancel)).Count);
        Assert.Equal(ids.Order(StringComparer.Ordinal), (await _queues.UnackedAsync(10, Cancel)).Select(message => message.Message.Id).Order(StringComparer.Ordinal));
        using (var redis = Belfry.Celery.Redis.RedisConnection.Open(BrokerUrl.Parse(_lab.Url), TimeSpan.FromSeconds(5), TimeProvider.System, Cancel))
        {
            foreach (QueuedMessage message in await _queues.UnackedAsync(10, Cancel))
            {
                redis.Command("ZADD", "{site}:unacked_index", "1", message.Message.DeliveryTag!); // long ago
            }
        }
        await using CeleryWorker worker = await _lab.StartWorkerAsync();
        await Eventually.HoldsAsync("all ran", () => ids.All(id => worker.Log.Contains($"lab.add[{id}] succeeded", StringComparison.Ordinal)), TimeSpan.FromSeconds(40));
    }

    [Fact]
    public async Task What_workers_hold_until_its_time_comes_is_told_apart()
    {
        await using CeleryWorker worker = await _lab.StartWorkerAsync(new() { Concurrency = 1 });
        string later = await _lab.SendAsync("lab.add", [1, 2], new { queue = "celery", countdown = 600 });
        await Eventually.HoldsAsync("the worker holds it", async () => (await _queues.UnackedAsync(10, Cancel)).Count == 1);
        QueuedMessage held = (await _queues.UnackedAsync(10, Cancel))[0];
        Assert.Equal((later, true, "celery"), (held.Message.Id, held.Message.Eta is not null, held.Message.RoutingKey));
        Assert.Equal(0, (await _queues.ReadAsync(["celery"], Cancel))[0].Length);
    }

    [Fact]
    public async Task A_broker_that_is_not_there_is_named()
    {
        IBrokerQueues nowhere = BrokerQueues.Of(new() { Source = "lab", Broker = BrokerUrl.Parse($"redis://127.0.0.1:{Machine.FreePort()}/0") }, TimeProvider.System);
        Assert.Contains("cannot be reached", (await Assert.ThrowsAsync<IOException>(() => nowhere.ReadAsync(["celery"], Cancel))).Message, StringComparison.Ordinal);
    }

    public ValueTask DisposeAsync() => _lab.DisposeAsync();

    async Task<string[]> SendAsync(int count, string queue, int priority)
    {
        var ids = new string[count];
        for (int i = 0; i < count; i++)
        {
            ids[i] = await _lab.SendAsync("lab.add", [i, 1], new { queue, priority });
        }
        return ids;
    }

    async Task<IEnumerable<string?>> IdsAsync(string queue) => [.. (await _queues.PeekAsync(queue, 0, 100_000, Cancel)).Select(message => message.Message.Id)];
}
