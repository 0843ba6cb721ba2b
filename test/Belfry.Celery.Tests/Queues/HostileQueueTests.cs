using System.Text;
using System.Text.Json.Nodes;
using Belfry.Celery.Messages;
using Belfry.Celery.Queues;
using Belfry.Celery.RabbitMq;
using Belfry.Celery.Tests.Events;
using Belfry.Celery.Tests.Messages;
using Belfry.Testing;
using RabbitMQ.Client;

namespace Belfry.Celery.Tests.Queues;

/// <summary>Queues of both brokers, full of what is made from recorded messages and should not be there: all of it is listed, what cannot be read with its reason, and nothing is lost on a move.</summary>
public sealed class HostileQueueTests(SharedRabbit shared)
{
    const int Many = 600;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task On_Redis_they_are_listed_and_left_alone_and_what_can_be_read_moves_on()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        var random = new Random(5);
        byte[][] recorded = [.. Recorded.RawOfRedis("563").Concat(Recorded.RawOfRedis("526")).Where(raw => raw.Length < 4000)];
        byte[][] hostile = [.. Enumerable.Range(0, Many).Select(i => i % 2 == 0 ? Hostile.Of(recorded[i % recorded.Length], random) : WithHostileBody(recorded[i % recorded.Length], random))];
        await Task.WhenAll(hostile.Select(value => redis.AskAsync("LPUSH"u8.ToArray(), "celery"u8.ToArray(), value)));
        await using IBrokerQueues queues = QueuesAt(redis.Url);
        TaskMessage[] seen = [.. (await queues.PeekAsync("celery", 0, 10_000, Cancel)).Select(queued => queued.Message)];
        AssertToldWhy(seen);
        Assert.Equal(["celery"], await queues.NamesAsync([], Cancel));

        // Kombu itself could not give back what has no delivery tag: that stays. All else arrives on the other broker, and comes back.
        string rabbit = (await shared.ServerAsync()).NewUrl();
        await using IBrokerQueues there = QueuesAt(rabbit);
        await DeclareAsync(rabbit);
        long moved = await QueueMove.RunAsync(queues, "celery", there, "hostile", null, Cancel);
        Assert.InRange(moved, Many / 10, Many - 1);
        Assert.Equal(Many - moved, (await queues.ReadAsync(["celery"], Cancel))[0].Length);
        await Eventually.HoldsAsync("they are there", async () => (await there.ReadAsync(["hostile"], Cancel))[0].Length == moved);
        Assert.Equal(moved, await QueueMove.RunAsync(there, "hostile", queues, "celery", null, Cancel));
        Assert.Equal(Many, (await queues.ReadAsync(["celery"], Cancel))[0].Length);
        int sums = (await queues.PeekAsync("celery", 0, 10_000, Cancel)).Count(queued => queued.Message.Task == "lab.add");
        Assert.InRange(sums, 1, Many);
        Assert.Equal(sums, await queues.RemoveAsync("celery", message => message.Task == "lab.add", Cancel));
        Assert.DoesNotContain(await queues.PeekAsync("celery", 0, 10_000, Cancel), queued => queued.Message.Task == "lab.add");
    }

    [Fact]
    public async Task On_RabbitMQ_they_are_listed_and_left_where_they_are()
    {
        string url = (await shared.ServerAsync()).NewUrl();
        await DeclareAsync(url);
        var random = new Random(6);
        AmqpMessage[] recorded = [.. Recorded.OfRabbitMq("563").Concat(Recorded.OfRabbitMq("526")).Where(message => message.Body.Length < 4000)];
        await using (var connection = new RabbitConnection(BrokerUrl.Parse(url), "tests", TimeSpan.FromSeconds(10)))
        {
            await connection.UseAsync(
                async channel =>
                {
                    for (int i = 0; i < Many; i++)
                    {
                        AmqpMessage one = recorded[i % recorded.Length];
                        Dictionary<string, object?> headers = one.Headers.Where(_ => random.Next(20) > 0).ToDictionary(header => header.Key, header => random.Next(8) == 0 ? Odd(random) : header.Value);
                        var properties = new BasicProperties { Headers = headers, ContentType = random.Next(6) == 0 ? "application/x-python-serialize" : one.ContentType, ContentEncoding = one.ContentEncoding };
                        await channel.BasicPublishAsync("", "hostile", mandatory: true, properties, Hostile.Of(one.Body.ToArray(), random), Cancel);
                    }
                    return Many;
                },
                Cancel,
                confirms: true);
        }
        await using IBrokerQueues queues = QueuesAt(url);
        AssertToldWhy([.. (await queues.PeekAsync("hostile", 0, 10_000, Cancel)).Select(queued => queued.Message)]);
        await Eventually.HoldsAsync("they are there still", async () => (await queues.ReadAsync(["hostile"], Cancel))[0].Length == Many);
    }

    static void AssertToldWhy(TaskMessage[] seen)
    {
        Assert.Equal(Many, seen.Length);
        Assert.All(seen, message => Assert.True(message.Problem is { Length: > 0 } || message is { Id.Length: > 0, Task.Length: > 0, Args: not null, Kwargs: not null }, $"{message}"));
        Assert.InRange(seen.Count(message => message.Problem is not null), Many / 4, Many - 1);
        Assert.True(seen.Select(message => message.Problem).Distinct().Count() > 3);
    }

    static byte[] WithHostileBody(byte[] raw, Random random)
    {
        JsonNode envelope = JsonNode.Parse(raw)!;
        envelope["body"] = Convert.ToBase64String(Hostile.Of(Convert.FromBase64String((string)envelope["body"]!), random));
        return Encoding.UTF8.GetBytes(envelope.ToJsonString());
    }

    static object? Odd(Random random) => random.Next(8) switch
    {
        0 => new byte[] { 0xFF, 0xC3, 0x22 }, 1 => long.MinValue, 2 => 1e300, 3 => new List<object?> { null, 1e300, Array.Empty<byte>() },
        4 => new Dictionary<string, object?> { ["deep"] = new List<object?> { new List<object?> { 1 } } }, 5 => true, 6 => new AmqpTimestamp(long.MaxValue / 2), _ => null,
    };

    static async Task DeclareAsync(string url)
    {
        await using var connection = new RabbitConnection(BrokerUrl.Parse(url), "tests", TimeSpan.FromSeconds(10));
        await connection.UseAsync(channel => channel.QueueDeclareAsync("hostile", durable: true, exclusive: false, autoDelete: false, cancellationToken: Cancel), Cancel);
    }

    static IBrokerQueues QueuesAt(string url) => BrokerQueues.Of(new() { Source = "lab", Broker = BrokerUrl.Parse(url) }, TimeProvider.System);
}
