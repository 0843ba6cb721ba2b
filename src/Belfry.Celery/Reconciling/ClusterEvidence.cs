using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Belfry.Celery.Control;
using Belfry.Celery.Messages;
using Belfry.Celery.Queues;
using Belfry.Celery.Redis;
using Belfry.Celery.Results;

namespace Belfry.Celery.Reconciling;

/// <summary>Asks a cluster what became of runs: its result backend, its workers, its broker. Paced, so that nobody else waits for it. For one asker.</summary>
/// <param name="cluster">The cluster.</param>
/// <param name="control">Speaks to its workers.</param>
/// <param name="queues">Its queues.</param>
/// <param name="results">Its result backend; null where it is not known, or cannot be read.</param>
/// <param name="clock">The clock.</param>
public sealed class ClusterEvidence(CeleryCluster cluster, RemoteControl control, IBrokerQueues queues, IResultBackend? results, TimeProvider clock)
{
    // A worker's main loop stands still for 34 ms while it looks up 10,000; 500 at once it does not notice.
    const int Batch = 500;

    // Reading 100,000 messages takes 88 MB of the broker's traffic; a queue of so many is not the place to look for a few.
    const int LongestQueue = 50_000;

    // To look at so many keys takes 50 questions and 0.2 s of Redis' time.
    const int FewKeys = 50_000;

    // After each batch four times as long is left to others.
    const int Courtesy = 4;

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // To find them takes a look at every key of the database, and there may be a million; rounds come every few seconds.
    static readonly TimeSpan NamesKept = TimeSpan.FromMinutes(1);

    readonly RedisQuestions _redis = new(cluster.Broker, Patience, clock); // nobody asks it where the broker is RabbitMQ
    readonly BrokerLife _life = new();
    IReadOnlyList<string>? _names;
    long _named;

    /// <summary>How long workers are waited for.</summary>
    public static readonly TimeSpan ForWorkers = TimeSpan.FromSeconds(2);

    /// <summary>The broker gives messages back when a connection ends, and does not let look into its queues.</summary>
    public bool IsRabbitMq => cluster.Broker.Kind == BrokerKind.RabbitMq;

    /// <summary>The records of runs; those that have none are left out.</summary>
    public async Task<IReadOnlyDictionary<string, ResultEvidence>> RecordsAsync(IReadOnlyCollection<string> ids, CancellationToken cancel)
    {
        var found = new Dictionary<string, ResultEvidence>(StringComparer.Ordinal);
        if (results is null)
        {
            return found;
        }
        await PacedAsync(
            ids.Chunk(Batch),
            async batch =>
            {
                foreach ((string id, ResultRecord record) in await results.ReadAsync(batch, cancel))
                {
                    if (Of(record) is { } evidence)
                    {
                        found[id] = evidence;
                    }
                }
            },
            cancel);
        return found;
    }

    /// <summary>Asks workers for runs.</summary>
    /// <param name="ids">The runs; null for all that they have.</param>
    /// <param name="awaited">Who is waited for; others may answer as well.</param>
    /// <param name="silent">Workers that do not beat: whether they are there is asked of a broker that tells.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<WorkerAnswers> AskAsync(IReadOnlyCollection<string>? ids, IReadOnlyCollection<string> awaited, IReadOnlyCollection<string> silent, CancellationToken cancel)
    {
        var answers = new WorkerAnswers();
        HashSet<string>? wanted = ids?.ToHashSet(StringComparer.Ordinal);
        // Who was silent once is not waited for at each further question; where nobody answered there is nobody to be asked.
        bool isAnybodyThere = true;
        async Task AddAsync(string method, JsonObject? arguments, WorkerSays says)
        {
            if (isAnybodyThere)
            {
                ControlAnswer answer = await control.AskAsync(method, arguments, [], ForWorkers, [.. awaited.Union(answers.Answered).Except(answers.Silent)], cancel);
                answers.Add(answer, says, id => wanted?.Contains(id) != false);
                isAnybodyThere = answers.Answered.Any();
            }
        }
        if (ids is null)
        {
            await AddAsync("active", null, WorkerSays.Active);
            await AddAsync("reserved", null, WorkerSays.Reserved);
        }
        else
        {
            await PacedAsync(
                ids.Chunk(Batch).TakeWhile(_ => isAnybodyThere), batch => AddAsync("query_task", new JsonObject { ["ids"] = new JsonArray([.. batch.Select(id => JsonValue.Create(id))]) }, WorkerSays.Reserved), cancel);
        }
        // Who waits for its time is known to nobody else.
        await AddAsync("scheduled", null, WorkerSays.Scheduled);
        string[] mute = [.. silent.Except(answers.Answered)];
        if (IsRabbitMq && mute.Length > 0)
        {
            answers.Connected = (await control.FindAsync(mute, cancel)).Where(found => found.Value != Presence.Gone).Select(found => found.Key).ToHashSet(StringComparer.Ordinal);
        }
        return answers;
    }

