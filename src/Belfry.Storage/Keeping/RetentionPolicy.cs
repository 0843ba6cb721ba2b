namespace Belfry.Storage;

/// <summary>How long the log keeps ended runs. What is null does not limit.</summary>
/// <remarks>
/// Open runs never go, nor does the last run of a task in a source, nor its last in each final state. Figures stay: days for ever,
/// hours for <see cref="HoursKept"/>, minutes for <see cref="MinutesKept"/>.
/// </remarks>
public sealed record RetentionPolicy
{
    /// <summary>So long there are figures by the minute; beyond, by the hour.</summary>
    public static readonly TimeSpan MinutesKept = TimeSpan.FromDays(8); // a week, and the day it began on

    /// <summary>So long there are figures by the hour; beyond, by the day.</summary>
    public static readonly TimeSpan HoursKept = TimeSpan.FromDays(400); // a year, and a month to look back on it

    /// <summary>Everything stays.</summary>
    public static RetentionPolicy KeepAll { get; } = new();

    /// <summary>How long runs stay that did not fail.</summary>
    public TimeSpan? Age { get; init; }

    /// <summary>How long failures stay: failed, lost and retried runs, and those that a time limit ended.</summary>
    public TimeSpan? FailureAge { get; init; }

    /// <summary>How many runs of a task in a source stay, the newest ones.</summary>
    public int? Count { get; init; }

    internal bool KeepsAll => Age is null && FailureAge is null && Count is null;

    /// <summary>A failure in the sense of <see cref="FailureAge"/>.</summary>
    internal static bool IsFailure(TaskRun run) => run.State switch
    {
        RunState.Failed or RunState.Lost or RunState.Retried => true,
        RunState.Cancelled => run.Reason == "timeout",
        _ => false,
    };

    /// <summary>What is older goes.</summary>
    internal Instant Horizon(bool failure, Instant now) => (failure ? FailureAge : Age) is { } age ? now - age : new Instant(long.MinValue);

    /// <summary>Whatever is not older stays, as far as age goes.</summary>
    internal Instant LatestHorizon(Instant now) => Instant.Max(Horizon(false, now), Horizon(true, now));

    /// <summary>Whatever is older goes.</summary>
    internal Instant EarliestHorizon(Instant now) => Instant.Min(Horizon(false, now), Horizon(true, now));

    /// <summary>Whether an ended run may go.</summary>
    /// <param name="at">Its instant.</param>
    /// <param name="failure">It is a failure.</param>
    /// <param name="last">It is one of those that stay for ever.</param>
    /// <param name="beyondCount">There are <see cref="Count"/> newer ones of its task.</param>
    /// <param name="now">The present.</param>
    internal bool MayGo(Instant at, bool failure, bool last, bool beyondCount, Instant now) => !last && (beyondCount || at < Horizon(failure, now));

    /// <summary>Until when a deleted run's id is remembered: later, its events are too old anyway.</summary>
    internal Instant RememberedUntil(TaskRun run) =>
        (IsFailure(run) ? FailureAge : Age) is { } age ? Instant.Max(run.At, run.Updated) + age : new Instant(long.MaxValue);
}

/// <summary>What retention deleted.</summary>
/// <param name="Deleted">Runs.</param>
/// <param name="Keys">Entries of the index by id whose run is gone; a round or so behind the runs.</param>
/// <param name="Minutes">Figures by the minute.</param>
/// <param name="Hours">Figures by the hour.</param>
/// <param name="Samples">Samples, most of them merged into one of a longer stretch.</param>
public sealed record RetentionResult(long Deleted, long Keys, long Minutes, long Hours, long Samples = 0);

/// <summary>What retention would delete.</summary>
/// <param name="Runs">How many runs, counted.</param>
/// <param name="Bytes">How many bytes they take, estimated: the length of what they carry is summed, rows and indexes are an average.</param>
public sealed record RetentionPreview(long Runs, long Bytes);
