using System.Text;
using Belfry.Celery.Redis;

namespace Belfry.Celery.Tests.Queues;

/// <summary>Messages as Celery writes them, in numbers that its client would take long for.</summary>
static class MadeUpMessages
{
    /// <summary>The task of every second message.</summary>
    public const string Odd = "shop.tasks.odd";

    /// <summary>That of the others.</summary>
    public const string Even = "mail.tasks.even";

    /// <summary>The message of a number.</summary>
    public static string Of(int number, int retries = 0)
    {
        string body = Convert.ToBase64String(Encoding.UTF8.GetBytes($$"""[[{{number}}], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]"""));
        string id = $"00000000-0000-4000-8000-{number:x12}";
        return $$$"""
            {"body": "{{{body}}}", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"lang": "py", "task": "{{{(number % 2 == 1 ? Odd : Even)}}}", "id": "{{{id}}}", "shadow": null, "eta": null, "expires": null, "group": null, "group_index": null, "retries": {{{retries}}}, "timelimit": [null, null], "root_id": "{{{id}}}", "parent_id": null, "argsrepr": "({{{number}}},)", "kwargsrepr": "{}", "origin": "gen1@lab", "ignore_result": false}, "properties": {"correlation_id": "{{{id}}}", "reply_to": "b701b40a-512f-3d24-9460-304e18b1afdb", "delivery_mode": 2, "delivery_info": {"exchange": "", "routing_key": "celery"}, "priority": 0, "body_encoding": "base64", "delivery_tag": "{{{Guid.NewGuid()}}}"}}
            """;
    }

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
