using Belfry.Celery.Messages;
using Belfry.Celery.Redis;

namespace Belfry.Celery.Queues;

/// <summary>
/// Takes single messages out of a list of Redis, by their exact bytes. LREM for each of them would look through the list each time: here those of a page are
/// marked at their places, and one LREM takes the marks.
/// </summary>
static class RedisRemoval
{
    const int PageSize = 1000; // an EVAL of some milliseconds, of about 1 MB

    /// <summary>So many may be taken by workers between two pages before the place is lost, and the search begins again at the tail.</summary>
    const int Slack = 500;

    // Nobody sees the marks: the script is one step for all others. A message that is there twice goes as often as it was meant.
    const string Script = """
        local mark = 'belfry takes this out'
        local left = {}
        for i = 3, #ARGV do left[ARGV[i]] = (left[ARGV[i]] or 0) + 1 end
        local from = math.max(0, redis.call('LLEN', KEYS[1]) + tonumber(ARGV[1]))
        local gone = 0
        for i, item in ipairs(redis.call('LRANGE', KEYS[1], from, tonumber(ARGV[2]))) do
          if (left[item] or 0) > 0 then
            left[item] = left[item] - 1
            redis.call('LSET', KEYS[1], from + i - 1, mark)
            gone = gone + 1
          end
        end
        if gone > 0 then redis.call('LREM', KEYS[1], 0, mark) end
        for item, times in pairs(left) do
          if times > 0 then gone = gone + redis.call('LREM', KEYS[1], -times, item) end
        end
        return gone
        """;

    /// <summary>
    /// Looks through a list from its tail, the oldest first, and takes out what is meant. Places are counted from the tail, where new ones move nothing; that
    /// workers took some in between shows in the last one that was left, which stands nearer to the tail then.
    /// </summary>
    public static long Run(RedisConnection connection, string list, long length, Func<TaskMessage, bool> meant, CancellationToken cancel)
    {
        long gone = 0, seen = 0; // those that were looked at and left, all between here and the tail
        byte[]? last = null;     // of these the one that stands farthest from it
        // Twice as many pages as there are, for what is looked at again: a list that grows faster than it is read has an end, too.
        for (long pages = 2 * ((length / PageSize) + 4); pages > 0; pages--)
        {
            cancel.ThrowIfCancellationRequested();
            long near = Math.Max(0, seen - Slack);
            byte[][] page = [.. (connection.Command("LRANGE", list, $"{-(seen + PageSize)}", $"{-(near + 1)}").Items ?? []).Select(item => item.Bytes!).Reverse()];
            int again = last is null ? 0 : Array.FindIndex(page, item => item.AsSpan().SequenceEqual(last)) + 1;
            if (last is not null && again == 0)
            {
                (seen, last) = (0, null); // they are all gone, or too many
                continue;
            }
            seen = near + again;
            byte[][] fresh = page[again..];
            if (fresh.Length == 0)
            {
                break;
            }
            ILookup<bool, byte[]> these = fresh.ToLookup(item => meant(TaskMessage.FromRedis(item)));
            gone += these[true].Any() ? Take(connection, list, seen + fresh.Length, Math.Max(0, seen - Slack), these[true]) : 0;
            seen += these[false].Count();
            last = these[false].LastOrDefault() ?? last;
        }
        return gone;
    }

    static long Take(RedisConnection connection, string list, long far, long near, IEnumerable<byte[]> these)
    {
        RespReply reply = connection.Pipe([["EVAL", Script, 1, list, -far, -(near + 1), .. these.Select(item => (RespWord)item)]])[0];
        return reply.Error is { } error ? throw new RedisException($"EVAL: {error}") : reply.Number ?? 0;
    }
}
