using System.Runtime.CompilerServices;
using Belfry.Celery.Messages;
using Belfry.Celery.Redis;

namespace Belfry.Celery.Queues;

/// <summary>Queues on Redis: each is a list for each step of priorities. New messages come in at its head, workers take them from its tail.</summary>
sealed class RedisQueues(CeleryCluster cluster, TimeProvider clock) : IBrokerQueues
{
    const int PeekedAtOnce = 2000;   // about 2 MB
    const int KeysAtOnce = 1000;     // of a SCAN: less than a millisecond of Redis' time
    const int MostScans = 2000;      // a database of 2 million keys; queues beyond are found by their bindings, or when they are named

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    readonly RedisQuestions _redis = new(cluster.Broker, Patience, clock);
    readonly RedisKeys _keys = new(cluster);

    public string? PeekWarning => null;

    public bool RemovesExactly => true;

    public bool TellsNames => true;

    public Task<IReadOnlyList<string>> NamesAsync(IReadOnlyCollection<string> known, CancellationToken cancel) => _redis.UseAsync<IReadOnlyList<string>>(
        connection =>
        {
            var names = new SortedSet<string>(known, StringComparer.Ordinal);
            foreach (string[] keys in Scan(connection, "MATCH", $"{CeleryCluster.Escaped(_keys.BindingsPrefix)}*"))
            {
                IReadOnlyList<RespReply> members = connection.Pipe([.. keys.Select(key => (RespWord[])["SMEMBERS", key])]);
                names.UnionWith(keys.Zip(members, (key, reply) => _keys.QueuesOf(key, (reply.Items ?? []).Select(item => item.Text ?? ""))).SelectMany(queues => queues));
            }
            foreach (string[] keys in Scan(connection, "TYPE", "list"))
            {
                // An application may keep lists of its own there: only those count that hold messages of tasks.
                (string Key, string Queue)[] unknown = [.. keys.Select(key => (key, _keys.QueueOf(key)!)).Where(list => list.Item2 is { } queue && !names.Contains(queue))];
                IReadOnlyList<RespReply> last = connection.Pipe([.. unknown.Select(list => (RespWord[])["LINDEX", list.Key, -1])]);
                names.UnionWith(unknown.Zip(last).Where(list => list.Second.Bytes is { } bytes && TaskMessage.FromRedis(bytes).Protocol > 0).Select(list => list.First.Queue));
            }
            return [.. names];
        },
        cancel);

    public Task<IReadOnlyList<QueueStanding>> ReadAsync(IReadOnlyCollection<string> queues, CancellationToken cancel) => _redis.UseAsync<IReadOnlyList<QueueStanding>>(
        connection =>
        {
            IReadOnlyList<RespReply> lengths = connection.Pipe([.. queues.SelectMany(_keys.Lists).Select(list => (RespWord[])["LLEN", list])]);
            return [.. queues.Select((queue, index) => Standing(queue, lengths.Skip(index * _keys.Steps.Count)))];
        },
        cancel);

    public Task<IReadOnlyList<QueuedMessage>> PeekAsync(string queue, long position, int most, CancellationToken cancel) => _redis.UseAsync<IReadOnlyList<QueuedMessage>>(
        connection =>
        {
            var found = new List<QueuedMessage>();
            long begin = 0; // of the step, among all
            foreach ((string list, long length) in Lengths(connection, queue))
            {
                for (long at = Math.Max(0, position - begin); at < length && found.Count < most;)
                {
                    RespReply[] page = Page(connection, list, at, Math.Min(PeekedAtOnce, most - found.Count));
                    // To decode a message takes several times as long as to fetch it.
                    IEnumerable<TaskMessage> decoded = page.AsParallel().AsOrdered().Select(item => TaskMessage.FromRedis(item.Bytes));
                    found.AddRange(decoded.Select((message, index) => new QueuedMessage(begin + at + index, message)));
                    at += page.Length;
                    if (page.Length == 0)
                    {
                        break; // workers were faster
                    }
                }
                begin += length;
            }
            return found;
        },
        cancel);

