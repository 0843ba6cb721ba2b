using Belfry.Storage.Reading;

namespace Belfry.Storage;

/// <summary>Which runs are wanted. An empty list or null does not restrict; all that is given must hold.</summary>
public sealed record RunFilter
{
    /// <summary>Words that must all occur, in any case, in task, id, exception, arguments, result, trace or reason; "quoted words" stay together.</summary>
    public string? Text { get; init; }

    /// <summary>Names of tasks; <c>*</c> stands for anything.</summary>
    public IReadOnlyList<string> Tasks { get; init; } = [];

    /// <summary>States.</summary>
    public IReadOnlyList<RunState> States { get; init; } = [];

    /// <summary>Sources.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>Workers; <c>*</c> stands for anything.</summary>
    public IReadOnlyList<string> Workers { get; init; } = [];

    /// <summary>Queues; <c>*</c> stands for anything.</summary>
    public IReadOnlyList<string> Queues { get; init; } = [];

    /// <summary>Classes of exceptions; <c>*</c> stands for anything.</summary>
    public IReadOnlyList<string> Exceptions { get; init; } = [];

    /// <summary>Applications; <c>*</c> stands for anything.</summary>
    public IReadOnlyList<string> Apps { get; init; } = [];

    /// <summary>Not before this instant of the run.</summary>
    public Instant? From { get; init; }

    /// <summary>Before this instant of the run.</summary>
    public Instant? To { get; init; }

    /// <summary>Ran at least that long.</summary>
    public TimeSpan? MinRuntime { get; init; }

    /// <summary>A run of the feed is wanted; the same meaning as in a search.</summary>
    public bool Matches(TaskRun run) =>
        (States.Count == 0 || States.Contains(run.State))
        && Has(Tasks, run.Task) && Has(Sources, run.Source) && Has(Workers, run.Worker) && Has(Queues, run.Queue)
        && Has(Exceptions, run.ExceptionClass) && Has(Apps, run.App)
        && (From is null || run.At >= From) && (To is null || run.At < To)
        && (MinRuntime is null || run.Runtime >= MinRuntime.Value.TotalSeconds)
        && Words.Split(Text).All(word => HasWord(run, new Needle(word)));

    static bool Has(IReadOnlyList<string> wanted, string? name) =>
        wanted.Count == 0 || (name is not null && wanted.Any(pattern => Glob.Matches(pattern, name)));

    static bool HasWord(TaskRun run, Needle word) =>
        word.IsIn(run.Task) || word.IsIn(run.Id) || word.IsIn(run.Args) || word.IsIn(run.Kwargs) || word.IsIn(run.Result)
        || word.IsIn(run.Exception) || word.IsIn(run.Traceback) || word.IsIn(run.Reason) || word.IsIn(run.Text) || word.IsIn(run.Extra);
}

/// <summary>A page of the log, newest first.</summary>
/// <param name="Items">The runs.</param>
/// <param name="Next">Where the next, older page begins; null at the end.</param>
/// <param name="ScannedTo">
/// Set when the time allowed for the search ran out first: everything newer than this instant was looked at,
/// and <paramref name="Next"/> goes on from there. Items may be fewer than asked for.
/// </param>
public sealed record RunPage(IReadOnlyList<TaskRun> Items, string? Next, Instant? ScannedTo);

/// <summary>How many runs match; counting stops at a limit.</summary>
/// <param name="Runs">The number found.</param>
/// <param name="More">There are more; show "10,000+".</param>
public readonly record struct RunCount(long Runs, bool More);