    /// <summary>Tasks with a rate limit: a worker may hold their runs without listing them. Null when no worker tells.</summary>
    public async Task<IReadOnlySet<string>?> RateLimitedAsync(IReadOnlyCollection<string> awaited, CancellationToken cancel)
    {
        ControlAnswer answer = await control.AskAsync("registered", new JsonObject { ["taskinfoitems"] = new JsonArray("rate_limit") }, [], ForWorkers, awaited, cancel);
        // "lab.add", "lab.slow [rate_limit=10/m]"
        return answer.Replies.Count == 0 ? null
            : answer.Replies.Values.Where(tasks => tasks.ValueKind == System.Text.Json.JsonValueKind.Array).SelectMany(tasks => tasks.EnumerateArray())
                .Select(task => task.Text()).OfType<string>().Where(task => task.EndsWith(']')).Select(task => task.Split(' ')[0]).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>What workers say of themselves; those that say nothing are left out.</summary>
    public async Task<IReadOnlyDictionary<string, WorkerStats>> StatsAsync(IReadOnlyCollection<string> awaited, CancellationToken cancel) =>
        (await control.AskAsync("stats", null, [], ForWorkers, awaited, cancel)).Replies.ToDictionary(reply => reply.Key, reply => WorkerStats.Read(reply.Value), StringComparer.Ordinal);

    /// <summary>Looks for messages of runs that wait.</summary>
    /// <param name="ids">The runs; null for all that are there.</param>
    /// <param name="known">Names of queues that are known from elsewhere.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<BrokerLook> LookAsync(IReadOnlyCollection<string>? ids, IReadOnlyCollection<string> known, CancellationToken cancel)
    {
        HashSet<string>? wanted = ids?.ToHashSet(StringComparer.Ordinal);
        // Of a run that names no queue nobody knows better than that it was sent to the usual one.
        IReadOnlyList<QueueStanding> standing = await queues.ReadAsync(await NamesAsync(IsRabbitMq ? [.. known.Append(cluster.DefaultQueue).Distinct()] : known, anew: ids is null, cancel), cancel);
        if (IsRabbitMq)
        {
            return new BrokerLook { Drained = standing.All(queue => queue.Length is null or 0) };
        }
        var queued = new Dictionary<string, MessageEvidence>(StringComparer.Ordinal);
        await PacedAsync(
            standing.Where(queue => queue.Length is > 0 and <= LongestQueue),
            async queue => Add(await queues.PeekAsync(queue.Name, 0, LongestQueue, cancel), queued, wanted, taken: null),
            cancel);
        var unacked = new Dictionary<string, MessageEvidence>(StringComparer.Ordinal);
        IReadOnlyList<QueuedMessage> held = await queues.UnackedAsync(LongestQueue, cancel);
        (IReadOnlyDictionary<string, Instant>? taken, Instant? since) = held.Count == 0 ? (null, null) : await TakenAsync(cancel);
        Add(held, unacked, wanted, taken);
        return new BrokerLook { Queued = queued, Unacked = unacked, Since = since, Complete = held.Count < LongestQueue && standing.All(queue => queue.Length is null or <= LongestQueue) };
    }

    /// <summary>To search the result backend is a moment's work; where it cannot be searched that is none.</summary>
    public async Task<bool> IsSearchCheapAsync(CancellationToken cancel) => results is not RedisResults redis || await redis.CountAsync(cancel) <= FewKeys;

    /// <summary>Ids of runs whose records were written since an instant, a page at a time; none where the backend cannot be searched.</summary>
    /// <remarks>
    /// Redis tells for how long a record will still be kept, and not when it was written. But all are kept equally long at first (<c>result_expires</c>), so the one
    /// that is kept longest was written last, and another as much earlier as it goes sooner. Until that one is found rather too many are given than too few.
    /// </remarks>
    public async IAsyncEnumerable<IReadOnlyList<string>> FindRecordsAsync(Instant since, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (results is not RedisResults redis)
        {
            yield break;
        }
        long began = clock.GetTimestamp();
        TimeSpan longest = TimeSpan.Zero;
        await foreach (IReadOnlyList<StoredResult> page in redis.ScanAsync(cancel))
        {
            Instant now = Instant.Now(clock);
            TimeSpan pause = clock.GetElapsedTime(began) * Courtesy;
            longest = page.Select(stored => stored.Left ?? longest).Append(longest).Max();
            yield return [.. page.Where(stored => stored.Left is not { } left || now - (longest - left) >= since).Select(stored => stored.Id)];
            await Task.Delay(pause, clock, cancel);
            began = clock.GetTimestamp();
        }
    }

    async Task<IReadOnlyCollection<string>> NamesAsync(IReadOnlyCollection<string> known, bool anew, CancellationToken cancel)
    {
        if (anew || _names is null || clock.GetElapsedTime(_named) >= NamesKept)
        {
            (_names, _named) = (await queues.NamesAsync([], cancel), clock.GetTimestamp());
        }
        return [.. _names.Union(known)];
    }

    static void Add(IEnumerable<QueuedMessage> messages, Dictionary<string, MessageEvidence> to, HashSet<string>? wanted, IReadOnlyDictionary<string, Instant>? taken)
    {
        foreach (TaskMessage message in messages.Select(queued => queued.Message))
        {
            if (message.Id is { } id && wanted?.Contains(id) != false)
            {
                Instant? at = taken is not null && message.DeliveryTag is { } tag && taken.TryGetValue(tag, out Instant when) ? when : null;
                // Of a run that is there twice the later attempt is the open one.
                to[id] = to.TryGetValue(id, out MessageEvidence? other) && other.Attempt > message.Retries + 1 ? other : new MessageEvidence(message.Retries + 1, message.Task, at);
            }
        }
    }

    /// <summary>When workers took what they have not acknowledged, by delivery tag; and since when this is the broker that it is.</summary>
    Task<(IReadOnlyDictionary<string, Instant>? Taken, Instant? Since)> TakenAsync(CancellationToken cancel) => _redis.UseAsync<(IReadOnlyDictionary<string, Instant>?, Instant?)>(
        connection =>
        {
            var taken = new Dictionary<string, Instant>(StringComparer.Ordinal);
            IReadOnlyList<RespReply> pairs = connection.Command("ZRANGE", new RedisKeys(cluster).UnackedIndex, "0", $"{LongestQueue}", "WITHSCORES").Items ?? [];
            for (int i = 0; i + 1 < pairs.Count; i += 2)
            {
                if (double.TryParse(pairs[i + 1].Text, System.Globalization.CultureInfo.InvariantCulture, out double score))
                {
                    taken[pairs[i].Text ?? ""] = Instant.FromUnixSeconds(score);
                }
            }
            // A user may lack the right to ask; everything else goes without it.
            return (taken, _life.Read(connection.Pipe([["INFO", "server"]])[0] is { Error: null, Text: { } info } ? info : null, Instant.Now(clock)));
        },
        cancel);

    async Task PacedAsync<T>(IEnumerable<T> batches, Func<T, Task> ask, CancellationToken cancel)
    {
        TimeSpan pause = TimeSpan.Zero;
        foreach (T batch in batches)
        {
            await Task.Delay(pause, clock, cancel);
            long began = clock.GetTimestamp();
            await ask(batch);
            pause = clock.GetElapsedTime(began) * Courtesy;
        }
    }

    static ResultEvidence? Of(ResultRecord record) => record.Status is null ? null : new ResultEvidence(record.Status)
    {
        Done = record.Done, Attempt = record.Retries + 1, Worker = record.Worker, Task = record.Task, Queue = record.Queue, Args = record.Args, Kwargs = record.Kwargs,
        Result = record.Status == "SUCCESS" ? record.Result : null, Exception = record.Exception, Traceback = record.Traceback,
        Reason = record.Status != "REVOKED" ? null
            : record.Exception?.Contains("expired", StringComparison.Ordinal) == true ? "expired"
            : record.Exception?.Contains("terminated", StringComparison.Ordinal) == true ? "terminated"
            : "revoked",
    };
}
