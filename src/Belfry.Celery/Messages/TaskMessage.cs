namespace Belfry.Celery.Messages;

/// <summary>A message that asks a worker to run a task, of protocol 2 or 1, as far as it can be read.</summary>
/// <remarks>
/// Anybody may write to a broker, so reading never throws: what cannot be read stays null, and <see cref="Problem"/> says why. Arguments are
/// JSON as Python writes it: NaN and Infinity may stand in them, and values of kombu's own (<c>{"__type__": "datetime", …}</c>) are kept as sent.
/// </remarks>
public sealed record TaskMessage
{
    /// <summary>The run's id; any text, mostly a UUID.</summary>
    public string? Id { get; init; }

    /// <summary>The task's name.</summary>
    public string? Task { get; init; }

    /// <summary>Why not all of it could be read, in the words of a count; null when nothing is missing.</summary>
    public string? Problem { get; init; }

    /// <summary>1 or 2; 0 when it is no message of a task.</summary>
    public int Protocol { get; init; }

    /// <summary>The positional arguments, whole, as a JSON array; null when they cannot be read.</summary>
    public string? Args { get; init; }

    /// <summary>The arguments by name, whole, as a JSON object; null when they cannot be read.</summary>
    public string? Kwargs { get; init; }

    /// <summary>What follows the run, as JSON: <c>callbacks</c>, <c>errbacks</c>, <c>chain</c> (the rest of it, last one first), <c>chord</c>.</summary>
    public string? Embed { get; init; }

    /// <summary>The positional arguments as Python prints them, perhaps shortened.</summary>
    public string? ArgsRepr { get; init; }

    /// <summary>The arguments by name as Python prints them, perhaps shortened.</summary>
    public string? KwargsRepr { get; init; }

    /// <summary>Not to be run before.</summary>
    public Instant? Eta { get; init; }

    /// <summary>Not to be run after.</summary>
    public Instant? Expires { get; init; }

    /// <summary>How many attempts went before this one.</summary>
    public int Retries { get; init; }

    /// <summary>The run that called it; null for one that names itself, as a retry does.</summary>
    public string? Parent { get; init; }

    /// <summary>The run at the begin of the whole.</summary>
    public string? Root { get; init; }

    /// <summary>The group or chord it is part of.</summary>
    public string? Group { get; init; }

    /// <summary>A name to be shown instead of the task's.</summary>
    public string? Shadow { get; init; }

    /// <summary>Who sent it: <c>gen7@host</c>.</summary>
    public string? Origin { get; init; }

    /// <summary>No result is wanted.</summary>
    public bool IgnoreResult { get; init; }

    /// <summary>Seconds after which it is killed.</summary>
    public double? TimeLimit { get; init; }

    /// <summary>Seconds after which it is told to stop.</summary>
    public double? SoftTimeLimit { get; init; }

    /// <summary>Headers that the application added, as a JSON object; null when there are none.</summary>
    public string? Extra { get; init; }

    /// <summary>0 is most urgent on Redis, 255 on RabbitMQ.</summary>
    public int? Priority { get; init; }

    /// <summary>The exchange; empty for the default one.</summary>
    public string? Exchange { get; init; }

    /// <summary>The routing key: on Redis the name of the queue.</summary>
    public string? RoutingKey { get; init; }

    /// <summary>The queue on which the caller waits for results over RPC.</summary>
    public string? ReplyTo { get; init; }

    /// <summary>Kombu's name for this delivery: on Redis its key among the unacknowledged ones.</summary>
    public string? DeliveryTag { get; init; }

    /// <summary>It was given to a worker before.</summary>
    public bool Redelivered { get; init; }

    /// <summary>How its body is written: <c>application/json</c>, <c>application/x-python-serialize</c> …</summary>
    public string? ContentType { get; init; }

    /// <summary>How its body is compressed; null when it is not.</summary>
    public string? Compression { get; init; }

    /// <summary>Reads an element of a queue's list on Redis.</summary>
    public static TaskMessage FromRedis(ReadOnlyMemory<byte> value) => TaskMessageReader.Read(value, unacked: false);

    /// <summary>Reads a value of the hash of unacknowledged messages on Redis: <c>[message, exchange, routing key]</c>.</summary>
    public static TaskMessage FromUnacked(ReadOnlyMemory<byte> value) => TaskMessageReader.Read(value, unacked: true);

    /// <summary>Reads a message of RabbitMQ.</summary>
    public static TaskMessage FromAmqp(AmqpMessage message) => TaskMessageReader.Read(message);
}
