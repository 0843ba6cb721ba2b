using Belfry.Celery;
using Belfry.Celery.Results;

namespace Belfry.Server.Sources;

/// <summary>A Celery cluster to listen to: one entry of <c>Sources</c> in the configuration.</summary>
public sealed class SourceSettings
{
    /// <summary>Its name in the log; <c>celery</c> by default. Names differ, and <c>local</c> is taken.</summary>
    public string Name { get; set; } = "celery";

    /// <summary>
    /// Its broker: <c>redis://[user:password@]host:port/db</c>, <c>rediss://…</c>, <c>redis+socket:///path?virtual_host=db</c>,
    /// <c>amqp://[user:password@]host:port/vhost</c> or <c>amqps://…</c>; several to be tried in turn,
    /// or Sentinels (<c>sentinel://host:port/db;sentinel://host:port</c>), divided by semicolons.
    /// </summary>
    public string Broker { get; set; } = "";

    /// <summary>What Sentinels call the master, Celery's transport option <c>master_name</c>; for <c>sentinel://</c>.</summary>
    public string? MasterName { get; set; }

    /// <summary>The user of the Sentinels themselves, where they have one.</summary>
    public string? SentinelUser { get; set; }

    /// <summary>The password of the Sentinels themselves, where they have one; that of the Redis stands in <c>Broker</c>.</summary>
    public string? SentinelPassword { get; set; }

    /// <summary>Celery's <c>result_backend</c>: <c>redis://…</c>, <c>sentinel://…</c>; empty when results are not read.</summary>
    public string ResultBackend { get; set; } = "";

    /// <summary>The <c>global_keyprefix</c> of <c>result_backend_transport_options</c>; none by default.</summary>
    public string ResultKeyPrefix { get; set; } = "";

    /// <summary>Kombu's <c>global_keyprefix</c>; none by default.</summary>
    public string KeyPrefix { get; set; } = "";

    /// <summary>Kombu's <c>fanout_prefix</c> where it was set to a text; empty where it is off; its default <c>/{db}.</c> when null.</summary>
    public string? FanoutPrefix { get; set; }

    /// <summary>Celery's <c>event_exchange</c>; <c>celeryev</c> by default.</summary>
    public string EventExchange { get; set; } = "celeryev";

    /// <summary>Celery's <c>control_exchange</c>; <c>celery</c> by default.</summary>
    public string ControlExchange { get; set; } = "celery";

    /// <summary>Kombu's <c>sep</c> on Redis where it was changed; its default, the two characters 0x06 0x16, when null.</summary>
    public string? Separator { get; set; }

    /// <summary>Kombu's <c>priority_steps</c> on Redis, most urgent first; 0, 3, 6, 9 by default.</summary>
    public List<int> PrioritySteps { get; set; } = [0, 3, 6, 9];

    /// <summary>Kombu's <c>unacked_key</c> on Redis; <c>unacked</c> by default.</summary>
    public string UnackedKey { get; set; } = "unacked";

    /// <summary>Kombu's <c>unacked_index_key</c> on Redis; <c>unacked_index</c> by default.</summary>
    public string UnackedIndexKey { get; set; } = "unacked_index";

    /// <summary>Celery's <c>task_default_queue</c>; <c>celery</c> by default.</summary>
    public string DefaultQueue { get; set; } = "celery";

    /// <summary>Queues that are to be watched although neither broker nor workers nor runs tell of them; none by default.</summary>
    public List<string> Queues { get; set; } = [];

    /// <summary>Name of our queue of events on RabbitMQ; <c>celeryev.belfry.NAME</c> by default. Two servers with logs of their own need two.</summary>
    public string? EventQueue { get; set; }

    /// <summary>Messages that RabbitMQ keeps for us while we are away or slow; of more the oldest are dropped, and told as a gap. 1,000,000 by default.</summary>
    public int EventQueueLimit { get; set; } = 1_000_000;

    /// <summary>How long RabbitMQ keeps that queue while nobody reads it; a day by default.</summary>
    public TimeSpan EventQueueExpires { get; set; } = TimeSpan.FromDays(1);

