using Belfry.Celery.Redis;
using Belfry.Testing;

namespace Belfry.Celery.Tests.Queues;

/// <summary>Messages as Celery writes them, in numbers that its client would take long for.</summary>
static class MadeUpMessages
{
    /// <summary>The task of every second message.</summary>
    public const string Odd = "shop.tasks.odd";

    /// <summary>That of the others.</summary>
    public const string Even = "mail.tasks.even";

    /// <summary>The message of a number.</summary>
    public static string Of(int number, int retries = 0) => MadeUpMessage.Of(number, number % 2 == 1 ? Odd : Even, retries);

    /// <summary>Puts so many at the end of a list.</summary>
    public static void Put(RedisConnection redis, string list, int from, int count)
    {
        foreach (int[] some in Enumerable.Range(from, count).Chunk(1000))
        {
            redis.Pipe([["LPUSH", list, .. some.Select(number => (RespWord)Of(number))]]);
        }
    }

    /// <summary>Puts and takes without pause, as producers and workers do. What it puts says that it is a second try.</summary>
    public static (int Put, int Taken) Traffic(BrokerUrl url, string list, int from, CancellationToken ends)
    {
        using RedisConnection redis = RedisConnection.Open(url, TimeSpan.FromSeconds(5), TimeProvider.System, CancellationToken.None);
        int put = 0, taken = 0;
        while (!ends.IsCancellationRequested)
        {
            IReadOnlyList<RespReply> replies = redis.Pipe([["LPUSH", list, Of(from + put, 1), Of(from + put + 1, 1), Of(from + put + 2, 1)], ["RPOP", list]]);
            put += 3;
            taken += replies[1].Bytes is null ? 0 : 1;
        }
        return (put, taken);
    }
}
