using Belfry.Celery.Events;
using Belfry.Celery.RabbitMq;
using Belfry.Celery.Tests.Events;
using Belfry.Celery.Tests.Redis;
using Belfry.Testing;
using CeleryCluster = Belfry.Celery.CeleryCluster;

namespace Belfry.Celery.Tests.RabbitMq;

public sealed class EventQueueTests(SharedRabbit shared)
{
    const string Queue = "celeryev.belfry.lab";

    [Fact]
    public async Task Objects_lists_and_empty_lists_are_heard_under_any_key()
    {
        string url = (await shared.ServerAsync()).NewUrl();
        await using Listener listener = await Listener.StartAsync(url);
        await using EventPublisher publisher = await EventPublisher.StartAsync(url);
        await publisher.PublishAsync("""{"type": "task-started", "uuid": "a", "hostname": "w1@lab", "timestamp": 1}"""u8.ToArray(), "task.started");
        await publisher.PublishAsync("[]"u8.ToArray());
        await publisher.PublishAsync("""[{"type": "task-started", "uuid": "b", "hostname": "w1@lab", "timestamp": 1}, {"type": "worker-heartbeat", "hostname": "w1@lab", "timestamp": 1}]"""u8.ToArray());
        await publisher.PublishAsync(EventPublisher.Started("c"), "any.other.key", contentType: null, encoding: null);
        await listener.EventAsync("c");
        Assert.Equal(["a", "b", "", "c"], listener.Events.Select(item => item.Id));
        Assert.All(listener.Batches, batch => Assert.Empty(batch.Refused));
    }

    [Fact]
    public async Task What_cannot_be_read_is_counted_with_its_reason_and_passed_over()
    {
        string url = (await shared.ServerAsync()).NewUrl();
        await using Listener listener = await Listener.StartAsync(url);
        await using EventPublisher publisher = await EventPublisher.StartAsync(url);
        await publisher.PublishAsync([0x80, 0x04], contentType: "application/x-python-serialize", encoding: "binary");
        await publisher.PublishAsync("- yaml"u8.ToArray(), contentType: "application/x-yaml");
        await publisher.PublishAsync(EventPublisher.Started("x"), encoding: "utf-16");
        await publisher.PublishAsync([]);
        await publisher.PublishAsync("7"u8.ToArray());
        await publisher.StartedAsync("a");
        await listener.EventAsync("a");
        string[] reasons = ["content type application/x-python-serialize", "content type application/x-yaml", "content encoding utf-16", "body that is not JSON", "body that is no event"];
        Assert.All(reasons, reason => Assert.Equal(1, listener.Refused(reason)));
    }

    [Fact]
    public async Task What_was_not_acknowledged_comes_again_and_what_was_sent_meanwhile_with_it()
    {
        string url = (await shared.ServerAsync()).NewUrl();
        await using EventPublisher publisher = await EventPublisher.StartAsync(url);
        await using (Listener first = await Listener.StartAsync(url))
        {
            Assert.Null(first.Batches.Count > 0 ? first.Batches[0].Gap : null);
            await publisher.StartedAsync("a");
            await first.EventAsync("a");
            await first.AcknowledgeAsync();
            await publisher.StartedAsync("b");
            await first.EventAsync("b");
        }
        await publisher.StartedAsync("c");
        Assert.Equal(2u, await publisher.WaitingAsync(Queue));
        await using Listener second = await Listener.StartAsync(url);
        await second.EventAsync("c");
        Assert.Equal(["b", "c"], second.Events.Select(item => item.Id));
        Assert.Null(second.Batches[0].MissedBefore);
        Assert.All(second.Batches, batch => Assert.Null(batch.Gap));
        await second.AcknowledgeAsync();
        await Eventually.HoldsAsync("the queue is empty", async () => await publisher.WaitingAsync(Queue) == 0);
    }

    [Fact]
    public async Task A_batch_that_only_tells_of_a_break_acknowledges_nothing()
    {
        string url = (await shared.ServerAsync()).NewUrl();
        await using EventPublisher publisher = await EventPublisher.StartAsync(url);
        await using (Listener first = await Listener.StartAsync(url))
        {
            await Eventually.HoldsAsync("the begin", () => first.Batches.Count > 0);
            await publisher.StartedAsync("a");
            await first.EventAsync("a");
            await first.AcknowledgeAsync(first.Batches[0]);
        }
        await using Listener second = await Listener.StartAsync(url);
        await second.EventAsync("a");
    }

