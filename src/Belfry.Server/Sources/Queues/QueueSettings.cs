namespace Belfry.Server.Sources.Queues;

/// <summary>How messages in queues are listed.</summary>
public sealed class QueueSettings
{
    /// <summary>So many messages of a queue are listed at most; 100,000 by default.</summary>
    public int Limit { get; set; } = 100_000;

    /// <summary>How long a list of messages is shown again before the broker is asked anew; 10 s by default, 0 asks each time.</summary>
    public TimeSpan CacheTime { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>What is wrong, each with its key.</summary>
    internal IEnumerable<(string Key, string Problem)> Problems()
    {
        if (Limit is < 1 or > 1_000_000)
        {
            yield return ("Queues:Limit", "is a number from 1 to 1000000");
        }
        if (CacheTime < TimeSpan.Zero || CacheTime > TimeSpan.FromHours(1))
        {
            yield return ("Queues:CacheTime", "is a time up to an hour, e.g. 10s");
        }
    }
}
