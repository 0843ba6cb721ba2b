using Belfry.Storage;

namespace Belfry.Server.Admin;

/// <summary>All that the log page shows.</summary>
public sealed record LogView
{
    /// <summary>Where the page stands.</summary>
    public required PageFrame Frame { get; init; }

    /// <summary>What was asked for.</summary>
    public required LogQuery Query { get; init; }

    /// <summary>The same as the log understands it.</summary>
    public required RunFilter Filter { get; init; }

    /// <summary>The runs; null when they could not be read.</summary>
    public RunPage? Page { get; init; }

    /// <summary>How many match; null when that was not counted.</summary>
    public RunCount? Count { get; init; }

    /// <summary>Figures of the span; null where rollups cannot answer, because text, worker, queue … restrict the list.</summary>
    public LogFigures? Figures { get; init; }

    /// <summary>Known names for the groups of the rail, by field.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Names { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>What went wrong, in a sentence.</summary>
    public string? Problem { get; init; }

    /// <summary>The address made sense; what is wrong, if anything, is the store.</summary>
    public bool Understood { get; init; } = true;

    /// <summary>Sources that are known, for the page before the first event.</summary>
    public IReadOnlyList<SourceStatus> Sources { get; init; } = [];

    /// <summary>No task was ever seen.</summary>
    public bool NothingYet { get; init; }

    /// <summary>The runs, or none.</summary>
    public IReadOnlyList<TaskRun> Runs => Page?.Items ?? [];

    /// <summary>The number of matching runs in words. Beyond the limit of counting, rollups know better where they can.</summary>
    public string? Total => this switch
    {
        { Count: { More: false } count } => Format.Count(count),
        { Figures: { } figures, Count: { } count } when FromRollups(figures) >= count.Runs => Format.Count(FromRollups(figures)),
        { Count: { } count } => Format.Count(count),
        _ => null,
    };

    /// <summary>Failed and Lost rows get a coloured edge only among others.</summary>
    public bool Mixed => Runs.Select(run => run.State).Distinct().Skip(1).Any();

    /// <summary>New runs are added by themselves.</summary>
    public bool Live => Query is { Live: true, AtHead: true } && Problem is null;

    long FromRollups(LogFigures figures) => Filter.States.Count == 0 ? figures.Runs : Filter.States.Sum(state => figures.States.GetValueOrDefault(state));
}