    /// <summary>Workers are asked to send events, so that they need no <c>-E</c>; true by default.</summary>
    public bool EnableEvents { get; set; } = true;

    /// <summary>What is wrong with these sources: the key within <c>Sources</c>, and a sentence.</summary>
    public static IEnumerable<(string Key, string Problem)> Problems(IReadOnlyList<SourceSettings> sources)
    {
        for (int i = 0; i < sources.Count; i++)
        {
            SourceSettings source = sources[i];
            foreach ((string key, string problem) in source.Problems())
            {
                yield return ($"{i}:{key}", problem);
            }
            if (sources.Take(i).Any(other => string.Equals(other.Name, source.Name, StringComparison.Ordinal)))
            {
                yield return ($"{i}:Name", $"two sources are called {source.Name}");
            }
        }
    }

    /// <summary>What is wrong with this source alone: its key, and a sentence.</summary>
    public IEnumerable<(string Key, string Problem)> Problems()
    {
        const int longestName = 60;
        if (string.IsNullOrWhiteSpace(Name) || Name.Length > longestName || Name.Any(char.IsControl))
        {
            yield return (nameof(Name), $"a source needs a name of 1 to {longestName} characters");
        }
        if (string.Equals(Name, "local", StringComparison.OrdinalIgnoreCase))
        {
            yield return (nameof(Name), "local is the name of this process itself");
        }
        if (BrokerProblem() is { } problem)
        {
            yield return (nameof(Broker), problem);
        }
        else if (ToCluster().Broker is { Sentinels.Count: > 0, MasterName: null or "" })
        {
            yield return (nameof(MasterName), "Sentinels have to be told which master: its name, as sentinel.conf has it, e.g. mymaster");
        }
        if (PrioritySteps.Count == 0 || PrioritySteps.Any(step => step is < 0 or > 255))
        {
            yield return (nameof(PrioritySteps), "steps are numbers from 0 to 255");
        }
        if (ResultProblem() is { } resultProblem)
        {
            yield return (nameof(ResultBackend), resultProblem);
        }
        if (EventExchange.Length == 0)
        {
            yield return (nameof(EventExchange), "an exchange needs a name");
        }
        if (EventQueueLimit < 1)
        {
            yield return (nameof(EventQueueLimit), "a queue needs room for one message at least");
        }
        if (EventQueueExpires < TimeSpan.FromMinutes(1) || EventQueueExpires.TotalMilliseconds > int.MaxValue)
        {
            yield return (nameof(EventQueueExpires), "the queue is kept for a minute at least, and for 24 days at most");
        }
        if (ControlExchange.Length == 0)
        {
            yield return (nameof(ControlExchange), "an exchange needs a name");
        }
    }

    internal CeleryCluster ToCluster() => new()
    {
        Source = Name, Broker = BrokerUrl.Parse(Broker).WithSentinel(MasterName, SentinelUser, SentinelPassword), ResultBackend = ResultBackend, ResultKeyPrefix = ResultKeyPrefix, KeyPrefix = KeyPrefix, FanoutPrefix = FanoutPrefix,
        EventExchange = EventExchange, ControlExchange = ControlExchange, Separator = Separator ?? CeleryCluster.UsualSeparator,
        PrioritySteps = [.. PrioritySteps.Order()], UnackedKey = UnackedKey, UnackedIndexKey = UnackedIndexKey, DefaultQueue = DefaultQueue,
        EventQueue = EventQueue, EventQueueLimit = EventQueueLimit, EventQueueExpires = EventQueueExpires,
    };

    string? ResultProblem()
    {
        try
        {
            _ = BrokerProblem() is null ? ResultBackends.Of(ToCluster(), TimeProvider.System) : null;
            return null;
        }
        catch (FormatException refused)
        {
            return refused.Message;
        }
    }

    string? BrokerProblem()
    {
        try
        {
            BrokerUrl.Parse(Broker);
            return null;
        }
        catch (FormatException refused)
        {
            return refused.Message;
        }
    }
}
