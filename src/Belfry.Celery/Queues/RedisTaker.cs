using Belfry.Celery.Redis;

namespace Belfry.Celery.Queues;

/// <summary>
/// Takes messages as a worker of kombu does: into the hash of those that are not acknowledged, in one step. Whoever dies with them in hand loses none:
/// workers put them back after the visibility timeout.
/// </summary>
sealed class RedisTaker(RedisConnection connection, RedisKeys keys, string queue, TimeProvider clock) : IQueueTaker
{
    const string Take = """
        local taken = {}
        for i = 2, #ARGV, 3 do
          if redis.call('LREM', KEYS[1], -1, ARGV[i]) == 1 then
            redis.call('ZADD', KEYS[3], ARGV[1], ARGV[i + 1])
            redis.call('HSET', KEYS[2], ARGV[i + 1], ARGV[i + 2])
            taken[#taken + 1] = (i - 2) / 3
          end
        end
        return taken
        """;

    const string GiveBack = """
        if redis.call('HDEL', KEYS[2], ARGV[1]) == 1 then
          redis.call('ZREM', KEYS[3], ARGV[1])
          redis.call('RPUSH', KEYS[1], ARGV[2])
        end
        return 0
        """;

    readonly string[] _lists = [.. keys.Lists(queue)];
    readonly Dictionary<string, (string List, RawMessage Message)> _inHand = []; // as many as were asked for and not acknowledged
    int _list;
    int _passed; // at the tail of this list, what nobody can read: it stays

    public Task<IReadOnlyList<RawMessage>> NextAsync(int most, CancellationToken cancel) => Task.Run<IReadOnlyList<RawMessage>>(
        () =>
        {
            while (_list < _lists.Length)
            {
                RespReply[] page = [.. (connection.Command("LRANGE", _lists[_list], $"{-(_passed + most)}", $"{-(_passed + 1)}").Items ?? []).Reverse()];
                if (page.Length == 0)
                {
                    (_list, _passed) = (_list + 1, 0);
                    continue;
                }
                RawMessage[] read = [.. page.Select(item => RawMessage.FromRedis(item.Bytes)).OfType<RawMessage>()];
                _passed += page.Length - read.Length;
                if (read.Length > 0 && TakeThese(_lists[_list], read) is { Count: > 0 } taken)
                {
                    return taken;
                }
            }
            return [];
        },
        cancel);

    public Task AcknowledgeAsync(IReadOnlyList<RawMessage> messages, CancellationToken cancel) => Task.Run(
        () =>
        {
            RespWord[] tags = [.. messages.Select(message => (RespWord)message.Tag)];
            RespReply done = connection.Pipe([["MULTI"], ["ZREM", keys.UnackedIndex, .. tags], ["HDEL", keys.Unacked, .. tags], ["EXEC"]])[^1];
            if (done.Error is { } error)
            {
                throw new RedisException($"EXEC: {error}");
            }
            foreach (RawMessage message in messages)
            {
                _inHand.Remove(message.Tag);
            }
        },
        cancel);

    public async ValueTask DisposeAsync()
    {
        await Task.Run(() =>
        {
            try
            {
                // The last one first: at the tail they then stand as they stood.
                connection.Pipe([.. _inHand.Reverse().Select(pair => (RespWord[])
                    ["EVAL", GiveBack, 3, pair.Value.List, keys.Unacked, keys.UnackedIndex, pair.Key, pair.Value.Message.Envelope!.Value])]);
            }
            catch (Exception broken) when (broken is IOException or RedisException or ObjectDisposedException)
            {
                // Then workers give them back.
            }
        });
        connection.Dispose();
    }

    List<RawMessage> TakeThese(string list, RawMessage[] read)
    {
        RespWord[] each = [.. read.SelectMany(message => (RespWord[])[message.Envelope!.Value, message.Tag, Unacked(message.Envelope.Value)])];
        long now = clock.GetUtcNow().ToUnixTimeSeconds();
        RespReply reply = connection.Pipe([["EVAL", Take, 3, list, keys.Unacked, keys.UnackedIndex, now, .. each]])[0];
        if (reply.Error is { } error)
        {
            throw new RedisException($"EVAL: {error}");
        }
        List<RawMessage> taken = [.. reply.Items!.Select(index => read[(int)index.Number!.Value])];
        taken.ForEach(message => _inHand[message.Tag] = (list, message));
        return taken;
    }

    byte[] Unacked(ReadOnlyMemory<byte> envelope) => [.. "["u8, .. envelope.Span, .. ", \"\", "u8, .. System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(queue), .. "]"u8];
}
