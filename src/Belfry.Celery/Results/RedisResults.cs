using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Belfry.Celery.Redis;

namespace Belfry.Celery.Results;

/// <summary>Results on Redis: a key for each run, and a message of the same name when it changes.</summary>
public sealed class RedisResults : IResultBackend
{
    // One answer of Redis; beyond that others wait for it noticeably.
    const int Batch = 500;

    // More at once holds others up for milliseconds: 10,000 took 45 ms.
    const int ScanCount = 1000;

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    readonly RedisQuestions _redis;
    readonly TimeProvider _clock;
    readonly string _runs, _groups;

    /// <summary>The results of one application.</summary>
    /// <param name="url">The database in which the results are; often not the broker's.</param>
    /// <param name="keyPrefix">The backend's own <c>global_keyprefix</c> (<c>result_backend_transport_options</c>).</param>
    /// <param name="clock">The clock.</param>
    public RedisResults(BrokerUrl url, string keyPrefix, TimeProvider clock)
    {
        (_redis, _clock) = (new RedisQuestions(url, Patience, clock), clock);
        // Celery's rule: the prefix ends in one of these, or in an underscore that it adds.
        string prefix = keyPrefix.Length == 0 || keyPrefix[^1] is ':' or '_' or '-' or '.' ? keyPrefix : $"{keyPrefix}_";
        (_runs, _groups) = ($"{prefix}celery-task-meta-", $"{prefix}celery-taskset-meta-");
    }

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, ResultRecord>> ReadAsync(IReadOnlyCollection<string> ids, CancellationToken cancel) => _redis.UseAsync<IReadOnlyDictionary<string, ResultRecord>>(
        connection =>
        {
            var records = new Dictionary<string, ResultRecord>(StringComparer.Ordinal);
            foreach (string[] batch in ids.Chunk(Batch))
            {
                IReadOnlyList<RespReply> values = connection.Command(["MGET", .. batch.Select(id => _runs + id)]).Items!;
                foreach ((string id, RespReply value) in batch.Zip(values))
                {
                    if (value.Bytes is { } bytes)
                    {
                        records[id] = ResultRecord.FromStored(id, bytes);
                    }
                }
            }
            return records;
        },
        cancel);

    /// <inheritdoc/>
    public Task<ResultRecord?> WaitAsync(string id, TimeSpan timeout, CancellationToken cancel) => _redis.UseAsync(listening => Wait(listening, id, timeout, cancel), cancel);

    /// <inheritdoc/>
    public Task<GroupRecord> GroupAsync(string group, CancellationToken cancel) => _redis.UseAsync(
        connection =>
        {
            // Of a chord that is not complete its size is there.
            IReadOnlyList<RespReply> kept = connection.Pipe([["GET", _groups + group], ["GET", $"{_groups}{group}.s"]]);
            return kept[0].Bytes is { } bytes ? GroupRecord.Of(ResultReader.Members(bytes))
                : int.TryParse(kept[1].Text, NumberStyles.None, CultureInfo.InvariantCulture, out int size) ? new GroupRecord([], size) : GroupRecord.None;
        },
        cancel);

    /// <inheritdoc/>
    public Task<string?> ReplyToAsync(CancellationToken cancel) => Task.FromResult<string?>(null);

    /// <summary>How many keys the database has, whosever they are.</summary>
    public Task<long> CountAsync(CancellationToken cancel) => _redis.UseAsync(connection => connection.Command("DBSIZE").Number ?? long.MaxValue, cancel);

    /// <summary>The ids of all runs of which something is kept, a page at a time: whoever asks sets the pace by when it asks for the next one.</summary>
    public async IAsyncEnumerable<IReadOnlyList<StoredResult>> ScanAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        using RedisConnection connection = await Task.Run(() => _redis.Open(cancel), cancel);
        using CancellationTokenRegistration closing = cancel.Register(connection.Dispose);
        string cursor = "0";
        do
        {
            (cursor, IReadOnlyList<StoredResult> page) = await Task.Run(() => Page(connection, cursor), cancel);
            yield return page;
        }
        while (cursor != "0");
    }

    (string Next, IReadOnlyList<StoredResult> Page) Page(RedisConnection connection, string cursor)
    {
        IReadOnlyList<RespReply> reply = connection.Command("SCAN", cursor, "MATCH", $"{CeleryCluster.Escaped(_runs)}*", "COUNT", $"{ScanCount}").Items!;
        string[] ids = [.. reply[1].Items!.Select(key => key.Text![_runs.Length..])];
        IReadOnlyList<RespReply> left = ids.Length == 0 ? [] : connection.Pipe([.. ids.Select(id => (RespWord[])["PTTL", _runs + id])]);
        // -2: it went in the meantime; -1: it is kept for ever.
        return (reply[0].Text!, [.. ids.Zip(left).Where(pair => pair.Second.Number is not -2)
            .Select(pair => new StoredResult(pair.First, pair.Second.Number is >= 0 and { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : null))]);
    }

    ResultRecord? Wait(RedisConnection listening, string id, TimeSpan timeout, CancellationToken cancel)
    {
        Instant end = Instant.Now(_clock) + timeout;
        // First listen, then look: what is written between the two is heard.
        listening.Send("SUBSCRIBE", _runs + id);
        var heard = new PubSubMessages(listening);
        // The answer to the subscription; what is published from now on comes after it.
        heard.Next(Patience);
        ResultRecord? record = Look(id, cancel);
        while (record is not { IsFinal: true })
        {
            TimeSpan left = end - Instant.Now(_clock);
            if (left <= TimeSpan.Zero || heard.Next(left) is not { } message)
            {
                // The last look is for those that have the key without the message.
                return left > TimeSpan.Zero ? Look(id, cancel) ?? record : record;
            }
            record = message.Length > 0 ? ResultRecord.FromStored(id, message) : record;
        }
        return record;
    }

    ResultRecord? Look(string id, CancellationToken cancel)
    {
        using RedisConnection connection = _redis.Open(cancel);
        return connection.Command("GET", _runs + id).Bytes is { } bytes ? ResultRecord.FromStored(id, bytes) : null;
    }
}

/// <summary>A run of which something is kept.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Left">How long it will still be kept; null for ever. It was written as much earlier as is missing from Celery's <c>result_expires</c>.</param>
public sealed record StoredResult(string Id, TimeSpan? Left);
