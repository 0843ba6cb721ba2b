namespace Belfry.Server.Tests.Api;

/// <summary>Events to ask about.</summary>
static class SampleEvents
{
    /// <summary>10:00 of a day that is over.</summary>
    public static readonly Instant Ten = Instant.From(new DateTimeOffset(2026, 11, 20, 10, 0, 0, TimeSpan.Zero));

    public static TaskEvent New(string id, EventKind kind, double seconds, string source = "prod", int? attempt = 1) => new()
    {
        Source = source, Id = id, Kind = kind, At = Ten + TimeSpan.FromSeconds(seconds), Worker = "w1", Attempt = attempt, Task = "shop.orders.import", Queue = "imports",
    };

    /// <summary>A run that ended well.</summary>
    public static TaskEvent[] Success(string id, double seconds, string source = "prod") =>
    [
        New(id, EventKind.Received, seconds, source), New(id, EventKind.Started, seconds + 1, source),
        New(id, EventKind.Succeeded, seconds + 2.5, source) with { Result = "{\"n\": 1}", Runtime = 1.5 },
    ];

    /// <summary>A run that failed in its second attempt.</summary>
    public static TaskEvent[] Failure(string id, double seconds) =>
    [
        New(id, EventKind.Submitted, seconds) with { Args = "[1]", Kwargs = "{\"a\": 2}", Worker = null, Parent = "parent", Root = "parent" },
        New(id, EventKind.Received, seconds), New(id, EventKind.Started, seconds),
        New(id, EventKind.Retried, seconds + 1) with { Exception = "TimeoutError('no')" },
        New(id, EventKind.Received, seconds + 2, attempt: 2), New(id, EventKind.Started, seconds + 2, attempt: 2),
        New(id, EventKind.Failed, seconds + 3, attempt: 2) with { Exception = "ValueError('=1+1; \"x\"')", Traceback = "Traceback …" },
    ];
}