    [Fact]
    public async Task The_first_to_come_has_missed_what_was_sent_before_it()
    {
        string url = (await shared.ServerAsync()).NewUrl();
        await using Listener listener = await Listener.StartAsync(url);
        await Eventually.HoldsAsync("a batch", () => listener.Batches.Count > 0);
        Assert.Contains("our queue had expired", listener.Batches[0].MissedBefore, StringComparison.Ordinal);
        Assert.Null(listener.Batches[0].Gap);
        Assert.NotNull(listener.Batches[0].UnbrokenSince);
    }

    [Fact]
    public async Task What_was_lost_is_found_again_until_it_has_been_told()
    {
        var cluster = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse((await shared.ServerAsync()).NewUrl()) };
        await using var connection = new RabbitConnection(cluster.Broker, "tests", TimeSpan.FromSeconds(20));
        await using var publisher = new RabbitPublisher(cluster.Broker, "tests", TimeSpan.FromSeconds(20));
        var queue = new OwnQueue(cluster);
        Assert.False((await queue.DeclareAsync(connection, CancellationToken.None)).Kept);
        // Here the connection breaks, before anybody was told.
        Assert.False((await queue.DeclareAsync(connection, CancellationToken.None)).Kept);
        await queue.MarkAsync(connection, publisher, CancellationToken.None);
        Assert.True((await queue.DeclareAsync(connection, CancellationToken.None)).Kept);
    }

    [Fact]
    public async Task A_broker_that_is_restarted_leaves_a_gap_and_one_that_was_only_cut_off_does_not()
    {
        await using RabbitServer rabbit = await RabbitServer.StartAsync();
        await using TcpProxy proxy = TcpProxy.Start(rabbit.Port);
        string url = rabbit.UrlOf("/", port: proxy.Port);
        await using EventPublisher publisher = await EventPublisher.StartAsync(rabbit.Url);
        await using Listener listener = await Listener.StartAsync(url);
        await publisher.StartedAsync("a");
        await listener.EventAsync("a");
        await listener.AcknowledgeAsync();

        proxy.Cut();
        await Eventually.HoldsAsync("the loss is noticed", () => listener.Status is { Listening: false, Problem: not null });
        await publisher.StartedAsync("b");
        proxy.Mend();
        await listener.EventAsync("b");
        Assert.All(listener.Batches, batch => Assert.Null(batch.Gap));
        await listener.AcknowledgeAsync();

        await rabbit.StopAsync();
        await Eventually.HoldsAsync("the loss is noticed", () => listener.Status is { Listening: false, Problem: not null });
        await rabbit.StartAgainAsync();
        await publisher.ReconnectAsync();
        await Eventually.HoldsAsync("it listens", () => listener.Status is { Listening: true, Problem: null }, TimeSpan.FromMinutes(1));
        await publisher.StartedAsync("c");
        await listener.EventAsync("c");
        EventBatch broken = Assert.Single(listener.Batches, batch => batch.Gap is not null);
        Assert.Contains("the broker was restarted", broken.Gap!.Reason, StringComparison.Ordinal);
        Assert.True(broken.Gap.From < listener.Events.Single(item => item.Id == "b").At);
    }

    [Fact]
    public async Task A_full_queue_is_a_problem_and_a_gap_and_goes_on()
    {
        string url = (await shared.ServerAsync()).NewUrl();
        var cluster = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(url), EventQueueLimit = 20 };
        await using EventPublisher publisher = await EventPublisher.StartAsync(url);
        await using (Listener first = await Listener.StartAsync(cluster))
        {
            await publisher.StartedAsync("first");
            await first.EventAsync("first");
            await first.AcknowledgeAsync();
        }
        await publisher.StartedAsync([.. Enumerable.Range(0, 30).Select(number => $"{number}")]);
        await using Listener second = await Listener.StartAsync(cluster);
        await second.EventAsync("29");
        Assert.Equal(Enumerable.Range(10, 20).Select(number => $"{number}"), second.Events.Select(item => item.Id));
        Assert.Contains("our queue was full (20 messages)", second.Batches[0].MissedBefore, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_queue_that_fills_while_the_log_stands_still_is_a_problem_until_it_is_read()
    {
        const string dropped = "events dropped by RabbitMQ: our queue was full (20 messages)";
        string url = (await shared.ServerAsync()).NewUrl();
        await using EventPublisher publisher = await EventPublisher.StartAsync(url);
        await using Listener listener = await Listener.StartAsync(new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(url), EventQueueLimit = 20 });
        // Until as many are under way as may be, none of them acknowledged; then the queue itself fills.
        await Eventually.HoldsAsync("the problem", async () =>
        {
            await publisher.FloodAsync(Enumerable.Range(0, 1_000).Select(number => $"{number}"));
            return listener.Status is { Listening: true, Problem: { } problem } && problem.Contains("the oldest are dropped", StringComparison.Ordinal);
        });
        await listener.AcknowledgeAsync();
        await Eventually.HoldsAsync("the end of the problem", () => listener.Status is { Listening: true, Problem: null });
        await publisher.StartedAsync("after");
        await listener.EventAsync("after");
        StreamGap[] gaps = [.. listener.Batches.Select(batch => batch.Gap).OfType<StreamGap>()];
        Assert.All(gaps, gap => Assert.Equal(dropped, gap.Reason));
        // Told when it begins, and once more, with its whole length, when it ends.
        Assert.Equal(gaps[^2].From, gaps[^1].From);
        Assert.True(gaps[^2].To < gaps[^1].To);
        Assert.InRange(listener.Refused(dropped), 1, gaps.Length / 2);
    }

    [Fact]
    public async Task Two_servers_never_share_one_queue()
    {
        string url = (await shared.ServerAsync()).NewUrl();
        Listener first = await Listener.StartAsync(url);
        await using Listener second = await Listener.StartAsync(url, waiting: false);
        await Eventually.HoldsAsync("the refusal", () => second.Status.Problem?.Contains($"another server reads {Queue}", StringComparison.Ordinal) == true);
        await first.DisposeAsync();
        await Eventually.HoldsAsync("it takes over", () => second.Status.Listening);
    }

    [Fact]
    public async Task A_queue_that_was_made_with_other_limits_is_used_and_a_deleted_one_made_anew()
    {
        string url = (await shared.ServerAsync()).NewUrl();
        var cluster = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(url) };
        await (await Listener.StartAsync(cluster)).DisposeAsync();
        await using Listener listener = await Listener.StartAsync(cluster with { EventQueueExpires = TimeSpan.FromHours(2) });
        await Eventually.HoldsAsync("the problem", () => listener.Status.Problem?.Contains("other limits", StringComparison.Ordinal) == true);
        await using EventPublisher publisher = await EventPublisher.StartAsync(url);
        await publisher.DeleteAsync(Queue);
        await Eventually.HoldsAsync("it is noticed", () => listener.Batches.Any(batch => batch.Gap is not null) && listener.Status is { Listening: true, Problem: null });
        await publisher.StartedAsync("a");
        await listener.EventAsync("a");
    }

    [Fact]
    public async Task Quorum_queues_of_tasks_do_not_disturb()
    {
        string url = (await shared.ServerAsync()).NewUrl();
        await using var connection = new RabbitConnection(BrokerUrl.Parse(url), "tests", TimeSpan.FromSeconds(20));
        await connection.UseAsync(
            channel => channel.QueueDeclareAsync("celery", durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }),
            CancellationToken.None);
        await using EventPublisher publisher = await EventPublisher.StartAsync(url);
        await using Listener listener = await Listener.StartAsync(url);
        await publisher.StartedAsync("a");
        await listener.EventAsync("a");
    }

    [Fact]
    public async Task Events_come_over_TLS_from_a_virtual_host_with_a_slash()
    {
        using var folder = new TempFolder();
        TestCertificate.Write(folder, "localhost");
        int port = Machine.FreePort();
        await using RabbitServer rabbit = await RabbitServer.StartAsync(
            $"listeners.ssl.1 = 127.0.0.1:{port}", $"ssl_options.cacertfile = {folder.File("ca.pem")}", $"ssl_options.certfile = {folder.File("server.pem")}",
            $"ssl_options.keyfile = {folder.File("server.key")}");
        string plain = rabbit.UrlOf(RabbitServer.OddVirtualHost), encrypted = rabbit.UrlOf(RabbitServer.OddVirtualHost, host: "localhost", port: port);
        await using Listener listener = await Listener.StartAsync($"{encrypted.Replace("amqp:", "amqps:", StringComparison.Ordinal)}?ssl_ca_certs={folder.File("ca.pem")}");
        await using EventPublisher publisher = await EventPublisher.StartAsync(plain);
        await publisher.StartedAsync("a");
        await listener.EventAsync("a");
    }

    [Fact]
    public async Task Nothing_that_a_fuzzer_makes_of_recorded_events_stops_the_stream()
    {
        string url = (await shared.ServerAsync()).NewUrl();
        await using EventPublisher publisher = await EventPublisher.StartAsync(url);
        await using Listener listener = await Listener.StartAsync(url);
        var random = new Random(11);
        (byte[] Raw, string? Type, string? Encoding, System.Text.Json.Nodes.JsonNode Body)[] recorded = [.. Samples.OnePerTypeOnRabbit("526"), .. Samples.OnePerTypeOnRabbit("563")];
        string?[] types = ["application/json", null, "application/x-yaml", "application/x-msgpack", "application/x-python-serialize", new('x', 200)];
        int sent = Soak.Count(2_000, 200_000);
        for (int i = 0; i < sent; i++)
        {
            byte[] hostile = Hostile.Of(recorded[i % recorded.Length].Raw, random);
            await publisher.PublishAsync(hostile, "task.multi", random.Next(4) > 0 ? "application/json" : types[random.Next(types.Length)], random.Next(10) > 0 ? "utf-8" : "latin-9");
        }
        await publisher.StartedAsync("the last");
        await listener.EventAsync("the last");
        Assert.True(listener.Status is { Listening: true, Problem: null });
        Assert.All(listener.Batches.SelectMany(batch => batch.Refused.Keys), reason => Assert.NotEmpty(reason));
        Assert.Contains(listener.Batches, batch => batch.Refused.ContainsKey("content type application/x-python-serialize"));
        Assert.Contains(listener.Batches, batch => batch.Refused.ContainsKey("body that is not JSON"));
        Assert.All(listener.Batches, batch => Assert.Null(batch.Gap));
    }

    [Fact]
    public async Task A_user_who_may_not_is_told_what()
    {
        RabbitServer rabbit = await shared.ServerAsync();
        string virtualHost = rabbit.NewVirtualHost();
        await (await EventPublisher.StartAsync(rabbit.UrlOf(virtualHost))).DisposeAsync();
        await using Listener listener = await Listener.StartAsync(rabbit.UrlOf(virtualHost, RabbitServer.Powerless), waiting: false);
        await Eventually.HoldsAsync("the refusal", () => listener.Status.Problem?.Contains($"access to queue '{Queue}'", StringComparison.Ordinal) == true);
        Assert.DoesNotContain(RabbitServer.Password, listener.Status.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_said_to_be_read_before_the_backlog_is()
    {
        string url = (await shared.ServerAsync()).NewUrl();
        await using EventPublisher publisher = await EventPublisher.StartAsync(url);
        await (await Listener.StartAsync(url)).DisposeAsync();
        await publisher.StartedAsync("a", "b");
        await using Listener slow = await Listener.StartAsync(url, reading: false);
        Instant begun = Instant.Now(TimeProvider.System);
        await Eventually.HoldsAsync("two looks at the queue", () => Instant.Now(TimeProvider.System) - begun > TimeSpan.FromSeconds(2.5));
        Assert.True(slow.ReadUntil < begun);
        slow.Read();
        await slow.EventAsync("b");
        await Eventually.HoldsAsync("all is read", () => slow.ReadUntil > begun + TimeSpan.FromSeconds(2));
    }
}
