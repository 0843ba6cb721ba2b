using System.Globalization;
using System.Text;
using System.Text.Json;
using Belfry.Celery.Messages;
using Belfry.Celery.Queues;

namespace Belfry.Celery.Calling;

/// <summary>A call of a task, as a Celery client sends one: protocol 2, arguments in JSON.</summary>
public sealed record TaskCall
{
    /// <summary>The id of the new run.</summary>
    public string Id { get; init; } = Guid.NewGuid().ToString();

    /// <summary>The task's name.</summary>
    public required string Task { get; init; }

    /// <summary>The positional arguments: a JSON array. NaN and Infinity may stand in it, as Python has them.</summary>
    public string Args { get; init; } = "[]";

    /// <summary>The arguments by name: a JSON object.</summary>
    public string Kwargs { get; init; } = "{}";

    /// <summary>The queue; Celery's <c>task_default_queue</c> when null.</summary>
    public string? Queue { get; init; }

    /// <summary>An exchange that finds the queues by <see cref="RoutingKey"/>, instead of a queue; it goes straight to the queue when null.</summary>
    public string? Exchange { get; init; }

    /// <summary>The key under which queues are bound to the exchange.</summary>
    public string? RoutingKey { get; init; }

    /// <summary>Not to be run before.</summary>
    public Instant? Eta { get; init; }

    /// <summary>Not to be run after.</summary>
    public Instant? Expires { get; init; }

    /// <summary>0 is most urgent on Redis, the highest number on RabbitMQ.</summary>
    public int? Priority { get; init; }

    /// <summary>Further headers of the application: texts.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>The run that calls it.</summary>
    public string? Parent { get; init; }

    /// <summary>The run at the begin of the whole; itself when null.</summary>
    public string? Root { get; init; }

    /// <summary>Where results over RPC go to; a name that nobody listens to when null.</summary>
    public string? ReplyTo { get; init; }

    /// <summary>What is wrong with JSON that a task is to be called with, and where; null when it is fine.</summary>
    /// <param name="json">The JSON.</param>
    /// <param name="byName">It is of arguments by name: an object; else an array.</param>
    public static string? ProblemOf(string json, bool byName)
    {
        try
        {
            using PythonJson document = PythonJson.Parse(Encoding.UTF8.GetBytes(json));
            return document.Root.ValueKind == (byName ? JsonValueKind.Object : JsonValueKind.Array) ? null
                : byName ? "is a JSON object: {\"name\": value}" : "is a JSON array: [1, \"two\"]";
        }
        catch (JsonException wrong)
        {
            string[] lines = json.Split('\n');
            string line = lines[Math.Min((int)(wrong.LineNumber ?? 0), lines.Length - 1)];
            byte[] before = Encoding.UTF8.GetBytes(line)[..(int)Math.Min(wrong.BytePositionInLine ?? 0, Encoding.UTF8.GetByteCount(line))];
            string place = lines.Length > 1 ? $"line {(wrong.LineNumber ?? 0) + 1}, character" : "character";
            return $"is not JSON: {place} {Encoding.UTF8.GetString(before).Length + 1}: {Reason(wrong.Message)}";
        }
    }

    /// <summary>What is wrong with the names of headers; null when nothing is.</summary>
    public static string? ProblemOf(IEnumerable<string> headers) => headers.FirstOrDefault(TaskMessageReader.Known.Contains) is { } taken ? $"'{taken}' is a header of Celery's own" : null;

    /// <summary>That it was sent, as Celery's own clients tell it where they are asked to.</summary>
    public TaskEvent Submitted(string source, Instant at)
    {
        (string args, string kwargs) = Printed();
        return new TaskEvent
        {
            Source = source, Id = Id, Kind = EventKind.Submitted, At = at, Attempt = 1, Task = Task, Queue = Queue, Args = args, Kwargs = kwargs,
            Eta = Eta, Expires = Expires, Priority = Priority, Parent = Parent, Root = Root ?? Id,
        };
    }

    /// <summary>The message that asks for it.</summary>
    internal RawMessage ToMessage()
    {
        (string args, string kwargs) = Printed();
        // All headers that Celery's own client sends, and in its order; the application's behind them.
        var headers = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["lang"] = "py", ["task"] = Task, ["id"] = Id, ["shadow"] = null, ["eta"] = Iso(Eta), ["expires"] = Iso(Expires),
            ["group"] = null, ["group_index"] = null, ["retries"] = 0, ["timelimit"] = new List<object?> { null, null },
            ["root_id"] = Root ?? Id, ["parent_id"] = Parent,
            ["argsrepr"] = args, ["kwargsrepr"] = kwargs,
            ["origin"] = $"belfry{Environment.ProcessId}@{Environment.MachineName}", ["ignore_result"] = false,
            ["replaced_task_nesting"] = 0, ["stamped_headers"] = null, ["stamps"] = new Dictionary<string, object?>(),
        };
        foreach ((string name, string value) in Headers)
        {
            headers.TryAdd(name, value);
        }
        return new RawMessage
        {
            Body = Encoding.UTF8.GetBytes($$"""[{{Args}}, {{Kwargs}}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]"""),
            ContentType = "application/json", ContentEncoding = "utf-8", Headers = headers, Priority = Priority ?? 0, CorrelationId = Id, ReplyTo = ReplyTo ?? $"{Guid.NewGuid()}",
        };
    }

    (string Args, string Kwargs) Printed()
    {
        using PythonJson args = PythonJson.Parse(Encoding.UTF8.GetBytes(Args)), kwargs = PythonJson.Parse(Encoding.UTF8.GetBytes(Kwargs));
        return (PythonRepr.Shortened(PythonRepr.Of(args, args.Root, asTuple: true)), PythonRepr.Shortened(PythonRepr.Of(kwargs, kwargs.Root)));
    }

    // As Python's isoformat writes an instant of UTC.
    static string? Iso(Instant? at) => at?.ToDateTimeOffset().ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'+00:00'", CultureInfo.InvariantCulture);

    static string Reason(string message) => message.IndexOf(" LineNumber:", StringComparison.Ordinal) is > 0 and var end ? message[..end] : message;
}
