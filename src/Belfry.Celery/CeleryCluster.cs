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

    /// <summary>Matches the channels of events, one per routing key.</summary>
    internal string EventPattern => $"{Escaped(EventChannel)}/*";

    /// <summary>The one channel of events where <c>fanout_patterns</c> is off.</summary>
    internal string EventChannel => $"{Prefix}{EventExchange}";

    /// <summary>The channel on which workers listen to remote control.</summary>
    internal string ControlChannel => $"{Prefix}{ControlExchange}.pidbox";

    string Prefix => KeyPrefix + (FanoutPrefix ?? "/{db}.").Replace("{db}", $"{Broker.Database}", StringComparison.Ordinal);

    // In a pattern of Redis these stand for themselves only behind a backslash; braces always do.
    static string Escaped(string text) => string.Concat(text.Select(c => c is '*' or '?' or '[' or ']' or '\\' ? $"\\{c}" : $"{c}"));
}
