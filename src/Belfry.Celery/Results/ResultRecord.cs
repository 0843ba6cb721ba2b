using System.Text;

namespace Belfry.Celery.Results;

/// <summary>What a result backend keeps of a run.</summary>
/// <remarks>Reading never throws: what cannot be read stays null, and <see cref="Problem"/> says why. JSON is as Python writes it: NaN and Infinity may stand in it.</remarks>
public sealed record ResultRecord
{
    /// <summary>The run's id.</summary>
    public required string Id { get; init; }

    /// <summary>Celery's word: SUCCESS, FAILURE, REVOKED, RETRY, STARTED, or one of the application's own; null when the record cannot be read.</summary>
    public string? Status { get; init; }

    /// <summary>Why not all of it could be read; null when nothing is missing.</summary>
    public string? Problem { get; init; }

    /// <summary>The result as JSON; of a custom state what the application said with it. A class in a pickle is only its name: <c>{"__class__": "app.Report"}</c>.</summary>
    public string? Result { get; init; }

    /// <summary>The same in JSON's own measure: null where Python wrote NaN or Infinity.</summary>
    public string? PlainResult => Result is null ? null : JsonText.WithoutNonFinite(Encoding.UTF8.GetBytes(Result)) is { } mended ? Encoding.UTF8.GetString(mended) : Result;

    /// <summary>The class of the exception: <c>ValueError</c>; null when it did not fail.</summary>
    public string? ExceptionType { get; init; }

    /// <summary>The exception as Python prints it: <c>ValueError('boom')</c>; null when it did not fail.</summary>
    public string? Exception { get; init; }

    /// <summary>Where it failed.</summary>
    public string? Traceback { get; init; }

    /// <summary>Ids of the runs that it called, those inside groups among them.</summary>
    public IReadOnlyList<string> Children { get; init; } = [];

    /// <summary>The members of groups that it called, by the ids of the groups.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Groups { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>When it ended; null while it runs.</summary>
    public Instant? Done { get; init; }

    /// <summary>The task's name; this and what follows only with Celery's <c>result_extended</c>.</summary>
    public string? Task { get; init; }

    /// <summary>The positional arguments, whole, as a JSON array.</summary>
    public string? Args { get; init; }

    /// <summary>The arguments by name, whole, as a JSON object.</summary>
    public string? Kwargs { get; init; }

    /// <summary>The worker that ran it.</summary>
    public string? Worker { get; init; }

    /// <summary>How many attempts went before this one.</summary>
    public int? Retries { get; init; }

    /// <summary>Its queue, or the routing key it came with.</summary>
    public string? Queue { get; init; }

    /// <summary>The group or chord it was part of.</summary>
    public string? Group { get; init; }

    /// <summary>The run that called it.</summary>
    public string? Parent { get; init; }

    /// <summary>Nothing will change any more.</summary>
    public bool IsFinal => Status is "SUCCESS" or "FAILURE" or "REVOKED";

    /// <summary>The state it tells of; null for one of the application's own.</summary>
    public RunState? State => Status switch
    {
        "SUCCESS" => RunState.Completed,
        "FAILURE" => RunState.Failed,
        "REVOKED" => RunState.Cancelled,
        "RETRY" => RunState.Retried,
        "STARTED" => RunState.Running,
        "RECEIVED" => RunState.Queued,
        "PENDING" => RunState.Pending,
        _ => null,
    };

    /// <summary>Reads a value of the Redis backend, or of any backend of keys and values.</summary>
    public static ResultRecord FromStored(string id, ReadOnlyMemory<byte> value) => ResultReader.Read(id, value);

}
