namespace Belfry;

/// <summary>One attempt at one task, as its events tell it so far: a row of the log. Identity is (source, id, attempt).</summary>
public sealed record TaskRun
{
    /// <summary>Where its events come from.</summary>
    public required string Source { get; init; }

    /// <summary>The run's id, shared by all its attempts.</summary>
    public required string Id { get; init; }

    /// <summary>The attempt, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>The state.</summary>
    public required RunState State { get; init; }

    /// <summary>Deliveries to a worker, less one. From 15 on it means "or more".</summary>
    public int Redeliveries { get; init; }

    /// <summary>The run's instant, by which lists and windows go: its start, else its first event.</summary>
    public required Instant At { get; init; }

    /// <summary>The first event of the attempt, progress and context aside.</summary>
    public required Instant First { get; init; }

    /// <summary>The task's name; null while no event has told it.</summary>
    public string? Task { get; init; }

    /// <summary>The worker.</summary>
    public string? Worker { get; init; }

    /// <summary>The queue, where known.</summary>
    public string? Queue { get; init; }

    /// <summary>The application.</summary>
    public string? App { get; init; }

    /// <summary>When it was submitted.</summary>
    public Instant? Submitted { get => _submitted.Value; init => _submitted = new(value); }

    /// <summary>When a worker received it.</summary>
    public Instant? Received { get => _received.Value; init => _received = new(value); }

    /// <summary>When it began.</summary>
    public Instant? Started { get => _started.Value; init => _started = new(value); }

    /// <summary>When it ended, in every final state.</summary>
    public Instant? Finished { get => _finished.Value; init => _finished = new(value); }

    /// <summary>The latest event.</summary>
    public required Instant Updated { get; init; }

    /// <summary>Positional arguments, as they came.</summary>
    public string? Args { get; init; }

    /// <summary>Keyword arguments, as they came.</summary>
    public string? Kwargs { get; init; }

    /// <summary>The result.</summary>
    public string? Result { get; init; }

    /// <summary>The exception.</summary>
    public string? Exception { get => _seldom?.Exception; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Exception = value }); }

    /// <summary>Its trace.</summary>
    public string? Traceback { get => _seldom?.Traceback; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Traceback = value }); }

    /// <summary>Why it was cancelled, skipped or lost.</summary>
    public string? Reason { get => _seldom?.Reason; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Reason = value }); }

    /// <summary>Runtime in seconds as its worker measured it, else from start to end (never negative); null while it runs or where neither is known.</summary>
    public double? Runtime { get => double.IsNaN(_runtime) ? null : _runtime; init => _runtime = value ?? double.NaN; }

    /// <summary>Progress in percent.</summary>
    public double? Percent { get => _seldom?.Percent; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Percent = value }); }

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

    /// <summary>What the run is about.</summary>
    public RunContext? Context { get => _seldom?.Context; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Context = value }); }

    /// <summary>Fields that Belfry does not know, a JSON object.</summary>
    public string? Extra { get => _seldom?.Extra; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Extra = value }); }

    /// <summary>A sender's clock was more than 24 h off; its events stand at the instant of their arrival.</summary>
    public bool ClockOff { get; init; }

    /// <summary>What of it no event told: it was filled in afterwards, from other evidence.</summary>
    public RunParts Reconciled { get; init; }

    /// <summary>Where what was filled in stands at its earliest possible instant: the latest possible one; null where all its instants are exact.</summary>
    public Instant? Until { get => _seldom?.Until; init => SeldomTold.Tell(ref _seldom, value, static (told, value) => told with { Until = value }); }

    // Runs wait for whoever watches the log, ten thousand of them, and the garbage collector copies them there: so they are kept small.
    readonly Moment _submitted, _received, _started, _finished;
    readonly double _runtime = double.NaN;
    SeldomTold? _seldom;

    /// <summary>The class of the exception, <c>ReadTimeout</c> of <c>ReadTimeout('…')</c> or of <c>requests.ReadTimeout: …</c>.</summary>
    public string? ExceptionClass => ClassOf(Exception);

    /// <summary>Seconds between submission, or receipt, and start; null where unknown.</summary>
    public double? Waited => Started is { } start && (Submitted ?? Received) is { } from ? Math.Max(0, (start - from).TotalSeconds) : null;

    /// <summary>When it did this; null if it did not.</summary>
    public Instant? When(RunAction action) => PastRun.Of(this).At(action);

    /// <summary>The class that begins an exception's text, without its modules; null when it begins with none.</summary>
    public static string? ClassOf(string? exception)
    {
        if (exception is null)
        {
            return null;
        }
        int end = 0, begin = 0;
        while (end < exception.Length && (char.IsLetterOrDigit(exception[end]) || exception[end] is '_' or '.' or '`'))
        {
            begin = exception[end] == '.' ? end + 1 : begin;
            end++;
        }
        bool isClass = end > begin && !char.IsDigit(exception[begin]) && (end == exception.Length || exception[end] is '(' or ':');
        return isClass ? exception[begin..Math.Min(end, begin + 200)] : null;
    }
}
