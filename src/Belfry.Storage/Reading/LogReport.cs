using Belfry.Storage.Search;

namespace Belfry.Storage;

/// <summary>What a report is to tell.</summary>
public sealed record ReportQuery
{
    const int MostBarsOfEach = 2500; // a week by five minutes; of a thousand tasks that takes 300 MB already

    /// <summary>Begin of the span.</summary>
    public required Instant From { get; init; }

    /// <summary>Its end.</summary>
    public required Instant To { get; init; }

    /// <summary>What runs are told apart by; tasks by default.</summary>
    public NameKind By { get; init; } = NameKind.Task;

    /// <summary>Only these tasks, <c>*</c> stands for anything; all when empty. Not together with workers, queues, applications or sources: figures of those are not kept task by task.</summary>
    public IReadOnlyList<string> Tasks { get; init; } = [];

    /// <summary>How wide bars are, in whole minutes, hours or days of UTC; no bars when null, the default.</summary>
    public TimeSpan? BarWidth { get; init; }

    /// <summary>Bars for each subject, not only for all together; off by default.</summary>
    public bool BarsOfEach { get; init; }

    /// <summary>What is wrong with it, and with which of <c>to</c>, <c>bar</c> and <c>task</c>; null when nothing is.</summary>
    public (string Field, string Problem)? Mistake =>
        To < From ? ("to", "the span ends before it begins")
        : BarWidth is { } width && width < TimeSpan.FromMinutes(1) ? ("bar", "a bar is at least 60 seconds wide")
        : BarsOfEach && BarWidth is { } many && (To - From) / many > MostBarsOfEach ? ("bar", $"each can have {MostBarsOfEach:N0} bars at most: ask for wider ones, or a shorter span")
        : Tasks.Count > 0 && By is not (NameKind.Task or NameKind.Exception or NameKind.Failure) ? ("task", "figures of workers, queues, applications and sources are not kept task by task")
        : null;

    /// <summary>A task is asked for.</summary>
    internal bool Wants(string? task) => Tasks.Count == 0 || (task is not null && Tasks.Any(wanted => Glob.Matches(wanted, task)));
}

/// <summary>Figures of a span of time by task, application, worker, queue, source or class of exception, from rollups: runs are never read for it.</summary>
/// <param name="From">Begin, rounded down to the widest bucket that had to be read whole: a minute in spans up to six hours, else an hour, a day where hours are gone.</param>
/// <param name="To">End; what ended in its bucket counts.</param>
/// <param name="Subjects">What had runs in the span, most ended runs first.</param>
/// <param name="Total">All of them, or all of the tasks asked for.</param>
/// <param name="BarSeconds">How wide a bar is, which may be wider than asked for where narrow ones are gone; 0 without bars.</param>
public sealed record LogReport(Instant From, Instant To, IReadOnlyList<SubjectFigures> Subjects, SubjectFigures Total, long BarSeconds);

/// <summary>The figures of one task, worker …</summary>
/// <param name="Name">Its name; empty for all together.</param>
/// <param name="Runs">How runs ended, and how many began.</param>
/// <param name="Runtime">How long they ran, of those that completed or failed; null where nothing is known.</param>
/// <param name="Wait">How long they waited for their start, as the search's <c>wait</c> has it; null where nothing is known.</param>
/// <param name="Bars">Bars with something in them, oldest first.</param>
public sealed record SubjectFigures(string Name, RunCounts Runs, DurationFigures? Runtime, DurationFigures? Wait, IReadOnlyList<ReportBar> Bars);

/// <summary>Runs, counted.</summary>
/// <param name="Submitted">Runs whose first event fell into the span; only known of tasks and of all together.</param>
/// <param name="Completed">Ends as this, and so on.</param>
/// <param name="Failed">Ends as this.</param>
/// <param name="Retried">Ends as this.</param>
/// <param name="Cancelled">Ends as this.</param>
/// <param name="Skipped">Ends as this.</param>
/// <param name="Lost">Ends as this.</param>
public sealed record RunCounts(long Submitted, long Completed, long Failed, long Retried, long Cancelled, long Skipped, long Lost)
{
    /// <summary>All ends.</summary>
    public long Ended => Completed + Failed + Retried + Cancelled + Skipped + Lost;

    /// <summary>Failed and lost ones.</summary>
    public long Bad => Failed + Lost;

    /// <summary>Ends in one state; 0 for a state that is no end.</summary>
    public long this[RunState state] => state switch
    {
        RunState.Completed => Completed,
        RunState.Failed => Failed,
        RunState.Retried => Retried,
        RunState.Cancelled => Cancelled,
        RunState.Skipped => Skipped,
        RunState.Lost => Lost,
        _ => 0,
    };
}

/// <summary>Durations in seconds. Percentiles are at most 1.6 % off; the shortest and longest may be those of a run that changed since.</summary>
/// <param name="Runs">Of how many runs.</param>
/// <param name="Total">Their sum.</param>
/// <param name="Shortest">The shortest; null where it is not kept, as of waits.</param>
/// <param name="Longest">The longest.</param>
/// <param name="P50">Half are at most this.</param>
/// <param name="P95">95 % are.</param>
/// <param name="P99">99 % are.</param>
public sealed record DurationFigures(long Runs, double Total, double? Shortest, double Longest, double P50, double P95, double P99)
{
    /// <summary>The mean.</summary>
    public double Mean => Total / Runs;
}

/// <summary>What ended in one bar of time.</summary>
/// <param name="At">Its begin.</param>
/// <param name="Runs">The runs.</param>
/// <param name="MeanRuntime">Their mean runtime in seconds; null where nothing is known.</param>
/// <param name="MeanWait">Their mean wait in seconds; null where nothing is known.</param>
public sealed record ReportBar(Instant At, RunCounts Runs, double? MeanRuntime, double? MeanWait);
