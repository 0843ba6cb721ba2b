using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Belfry.Celery.Control;
using Belfry.Celery.Events;
using Belfry.Celery.Redis;
using Belfry.Testing;

namespace Belfry.Celery.Tests.Events;

public sealed class EventSubscriptionTests
{
    const string EventChannel = "/0.celeryev/task.multi";

    [Theory]
    [InlineData("", 0, "/0.celeryev/task.multi")]
    [InlineData("", 0, "/0.celeryev")]
    [InlineData("{app[1]*}:", 3, "{app[1]*}:/3.celeryev/worker.heartbeat")]
    public async Task Both_forms_of_channels_are_heard_under_prefix_and_database(string prefix, int database, string channel)
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Listener listener = await Listener.StartAsync($"redis://127.0.0.1:{redis.Port}/{database}", prefix);
        await redis.PublishAsync(channel, Started("a"));
        await redis.PublishAsync("/7.celeryev/task.multi", Started("of-another-database"));
        await redis.PublishAsync(channel, Started("b"));
        await listener.EventAsync("b");
        Assert.Equal(["a", "b"], listener.Events.Select(item => item.Id));
    }

    [Fact]
    public async Task Nothing_that_a_fuzzer_makes_of_recorded_events_stops_the_stream()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Listener listener = await Listener.StartAsync(redis.Url);
        var random = new Random(12);
        byte[][] recorded = [.. Samples.OnePerType("526").Concat(Samples.OnePerType("563")).Select(one => one.Raw)];
        int sent = Soak.Count(2_000, 200_000);
        for (int i = 0; i < sent; i++)
        {
            byte[] raw = recorded[i % recorded.Length];
            await redis.PublishAsync(EventChannel, random.Next(2) == 0 ? Hostile.Of(raw, random) : WithHostileBody(raw, random));
        }
        await redis.PublishAsync(EventChannel, Started("the last"));
        await listener.EventAsync("the last");
        Assert.True(listener.Status is { Listening: true, Problem: null });
        Assert.All(listener.Batches.SelectMany(batch => batch.Refused.Keys), reason => Assert.NotEmpty(reason));
        Assert.All((string[])["message that is not JSON", "body that is not JSON", "event without a type"], reason => Assert.InRange(listener.Refused(reason), 1, sent));
        Assert.All(listener.Batches, batch => Assert.Null(batch.Gap));

        static byte[] WithHostileBody(byte[] raw, Random random)
        {
            JsonNode envelope = JsonNode.Parse(raw)!;
            envelope["body"] = Convert.ToBase64String(Hostile.Of(Convert.FromBase64String((string)envelope["body"]!), random));
            return Encoding.UTF8.GetBytes(envelope.ToJsonString());
        }
    }

    [Fact]
    public async Task The_first_connection_is_no_gap()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Listener listener = await Listener.StartAsync(redis.Url);
        await redis.PublishAsync(EventChannel, Started("a"));
        await listener.EventAsync("a");
        Assert.NotNull(listener.Batches[0].UnbrokenSince);
        Assert.All(listener.Batches, batch => Assert.Null(batch.Gap));
    }

    [Fact]
    public async Task A_broker_that_is_killed_is_found_again_and_leaves_a_gap_from_before_its_last_event()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Listener listener = await Listener.StartAsync(redis.Url);
        Instant sent = Instant.Now(TimeProvider.System);
        await redis.PublishAsync(EventChannel, Started("before", sent));
        await listener.EventAsync("before");
        await redis.StopAsync();
        await Eventually.HoldsAsync("the loss is noticed", () => listener.Status is { Listening: false, Problem: not null });
        await redis.StartAgainAsync();
        await Eventually.HoldsAsync("the return is noticed", () => listener.Status is { Listening: true, Problem: null });
        await redis.PublishAsync(EventChannel, Started("after"));
        await listener.EventAsync("after");
        EventBatch first = Assert.Single(listener.Batches, batch => batch.Gap is not null);
        Assert.Equal(0, (first.Gap!.From - (sent - TimeSpan.FromSeconds(5))).TotalSeconds, 0.001);
        Assert.Equal(first.UnbrokenSince, first.Gap.To);
        Assert.Equal("the connection to the broker was lost", first.Gap.Reason);
        Assert.DoesNotContain(first.Events, item => item.Id == "before");
    }

    [Fact]
    public async Task A_broker_that_hangs_is_given_up()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Listener listener = await Listener.StartAsync(redis.Url);
        Signal(redis, "STOP");
        await Eventually.HoldsAsync("silence is noticed", () => !listener.Status.Listening);
        Signal(redis, "CONT");
        await Eventually.HoldsAsync("it is heard again", () => listener.Status.Listening);
    }

    [Fact]
    public async Task Garbage_on_the_channel_is_counted_and_passed_over()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Listener listener = await Listener.StartAsync(redis.Url);
        byte[] noise = new byte[100_000];
        new Random(3).NextBytes(noise);
        await redis.PublishAsync(EventChannel, noise);
        await redis.PublishAsync(EventChannel, []);
        await redis.PublishAsync(EventChannel, "*3\r\n$7\r\nmessage\r\n"u8.ToArray());
        await redis.PublishAsync(EventChannel, Started("a"));
        await listener.EventAsync("a");
        Assert.Equal(3, listener.Refused("message that is not JSON"));
        Assert.All(listener.Batches, batch => Assert.Null(batch.Gap));
    }

    [Fact]
    public async Task An_argument_of_ten_megabytes_passes()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Listener listener = await Listener.StartAsync(redis.Url);
        string argument = new('x', 10_000_000);
        await redis.PublishAsync(EventChannel, Samples.Envelope(Encoding.UTF8.GetBytes($$"""{"type": "task-received", "uuid": "a", "name": "t", "args": "{{argument}}", "timestamp": 1}""")));
        await redis.PublishAsync(EventChannel, Started("b"));
        await listener.EventAsync("b");
        Assert.Equal(argument, (await listener.EventAsync("a")).Args);
    }

    [Fact]
    public async Task A_message_without_measure_is_dropped_counted_and_a_gap()
    {
        // With its default limit of 32 MB Redis itself would cut us off.
        await using RedisServer redis = await RedisServer.StartAsync("--client-output-buffer-limit", "pubsub", "0", "0", "0");
        // Busy with so much, Redis is silent for longer than the others of these tests would wait for it.
        await using Listener listener = await Listener.StartAsync(redis.Url, options: new SubscriptionOptions());
        await redis.PublishAsync(EventChannel, new byte[70 * 1024 * 1024]);
        await redis.PublishAsync(EventChannel, Started("a"));
        await listener.EventAsync("a");
        Assert.Equal(1, listener.Refused("message dropped, the queue was full"));
        Assert.Single(listener.Batches, batch => batch.Gap is not null);
    }

    [Fact]
    public async Task Who_decodes_too_slowly_loses_what_he_can_count_and_learns_of_a_gap()
    {
        const int published = 4000;
        var options = new SubscriptionOptions { QueueBytes = 1024 * 1024, PingInterval = TimeSpan.FromSeconds(0.3) };
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Listener listener = await Listener.StartAsync(redis.Url, options: options, reading: false);
        Publish(redis, published);
        listener.Read();
        // What is dropped is told with whatever is taken next, be it an answer to a ping.
        await Eventually.HoldsAsync("the gap", () => listener.Batches.Any(batch => batch.Gap is not null));
        await redis.PublishAsync(EventChannel, Started("last"));
        await listener.EventAsync("last");
        int heard = listener.Events.Count(item => item.Id.StartsWith("run-", StringComparison.Ordinal));
        Assert.InRange(heard, 100, published - 100);
        Assert.Equal(published - heard, listener.Refused("message dropped, the queue was full"));
        StreamGap gap = Assert.Single(listener.Batches, batch => batch.Gap is not null).Gap!;
        Assert.InRange((gap.To - gap.From).TotalSeconds, 5, 60);
        Assert.True(listener.Status.Listening);
    }

    [Fact]
    public async Task An_access_list_that_names_only_the_pattern_is_enough()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await redis.AskAsync("ACL", "SETUSER", "belfry", "on", ">s3cret", "+@all", "resetchannels", "&/0.celeryev/*");
        await using Listener listener = await Listener.StartAsync($"redis://belfry:s3cret@127.0.0.1:{redis.Port}/0");
        await redis.PublishAsync(EventChannel, Started("a"));
        await listener.EventAsync("a");
    }

    [Fact]
    public async Task An_access_list_without_the_events_is_the_problem_of_the_source()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await redis.AskAsync("ACL", "SETUSER", "belfry", "on", ">s3cret", "+@all", "resetchannels");
        var cluster = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse($"redis://belfry:s3cret@127.0.0.1:{redis.Port}/0") };
        await using var subscription = new EventSubscription(
            cluster, new SubscriptionOptions(), TimeProvider.System, new Random(1), Microsoft.Extensions.Logging.Abstractions.NullLogger<EventSubscription>.Instance);
        await Eventually.HoldsAsync("the refusal", () => subscription.Status.Problem is not null);
        Assert.Contains("does not let us subscribe to /0.celeryev/*: NOPERM", subscription.Status.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Workers_are_asked_on_the_channel_on_which_they_listen()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        var cluster = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse($"redis://127.0.0.1:{redis.Port}/3"), KeyPrefix = "{app1}:" };
        Assert.Equal(["{app1}:/3.celery.pidbox"], cluster.ControlChannels);
        Assert.Equal(0, await new RemoteControl(cluster, TimeProvider.System).EnableEventsAsync([], CancellationToken.None));
    }

    [Theory]
    [InlineData(0, 0.125, 0.25)]
    [InlineData(3, 1, 2)]
    [InlineData(7, 15, 30)]
    [InlineData(1_000_000, 15, 30)]
    public void Waiting_grows_to_half_a_minute_and_is_never_the_same(int failures, double least, double most)
    {
        var random = new Random(5);
        double[] waits = [.. Enumerable.Range(0, 100).Select(_ => Backoff.Delay(failures, random).TotalSeconds)];
        Assert.All(waits, seconds => Assert.InRange(seconds, least, most));
        Assert.NotEqual(waits[0], waits[1]);
    }

    static void Publish(RedisServer redis, int messages)
    {
        using RedisConnection connection = RedisConnection.Open(BrokerUrl.Parse(redis.Url), TimeSpan.FromSeconds(10), TimeProvider.System, CancellationToken.None);
        for (int i = 0; i < messages; i++)
        {
            connection.Command("PUBLISH", EventChannel, Encoding.UTF8.GetString(Started($"run-{i}")));
        }
    }

    static byte[] Started(string id, Instant? at = null)
    {
        double seconds = (at ?? Instant.Now(TimeProvider.System)).Micros / 1e6;
        string padding = new('x', 500);
        return Samples.Envelope(Encoding.UTF8.GetBytes($$"""[{"type": "task-started", "uuid": "{{id}}", "hostname": "w1@lab", "timestamp": {{seconds:F6}}, "exchange": "{{padding}}"}]"""));
    }

    static void Signal(RedisServer redis, string signal) => Process.Start("kill", [$"-{signal}", $"{redis.ProcessId}"]).WaitForExit();
}
