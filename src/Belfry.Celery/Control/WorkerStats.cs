using System.Text.Json;

namespace Belfry.Celery.Control;

/// <summary>A worker's own figures, as <c>inspect stats</c> tells them. What is missing or not understood is null.</summary>
public sealed record WorkerStats
{
    // What Celery itself puts there; whatever else there is was contributed by a component (a bootstep's info()).
    static readonly HashSet<string> Own = ["total", "pid", "clock", "uptime", "pool", "broker", "prefetch_count", "rusage", "autoscaler"];

    /// <summary>Process id of its main process.</summary>
    public long? Pid { get; init; }

    /// <summary>Since when it is up.</summary>
    public TimeSpan? Uptime { get; init; }

    /// <summary>Kind of its pool: <c>prefork</c>, <c>solo</c>, <c>threads</c> …; null where an old version does not tell.</summary>
    public string? Pool { get; init; }

    /// <summary>How many runs at once.</summary>
    public long? Slots { get; init; }

    /// <summary>Processes of its pool.</summary>
    public IReadOnlyList<long> Processes { get; init; } = [];

    /// <summary>How many messages it takes ahead.</summary>
    public long? Prefetch { get; init; }

    /// <summary>Most memory it ever had, in bytes.</summary>
    public long? Memory { get; init; }

    /// <summary>CPU seconds it used.</summary>
    public double? Cpu { get; init; }

    /// <summary>Where its broker is, without a password: <c>redis://localhost:6379/0</c>.</summary>
    public string? Broker { get; init; }

    /// <summary>Runs it began since its start, by task.</summary>
    public IReadOnlyDictionary<string, long> Totals { get; init; } = new Dictionary<string, long>();

    /// <summary>What components tell of their health, by name.</summary>
    public IReadOnlyDictionary<string, JsonElement> Facts { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>It runs tasks in its main process, and says nothing meanwhile.</summary>
    public bool IsSolo => Pool == "solo" || (Pool is null && Pid is not null && Processes is [var only] && only == Pid);

    /// <summary>Reads a reply; whatever it is.</summary>
    public static WorkerStats Read(JsonElement stats) => stats.ValueKind != JsonValueKind.Object ? new WorkerStats() : new WorkerStats
    {
        Pid = Whole(stats, "pid"),
        Uptime = Number(stats, "uptime") is { } uptime and >= 0 and < 1e10 ? TimeSpan.FromSeconds(uptime) : null,
        Pool = PoolOf(stats),
        Slots = Whole(stats, "pool", "max-concurrency"),
        Processes = At(stats, "pool", "processes") is { ValueKind: JsonValueKind.Array } processes ? [.. processes.EnumerateArray().Select(Whole).OfType<long>()] : [],
        Prefetch = Whole(stats, "prefetch_count"),
        Memory = Whole(stats, "rusage", "maxrss") * 1024,
        Cpu = Number(stats, "rusage", "utime") + Number(stats, "rusage", "stime"),
        Totals = At(stats, "total") is { ValueKind: JsonValueKind.Object } total
            ? total.EnumerateObject().Where(task => Whole(task.Value) is not null).DistinctBy(task => task.Name).ToDictionary(task => task.Name, task => Whole(task.Value)!.Value)
            : new Dictionary<string, long>(),
        Broker = At(stats, "broker") is { ValueKind: JsonValueKind.Object } broker ? $"{Text(broker, "transport")}://{Text(broker, "hostname")}:{Text(broker, "port")}/{Text(broker, "virtual_host").TrimStart('/')}" : null,
        Facts = FactsOf(stats),
    };

    /// <summary>What components told; empty when they told nothing, or it is no reply of that kind.</summary>
    public static IReadOnlyDictionary<string, JsonElement> FactsOf(JsonElement stats) => stats.ValueKind != JsonValueKind.Object || IsError(stats)
        ? new Dictionary<string, JsonElement>()
        : stats.EnumerateObject().Where(fact => !Own.Contains(fact.Name)).DistinctBy(fact => fact.Name).ToDictionary(fact => fact.Name, fact => fact.Value, StringComparer.Ordinal);

    /// <summary>A worker that could not do what it was told: <c>{"error": "…"}</c>.</summary>
    public static bool IsError(JsonElement reply) => reply.ValueKind == JsonValueKind.Object && reply.TryGetProperty("error", out JsonElement error) && error.ValueKind == JsonValueKind.String && reply.EnumerateObject().Count() == 1;

    /// <summary>What a worker could not do, in its words; where these are Python's, in ours.</summary>
    public static string ErrorOf(JsonElement reply) => reply.GetProperty("error").GetString()! switch
    {
        var said when said.Contains("has no attribute 'grow'", StringComparison.Ordinal) || said.Contains("has no attribute 'shrink'", StringComparison.Ordinal) => "its pool has the size it has: only prefork and gevent pools grow and shrink",
        var said when said.Contains("Autoscale not enabled", StringComparison.Ordinal) => "it does not scale itself: start it with --autoscale",
        var said when said.Contains("Pool restarts not enabled", StringComparison.Ordinal) => "its pool cannot be restarted: the application must set worker_pool_restarts",
        var said => said,
    };

    // celery.concurrency.prefork:TaskPool. Old versions do not tell, but only prefork counts what it writes to its processes, and threads are counted.
    static string? PoolOf(JsonElement stats) =>
        At(stats, "pool", "implementation") is { ValueKind: JsonValueKind.String } kind && kind.GetString()!.Split(':')[0].Split('.') is [.., { Length: > 0 } name] ? name == "thread" ? "threads" : name
        : At(stats, "pool", "writes") is { ValueKind: JsonValueKind.Object } ? "prefork"
        : Whole(stats, "pool", "threads") is not null ? "threads"
        : null;

    static long? Whole(JsonElement root, params ReadOnlySpan<string> path) => At(root, path) is { } value ? Whole(value) : null;

    static long? Whole(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) ? number : null;

    static string Text(JsonElement root, string name) => At(root, name)?.ToString() ?? "";

    static double? Number(JsonElement root, params ReadOnlySpan<string> path) => At(root, path) is { } value ? value.Number() : null;

    static JsonElement? At(JsonElement root, params ReadOnlySpan<string> path)
    {
        foreach (string name in path)
        {
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty(name, out root))
            {
                return null;
            }
        }
        return root;
    }
}
