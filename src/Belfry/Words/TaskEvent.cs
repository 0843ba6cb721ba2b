namespace Belfry;

/// <summary>Something that happened to a run or to a worker, at an instant: the one thing that enters the log.</summary>
/// <remarks>
/// Two events are the same when source, id, kind, worker, named attempt and instant as sent are. Absent fields are null.
/// Texts are kept as they came: arguments of Celery are Python's <c>repr</c>, those of others JSON.
/// </remarks>
public sealed record TaskEvent
{
    /// <summary>The longest id, and the longest name of a task, worker, queue or application, as <see cref="string.Length"/> counts: a log refuses longer ids, and cuts longer names.</summary>
    public const int LongestName = 1000;

    /// <summary>Where it comes from: <c>local</c>, the name of a Celery cluster …</summary>
    public required string Source { get; init; }

    /// <summary>The run's id; empty for an event about a worker.</summary>
    public required string Id { get; init; }

    /// <summary>What it reports.</summary>
    public required EventKind Kind { get; init; }

    /// <summary>The instant as sent, by the sender's clock.</summary>
    public required Instant At { get; init; }

    /// <summary>The instant under which it counts: <see cref="At"/>, unless that is negative or more than 24 h ahead of its arrival; then the arrival.</summary>
    public Instant Shown { get => _seldom?.Shown ?? At; init => SeldomTold.Tell<Instant?>(ref _seldom, value == At ? null : value, static (told, value) => told with { Shown = value }); }

    /// <summary>The sender's clock was so far off that the arrival counts instead.</summary>
    public bool ClockOff => _seldom?.Shown is not null;

    /// <summary>
    /// Nobody sent it: it was concluded from other evidence (a result record, what a worker answered) after an event went missing. It gives way to a
    /// real event that tells the same.
    /// </summary>
    public bool Reconciled { get; init; }

    /// <summary>Of a reconciled event whose instant is the earliest possible: the latest possible one. Null where the instant is exact.</summary>
    public Instant? Until { get => _seldom?.Until; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Until = value }); }

    /// <summary>The attempt it names, from 1; null when it names none.</summary>
    public int? Attempt { get => _namesAttempt ? _attempt : null; init => (_namesAttempt, _attempt) = (value.HasValue, value.GetValueOrDefault()); }

    /// <summary>The worker it is about; null on <c>submitted</c>.</summary>
    public string? Worker { get; init; }

    /// <summary>The task's name.</summary>
    public string? Task { get; init; }

    /// <summary>The queue, where known.</summary>
    public string? Queue { get; init; }

    /// <summary>Positional arguments.</summary>
    public string? Args { get; init; }

    /// <summary>Keyword arguments.</summary>
    public string? Kwargs { get; init; }

    /// <summary>The result of a success.</summary>
    public string? Result { get; init; }

    /// <summary>The exception of a failure or retry.</summary>
    public string? Exception { get => _seldom?.Exception; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Exception = value }); }

    /// <summary>Its trace.</summary>
    public string? Traceback { get => _seldom?.Traceback; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Traceback = value }); }

    /// <summary>Why it was cancelled or skipped: <c>revoked</c>, <c>expired</c>, <c>rejected</c>, <c>terminated</c>, <c>timeout</c> …</summary>
    public string? Reason { get => _seldom?.Reason; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Reason = value }); }

    /// <summary>Runtime in seconds, as measured by the one who ran it, rounded to microseconds; what is no number is taken as not told.</summary>
    public double? Runtime
    {
        get => double.IsNaN(_runtime) ? null : _runtime;
        init => _runtime = value is { } seconds && double.IsFinite(seconds) && Math.Abs(seconds) < 1e9 ? Math.Round(seconds, 6) : double.NaN;
    }

    /// <summary>Progress in percent, 0 to 100; what is no number is taken as not told.</summary>
    public double? Percent
    {
        get => _seldom?.Percent;
        init => SeldomTold.Tell(ref _seldom, value is { } percent && double.IsFinite(percent) ? value : null, static (told, value) => told with { Percent = value });
    }

    /// <summary>Progress in words.</summary>
    public string? Text { get => _seldom?.Text; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Text = value }); }

    /// <summary>Not to start before.</summary>
    public Instant? Eta { get => _seldom?.Eta; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Eta = value }); }

    /// <summary>Not to start after.</summary>
    public Instant? Expires { get => _seldom?.Expires; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Expires = value }); }

    /// <summary>Priority as the broker has it.</summary>
    public int? Priority { get => _seldom?.Priority; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Priority = value }); }

    /// <summary>Id of the run that called this one.</summary>
    public string? Parent { get; init; }

    /// <summary>Id of the first run of the family.</summary>
    public string? Root { get; init; }

    /// <summary>The application the task belongs to.</summary>
    public string? App { get => _seldom?.App; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { App = value }); }

    /// <summary>What the run is about.</summary>
    public RunContext? Context { get => _seldom?.Context; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Context = value }); }

    /// <summary>Fields that Belfry does not know, kept as a JSON object.</summary>
    public string? Extra { get => _seldom?.Extra; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Extra = value }); }

    /// <summary>The worker's own figures; only on events about a worker.</summary>
    public WorkerBeat? Beat { get => _seldom?.Beat; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Beat = value }); }

    // Events wait in memory by the ten thousand, and what waits is what the garbage collector copies: 128 bytes each, and
    // one object more for those few that tell something seldom.
    readonly double _runtime = double.NaN;
    readonly bool _namesAttempt;
    readonly int _attempt;
    SeldomTold? _seldom;
}

/// <summary>What a run is about: a record of the application.</summary>
/// <param name="Model">Its kind, e.g. <c>gap.models.IngestorSession</c>.</param>
/// <param name="Type">Its variant, e.g. <c>Hourly</c>.</param>
/// <param name="Id">Its key.</param>
public sealed record RunContext(string? Model, string? Type, string? Id);

/// <summary>What a worker says of itself in a heartbeat.</summary>
/// <param name="Pid">Its process.</param>
/// <param name="Frequency">Seconds between heartbeats; Celery's default is 2.</param>
/// <param name="Active">Runs at work now.</param>
/// <param name="Processed">Runs since it started.</param>
/// <param name="Software">Name and version, e.g. <c>py-celery 5.6.3</c>.</param>
public sealed record WorkerBeat(int? Pid, double? Frequency, long? Active, long? Processed, string? Software);
