namespace Belfry.Celery.Redis;

/// <summary>Finds the Redis that is the master now: by its Sentinels, or in a list of brokers.</summary>
/// <remarks>
/// As Redis' guide for clients of Sentinel has it: the first Sentinel that answers is believed, and the one that it names is asked for its role, because during
/// a failover a Sentinel may still name the old master. Who lost his connection asks anew; an instance that Sentinel demotes closes those that it has.
/// </remarks>
sealed class RedisMaster(BrokerUrl url, TimeSpan timeout, TimeProvider clock)
{
    // A Sentinel answers at once or is away; with a longer wait for each a list of them would take minutes.
    static readonly TimeSpan SentinelPatience = TimeSpan.FromSeconds(2);

    /// <summary>Connects to it.</summary>
    /// <exception cref="RedisException">All refused; the message is for an operator.</exception>
    /// <exception cref="IOException">There is none that can be reached.</exception>
    public RedisConnection Open(CancellationToken cancel)
    {
        var problems = new List<Exception>();
        foreach (Func<BrokerUrl> place in url.Sentinels.Count > 0 ? url.Sentinels.Select(sentinel => (Func<BrokerUrl>)(() => Ask(sentinel, cancel))) : Listed())
        {
            try
            {
                return OpenMaster(place(), cancel);
            }
            catch (Exception problem) when (problem is IOException or RedisException && !cancel.IsCancellationRequested)
            {
                problems.Add(problem);
            }
        }
        string told = string.Join("; ", problems.Select(problem => problem.Message).Distinct());
        throw problems.TrueForAll(problem => problem is RedisException) ? new RedisException(told) : new IOException(told, problems[0]);
    }

    IEnumerable<Func<BrokerUrl>> Listed() => url.Others.Prepend(url with { Others = [] }).Select(place => (Func<BrokerUrl>)(() => place));

    BrokerUrl Ask(BrokerUrl sentinel, CancellationToken cancel)
    {
        TimeSpan patience = timeout < SentinelPatience ? timeout : SentinelPatience;
        using RedisConnection connection = RedisConnection.OpenAt(sentinel, patience, clock, cancel);
        connection.ReadTimeout = patience;
        RespReply master = connection.Command("SENTINEL", "get-master-addr-by-name", url.MasterName ?? "");
        return master.Items is [{ Text: { } host }, { Text: { } port }] && int.TryParse(port, out int number)
            ? url.At(host, number)
            : throw new RedisException($"the Sentinel {sentinel.Host}:{sentinel.Port} knows no master '{url.MasterName}'");
    }

    RedisConnection OpenMaster(BrokerUrl place, CancellationToken cancel)
    {
        RedisConnection connection = RedisConnection.OpenAt(place, timeout, clock, cancel);
        try
        {
            return RoleOf(connection) is "master" or null ? connection : throw new IOException($"{place} is a replica");
        }
        catch (Exception)
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>A user may be allowed to listen and nothing else; then it is taken for what it was named as.</summary>
    string? RoleOf(RedisConnection connection)
    {
        connection.ReadTimeout = timeout;
        try
        {
            return connection.Command("ROLE").Items is [{ Text: { } role }, ..] ? role : null;
        }
        catch (RedisException)
        {
            return null;
        }
        finally
        {
            connection.ReadTimeout = TimeSpan.Zero; // without end, as before
        }
    }
}