    public async IAsyncEnumerable<QueuedMessage> WalkAsync(string queue, [EnumeratorCancellation] CancellationToken cancel)
    {
        IReadOnlyList<QueuedMessage> page;
        for (long position = 0; (page = await PeekAsync(queue, position, PeekedAtOnce, cancel)).Count > 0; position += page.Count)
        {
            foreach (QueuedMessage message in page)
            {
                yield return message;
            }
        }
    }

    public Task<IReadOnlyDictionary<string, IReadOnlyList<TaskMessage>>> OldestAsync(IReadOnlyCollection<string> queues, CancellationToken cancel) => _redis.UseAsync<IReadOnlyDictionary<string, IReadOnlyList<TaskMessage>>>(
        connection =>
        {
            (string Queue, string List)[] lists = [.. queues.SelectMany(_keys.Lists, (queue, list) => (queue, list))];
            IReadOnlyList<RespReply> last = connection.Pipe([.. lists.Select(list => (RespWord[])["LINDEX", list.List, -1])]);
            return lists.Zip(last).GroupBy(list => list.First.Queue).ToDictionary(
                queue => queue.Key, queue => (IReadOnlyList<TaskMessage>)[.. queue.Where(list => list.Second.Bytes is not null).Select(list => TaskMessage.FromRedis(list.Second.Bytes))]);
        },
        cancel);

    public Task<IReadOnlyList<QueuedMessage>> UnackedAsync(int most, CancellationToken cancel) => _redis.UseAsync<IReadOnlyList<QueuedMessage>>(
        connection =>
        {
            var found = new Dictionary<string, TaskMessage>();
            string cursor = "0";
            do
            {
                RespReply reply = connection.Command("HSCAN", _keys.Unacked, cursor, "COUNT", $"{KeysAtOnce}");
                IReadOnlyList<RespReply> pairs = reply.Items?[1].Items ?? [];
                for (int i = 0; i + 1 < pairs.Count; i += 2)
                {
                    found[pairs[i].Text ?? ""] = TaskMessage.FromUnacked(pairs[i + 1].Bytes);
                }
                cursor = reply.Items?[0].Text ?? "0";
            }
            while (cursor != "0" && found.Count < most);
            return [.. found.Values.Take(most).Select((message, index) => new QueuedMessage(index, message))];
        },
        cancel);

    public Task<long> PurgeAsync(string queue, CancellationToken cancel) => _redis.UseAsync(
        connection =>
        {
            string[] lists = [.. _keys.Lists(queue)];
            RespWord[][] each = [.. lists.SelectMany(list => (RespWord[][])[["LLEN", list], ["DEL", list]])];
            RespReply done = connection.Pipe([["MULTI"], .. each, ["EXEC"]])[^1];
            return done.Error is { } error ? throw new RedisException($"EXEC: {error}") : done.Items!.Where((_, index) => index % 2 == 0).Sum(reply => reply.Number ?? 0);
        },
        cancel);

    public Task<long> RemoveAsync(string queue, Func<TaskMessage, bool> meant, CancellationToken cancel) => _redis.UseAsync(
        connection => Lengths(connection, queue).Sum(list => RedisRemoval.Run(connection, list.Key, list.Length, meant, cancel)), cancel);

    public Task<IQueueTaker> TakeAsync(string queue, CancellationToken cancel) => Task.Run<IQueueTaker>(
        () => new RedisTaker(_redis.Open(cancel), _keys, queue, clock), cancel);

