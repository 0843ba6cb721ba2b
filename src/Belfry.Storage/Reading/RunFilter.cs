using Belfry.Storage.Search;

namespace Belfry.Storage;

/// <summary>Which runs are wanted. An empty list or null does not restrict; all that is given must hold.</summary>
public sealed record RunFilter
{
    /// <summary>
    /// A search: words and "phrases" that occur, in any case, in task, id, exception or reason, arguments or result, <c>*</c> for anything; terms as
    /// <c>state:failed,lost</c>, <c>task:shop.*</c>, <c>-queue:mail</c>, <c>runtime&gt;5s</c>; AND unless OR, NOT, parentheses.
    /// </summary>
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

    /// <summary>Whether the text is a search that is understood; null when it is, else what is wrong with it.</summary>
    public static SearchException? MistakeIn(string? text)
    {
        try
        {
            SearchParser.Parse(text);
            return null;
        }
        catch (SearchException mistake)
        {
            return mistake;
        }
    }

    /// <summary>Makes the question whether a run of the feed is wanted; the same meaning as in a search of the log.</summary>
    /// <exception cref="SearchException">The text is not understood.</exception>
    public Func<TaskRun, bool> ToPredicate()
    {
        SearchNode search = ToSearch();
        return run => (From is null || run.At >= From) && (To is null || run.At < To) && search.Holds(new Searchable(run));
    }

    /// <summary>All but the time, as a search.</summary>
    internal SearchNode ToSearch()
    {
        var nodes = new List<SearchNode>(); // the cheap ones first
        AddNames(nodes, SearchField.Task, Tasks);
        if (States.Count > 0)
        {
            nodes.Add(new StateIs(States.ToHashSet()));
        }
        AddNames(nodes, SearchField.Source, Sources);
        AddNames(nodes, SearchField.Worker, Workers);
        AddNames(nodes, SearchField.Queue, Queues);
        AddNames(nodes, SearchField.Exception, Exceptions);
        AddNames(nodes, SearchField.App, Apps);
        nodes.AddRange(SearchParser.Parse(Text).Conjuncts);
        if (MinRuntime is { } least)
        {
            nodes.Add(new Compares(SearchField.Runtime, Comparison.AtLeast, least.TotalSeconds));
        }
        return new AllOf(nodes);
    }

    static void AddNames(List<SearchNode> nodes, SearchField field, IReadOnlyList<string> names)
    {
        if (names.Count > 0)
        {
            nodes.Add(new NameIs(field, names));
        }
    }
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
