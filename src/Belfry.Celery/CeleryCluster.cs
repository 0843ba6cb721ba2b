namespace Belfry.Celery;

/// <summary>A Celery cluster: its name in the log, its broker, and the names that its applications may have changed.</summary>
public sealed record CeleryCluster
{
    /// <summary>The source under which its events are logged.</summary>
    public required string Source { get; init; }

    /// <summary>The broker.</summary>
    public required BrokerUrl Broker { get; init; }

    /// <summary>Kombu's <c>global_keyprefix</c>, before every key and channel; empty by default.</summary>
    public string KeyPrefix { get; init; } = "";

    /// <summary>Kombu's <c>fanout_prefix</c>: null for its default <c>/{db}.</c>, empty when it is off (<c>False</c>), else the text that was set.</summary>
    public string? FanoutPrefix { get; init; }

    /// <summary>Celery's <c>event_exchange</c>; <c>celeryev</c> by default.</summary>
    public string EventExchange { get; init; } = "celeryev";

    /// <summary>Celery's <c>control_exchange</c>; <c>celery</c> by default.</summary>
    public string ControlExchange { get; init; } = "celery";

    /// <summary>Kombu's default for <see cref="Separator"/>.</summary>
    public const string UsualSeparator = "\u0006\u0016";

    /// <summary>Kombu's <c>sep</c> on Redis, between the parts of a binding and before the step of a priority; the two characters 0x06 0x16 by default.</summary>
    public string Separator { get; init; } = UsualSeparator;

    /// <summary>Kombu's <c>priority_steps</c> on Redis, most urgent first; 0, 3, 6, 9 by default.</summary>
    public IReadOnlyList<int> PrioritySteps { get; init; } = [0, 3, 6, 9];

    /// <summary>Kombu's <c>unacked_key</c> on Redis; <c>unacked</c> by default.</summary>
    public string UnackedKey { get; init; } = "unacked";

    /// <summary>Kombu's <c>unacked_index_key</c> on Redis; <c>unacked_index</c> by default.</summary>
    public string UnackedIndexKey { get; init; } = "unacked_index";

    /// <summary>Celery's <c>task_default_queue</c>; <c>celery</c> by default.</summary>
    public string DefaultQueue { get; init; } = "celery";

    /// <summary>Celery's <c>result_backend</c>; empty when it is not known.</summary>
    public string ResultBackend { get; init; } = "";

    /// <summary>The <c>global_keyprefix</c> of <c>result_backend_transport_options</c>; empty by default.</summary>
    public string ResultKeyPrefix { get; init; } = "";

    /// <summary>Name of the queue on RabbitMQ that keeps events for us; <c>celeryev.belfry.</c> and the source by default. No two servers with logs of their own may read one.</summary>
    public string? EventQueue { get; init; }

    /// <summary>Messages that RabbitMQ keeps for us while we are away or slow; of more the oldest are dropped. 1,000,000 by default.</summary>
    public int EventQueueLimit { get; init; } = 1_000_000;

    /// <summary>How long RabbitMQ keeps that queue while nobody reads it; a day by default.</summary>
    public TimeSpan EventQueueExpires { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Match the channels of events, one per routing key.</summary>
    internal IReadOnlyList<string> EventPatterns => [.. EventChannels.Select(channel => $"{Escaped(channel)}/*")];

    /// <summary>The one channel of events where <c>fanout_patterns</c> is off.</summary>
    internal IReadOnlyList<string> EventChannels => [.. Prefixes.Select(prefix => $"{prefix}{EventExchange}")];

    /// <summary>The channels on which workers listen to remote control, each worker on one.</summary>
    internal IReadOnlyList<string> ControlChannels => [.. Prefixes.Select(prefix => $"{prefix}{ControlMailbox}")];

    /// <summary>The exchange of remote control; a worker's own mailbox is <c>NODE.</c> and this.</summary>
    internal string ControlMailbox => $"{ControlExchange}.pidbox";

    /// <summary>The exchange through which workers reply.</summary>
    internal string ReplyExchange => $"reply.{ControlMailbox}";

    /// <summary>The set on Redis in which they look up where.</summary>
    internal string ReplyBindings => $"{KeyPrefix}_kombu.binding.{ReplyExchange}";

    /// <summary>Behind Sentinels kombu 5.2 forgets to put the database into its prefix, and publishes to <c>/{db}.celeryev</c> as it stands; later versions do not.</summary>
    IEnumerable<string> Prefixes
    {
        get
        {
            string prefix = FanoutPrefix ?? "/{db}.", whole = prefix.Replace("{db}", $"{Broker.Database}", StringComparison.Ordinal);
            return (Broker.Sentinels.Count > 0 ? new[] { whole, prefix } : [whole]).Distinct().Select(one => KeyPrefix + one);
        }
    }

    // In a pattern of Redis these stand for themselves only behind a backslash; braces always do.
    internal static string Escaped(string text) => string.Concat(text.Select(c => c is '*' or '?' or '[' or ']' or '\\' ? $"\\{c}" : $"{c}"));
}
