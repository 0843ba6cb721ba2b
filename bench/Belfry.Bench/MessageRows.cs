using System.Diagnostics;
using System.Text.Json;
using Belfry.Celery;
using Belfry.Celery.Queues;
using Belfry.Testing;

namespace Belfry.Bench;

/// <summary>Messages that wait in a queue on Redis: listed, and those of one task purged.</summary>
static class MessageRows
{
    const string Queue = "celery", Task = "shop.tasks.odd", Other = "mail.tasks.even", Peer = "Python's redis client";
    const int AtOnce = 1000;

    /// <summary>Row <c>queue-list</c>: 100,000 messages, every second of them of the task that goes (a tenth of it with --small).</summary>
    public static async Task<IReadOnlyList<Figure>> ListAsync(bool small)
    {
        int messages = small ? 10_000 : 100_000;
        await using RedisServer redis = await RedisServer.StartAsync();
        await using IBrokerQueues queues = BrokerQueues.Of(new() { Source = "bench", Broker = BrokerUrl.Parse(redis.Url) }, TimeProvider.System);
        await FillAsync(redis, AtOnce);
        await queues.PeekAsync(Queue, 0, AtOnce, CancellationToken.None); // the runtime compiles while it runs
        await queues.RemoveAsync(Queue, message => message.Task == Task, CancellationToken.None);
        await queues.PurgeAsync(Queue, CancellationToken.None);
        await FillAsync(redis, messages);

        long begin = Stopwatch.GetTimestamp();
        int listed = (await queues.PeekAsync(Queue, 0, messages, CancellationToken.None)).Count(message => message.Message.Problem is null);
        double listing = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        begin = Stopwatch.GetTimestamp();
        long gone = await queues.RemoveAsync(Queue, message => message.Task == Task, CancellationToken.None);
        double removing = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        long left = (await queues.ReadAsync([Queue], CancellationToken.None))[0].Length ?? 0;
        if (listed != messages || gone != messages / 2 || left != messages - gone)
        {
            throw new InvalidOperationException($"{listed} were listed, {gone} purged, {left} left");
        }
        await queues.PurgeAsync(Queue, CancellationToken.None);
        await FillAsync(redis, messages);
        Finished told = await ChildProcess.RunAsync(Machine.Python, ["queue_peer.py", $"{redis.Port}", Queue, Task], AppContext.BaseDirectory);
        using JsonDocument peer = JsonDocument.Parse(told.Code == 0 ? told.Output : throw new InvalidOperationException(told.Errors));
        double Number(string name) => peer.RootElement.GetProperty(name).GetDouble();
        return
        [
            new Figure("queue-list", messages / listing, "messages/s", 30_000, AtLeast: true, Peer, messages / Number("listed")),
            new Figure("queue-list-purge", gone / removing, "messages/s", 15_000, AtLeast: true, Peer, Number("gone") / Number("removed")),
        ];
    }

    static async Task FillAsync(RedisServer redis, int messages)
    {
        foreach (int[] some in Enumerable.Range(0, messages).Chunk(AtOnce))
        {
            await redis.AskAsync(["LPUSH", Queue, .. some.Select(number => MadeUpMessage.Of(number, number % 2 == 1 ? Task : Other))]);
        }
    }
}