    public Task PutAsync(string queue, IReadOnlyList<RawMessage> messages, CancellationToken cancel) => _redis.UseAsync(
        connection =>
        {
            // The binding is for consumers that never ran, and makes the queue known; kombu writes it before each message, too.
            RespWord[] binding = ["SADD", _keys.BindingsPrefix + queue, $"{queue}{cluster.Separator}{cluster.Separator}{queue}"];
            // One transaction: all of them, or none.
            RespWord[][] each = [.. messages.Select(message => (RespWord[])["LPUSH", _keys.List(queue, _keys.StepOf(message.Priority ?? 0)), message.ToRedis(queue)])];
            RespReply done = connection.Pipe([["MULTI"], binding, .. each, ["EXEC"]])[^1];
            return done.Error is { } error ? throw new RedisException($"EXEC: {error}") : done.Items?.Count ?? 0;
        },
        cancel);

    public Task PublishAsync(string exchange, string routingKey, RawMessage message, CancellationToken cancel) => _redis.UseAsync(
        connection =>
        {
            string[] queues = [.. _keys.QueuesFor(routingKey, (connection.Command("SMEMBERS", _keys.BindingsPrefix + exchange).Items ?? []).Select(member => member.Text ?? ""))];
            if (queues.Length == 0)
            {
                throw new RedisException($"{cluster.Broker}: no queue is bound to exchange '{exchange}' for '{routingKey}': nothing was called");
            }
            int step = _keys.StepOf(message.Priority ?? 0);
            RespReply done = connection.Pipe([["MULTI"], .. queues.Select(queue => (RespWord[])["LPUSH", _keys.List(queue, step), message.ToRedis(exchange, routingKey)]), ["EXEC"]])[^1];
            return done.Error is { } error ? throw new RedisException($"EXEC: {error}") : queues.Length;
        },
        cancel);

    /// <summary>The two are one and the same.</summary>
    public bool IsSame(RedisQueues other) => $"{cluster.Broker}" == $"{other.Cluster.Broker}" && cluster.KeyPrefix == other.Cluster.KeyPrefix;

    /// <summary>Moves within this Redis: each message is in one of the two queues at any time.</summary>
    public Task<long> MoveAsync(string queue, string target, long most, IProgress<long>? moved, CancellationToken cancel) => _redis.UseAsync(
        connection =>
        {
            long done = 0;
            foreach (int step in _keys.Steps)
            {
                done += RedisMove.Run(connection, _keys.List(queue, step), _keys.List(target, step), target, most - done, told => moved?.Report(done + told), cancel);
            }
            return done;
        },
        cancel);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    CeleryCluster Cluster => cluster;

    QueueStanding Standing(string queue, IEnumerable<RespReply> lengths)
    {
        // A list that is none of kombu's under that name answers with an error.
        var waiting = _keys.Steps.Zip(lengths, (step, reply) => (step, reply.Number ?? 0)).Where(step => step.Item2 > 0).ToDictionary(step => step.step, step => step.Item2);
        return new QueueStanding(queue, waiting.Values.Sum(), waiting, null);
    }

    List<(string Key, long Length)> Lengths(RedisConnection connection, string queue)
    {
        string[] lists = [.. _keys.Lists(queue)];
        return [.. lists.Zip(connection.Pipe([.. lists.Select(list => (RespWord[])["LLEN", list])]), (list, reply) => (list, reply.Number ?? 0))];
    }

    /// <summary>A page as workers take them: from the tail. Counted from there, it does not move when new ones come.</summary>
    static RespReply[] Page(RedisConnection connection, string list, long at, int most) =>
        [.. (connection.Command("LRANGE", list, $"{-(at + most)}", $"{-(at + 1)}").Items ?? []).Reverse()];

    static IEnumerable<string[]> Scan(RedisConnection connection, string what, string value)
    {
        string cursor = "0";
        for (int scans = 0; scans < MostScans; scans++)
        {
            RespReply reply = connection.Pipe([["SCAN", cursor, what, value, "COUNT", KeysAtOnce]])[0];
            if (reply.Items is not [{ Text: { } next }, { Items: { } keys }])
            {
                yield break; // before version 6 it knows no types; a user may be forbidden to look around
            }
            if (keys.Count > 0)
            {
                yield return [.. keys.Select(key => key.Text ?? "")];
            }
            if ((cursor = next) == "0")
            {
                yield break;
            }
        }
    }
}
