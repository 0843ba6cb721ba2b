using Belfry.Celery.Redis;

namespace Belfry.Celery.Queues;

/// <summary>Moves messages from one list of Redis to another, some at a time, each step of it whole or not at all.</summary>
static class RedisMove
{
    const int AtOnce = 100;

    // The oldest stand at the tail, where LREM begins to look: it finds each at once, unless a worker was faster.
    const string Script = """
        local moved = 0
        for i = 1, #ARGV, 2 do
          if redis.call('LREM', KEYS[1], -1, ARGV[i]) == 1 then
            redis.call('LPUSH', KEYS[2], ARGV[i + 1])
            moved = moved + 1
          end
        end
        return moved
        """;

    /// <summary>Moves the oldest ones, up to a number.</summary>
    public static long Run(RedisConnection connection, string from, string to, string target, long most, Action<long> moved, CancellationToken cancel)
    {
        long done = 0;
        while (done < most)
        {
            cancel.ThrowIfCancellationRequested();
            IReadOnlyList<RespReply> page = connection.Command("LRANGE", from, $"{-Math.Min(AtOnce, most - done)}", "-1").Items ?? [];
            if (page.Count == 0)
            {
                break;
            }
            RespWord[] each = [.. page.Reverse().SelectMany(item => (RespWord[])[item.Bytes!, EnvelopeRoute.To(item.Bytes, target)])];
            RespReply reply = connection.Pipe([["EVAL", Script, 2, from, to, .. each]])[0];
            done += reply.Error is { } error ? throw new RedisException($"EVAL: {error}") : reply.Number ?? 0;
            moved(done);
        }
        return done;
    }
}
