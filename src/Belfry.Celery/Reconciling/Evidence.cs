namespace Belfry.Celery.Reconciling;

/// <summary>What was found out about one run, from everywhere that could know of it, and how sure the search was.</summary>
public sealed record Evidence
{
    /// <summary>When it was asked.</summary>
    public required Instant Asked { get; init; }

    /// <summary>When we did not listen; null when nothing is known to be missing.</summary>
    public Gap? Gap { get; init; }

    /// <summary>Its record in the result backend.</summary>
    public ResultEvidence? Record { get; init; }

    /// <summary>Its message in a queue; only Redis lets look.</summary>
    public MessageEvidence? Queued { get; init; }

    /// <summary>Its message among those that workers have taken and not acknowledged; only on Redis.</summary>
    public MessageEvidence? Unacked { get; init; }

    /// <summary>Since when the broker is the one that it is: what waited with a worker before, the worker has forgotten. Only of Redis; null where it does not tell.</summary>
    public Instant? BrokerSince { get; init; }

    /// <summary>What each worker says of it, or why it says nothing.</summary>
    public IReadOnlyDictionary<string, WorkerEvidence> Workers { get; init; } = new Dictionary<string, WorkerEvidence>();

    /// <summary>So many rounds through all places, 3 s or more apart, have not found it.</summary>
    public int Rounds { get; init; }

    /// <summary>Every place of the last round could be read.</summary>
    public bool Complete { get; init; }

    /// <summary>The broker is RabbitMQ, which gives messages back when a connection ends and does not let look into its queues.</summary>
    public bool IsRabbitMq { get; init; }

    /// <summary>Nothing is ready in its queue; told of RabbitMQ.</summary>
    public bool Drained { get; init; }

    /// <summary>Its task has a rate limit: a worker may hold it without listing it.</summary>
    public bool RateLimited { get; init; }

    /// <summary>For how long its worker was not heard within an unbroken stream.</summary>
    public TimeSpan Unheard { get; init; }

    /// <summary>For how long it must be, before what it ran is lost.</summary>
    public TimeSpan LostAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>After how long Redis gives back what a worker has taken and not acknowledged.</summary>
    public TimeSpan Visibility { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Two rounds found it nowhere, and could have.</summary>
    public bool IsAbsent => Complete && Rounds >= 2;

    /// <summary>Its worker was silent for long enough to be gone.</summary>
    public bool IsUnheard => Unheard >= LostAfter;
}

/// <summary>A time in which events went by unheard.</summary>
/// <param name="From">Its begin; somewhat early rather than late.</param>
/// <param name="To">Its end.</param>
public readonly record struct Gap(Instant From, Instant To);

/// <summary>A message of a run, as the broker has it.</summary>
/// <param name="Attempt">The attempt that its headers name.</param>
/// <param name="Task">Its task.</param>
/// <param name="Taken">When a worker took it; null in a queue.</param>
public sealed record MessageEvidence(int Attempt, string? Task, Instant? Taken = null);

/// <summary>A record of the result backend.</summary>
/// <param name="Status">Celery's word: SUCCESS, FAILURE, REVOKED, RETRY, STARTED, or one of the application's own.</param>
public sealed record ResultEvidence(string Status)
{
    /// <summary>When it was written; Celery tells it only of ends.</summary>
    public Instant? Done { get; init; }

    /// <summary>The attempt; only with <c>result_extended</c>.</summary>
    public int? Attempt { get; init; }

    /// <summary>The worker; only with <c>result_extended</c>.</summary>
    public string? Worker { get; init; }

    /// <summary>The task; only with <c>result_extended</c>.</summary>
    public string? Task { get; init; }

    /// <summary>The queue; only with <c>result_extended</c>.</summary>
    public string? Queue { get; init; }

    /// <summary>The result of a success.</summary>
    public string? Result { get; init; }

    /// <summary>The exception of another end.</summary>
    public string? Exception { get; init; }

    /// <summary>Its trace.</summary>
    public string? Traceback { get; init; }

    /// <summary>Positional arguments; only with <c>result_extended</c>.</summary>
    public string? Args { get; init; }

    /// <summary>Keyword arguments; only with <c>result_extended</c>.</summary>
    public string? Kwargs { get; init; }

    /// <summary>Why it was revoked: <c>revoked</c>, <c>expired</c> or <c>terminated</c>.</summary>
    public string? Reason { get; init; }
}

/// <summary>What a worker says of a run, or why it says nothing.</summary>
/// <param name="Says">Which.</param>
public sealed record WorkerEvidence(WorkerSays Says)
{
    /// <summary>When it began the run.</summary>
    public Instant? Start { get; init; }

    /// <summary>The task, where it says it.</summary>
    public string? Task { get; init; }

    /// <summary>Its heartbeats say that nothing runs there.</summary>
    public bool Idle { get; init; }

    /// <summary>Its last sign of life, as sent.</summary>
    public Instant? Last { get; init; }

    /// <summary>When it last came or reconnected, as sent: what it held before it has forgotten.</summary>
    public Instant? Online { get; init; }

    /// <summary>It has the run.</summary>
    public bool Has => Says is WorkerSays.Active or WorkerSays.Reserved or WorkerSays.Scheduled;

    /// <summary>It lives and may have the run without saying so.</summary>
    public bool MayHave => Says == WorkerSays.Busy || (Says == WorkerSays.Silent && !Idle);
}

/// <summary>What a worker says when it is asked for a run.</summary>
public enum WorkerSays
{
    /// <summary>It does not know it.</summary>
    Unknown,

    /// <summary>It runs it.</summary>
    Active,

    /// <summary>It has it and will run it.</summary>
    Reserved,

    /// <summary>It holds it until its time.</summary>
    Scheduled,

    /// <summary>It lives and did not answer.</summary>
    Silent,

    /// <summary>It has not answered for long, though the broker does: no answer is waited for.</summary>
    Deaf,

    /// <summary>It has one process, which works on something and answers afterwards.</summary>
    Busy,

    /// <summary>It is not heard any more.</summary>
    Gone,
}
