namespace Belfry.Storage.Search;

/// <summary>A search as a tree; a node holds for a run or does not.</summary>
abstract record SearchNode
{
    /// <summary>It holds for a run.</summary>
    public abstract bool Holds(ISearchable run);

    /// <summary>What must all hold: a conjunction's parts, else the node itself.</summary>
    public virtual IEnumerable<SearchNode> Conjuncts => [this];
}

/// <summary>All hold; nothing holds always.</summary>
sealed record AllOf(IReadOnlyList<SearchNode> Nodes) : SearchNode
{
    public override IEnumerable<SearchNode> Conjuncts => Nodes.SelectMany(node => node.Conjuncts);

    public override bool Holds(ISearchable run)
    {
        foreach (SearchNode node in Nodes)
        {
            if (!node.Holds(run))
            {
                return false;
            }
        }
        return true;
    }
}

/// <summary>Any holds.</summary>
sealed record AnyOf(IReadOnlyList<SearchNode> Nodes) : SearchNode
{
    public override bool Holds(ISearchable run) => Nodes.Any(node => node.Holds(run));
}

/// <summary>It does not hold.</summary>
sealed record Not(SearchNode Node) : SearchNode
{
    public override bool Holds(ISearchable run) => !Node.Holds(run);
}

/// <summary>A word or phrase, anywhere.</summary>
sealed record Word(Needle Needle) : SearchNode
{
    public override bool Holds(ISearchable run) => run.Has(Needle);
}

/// <summary>The state is one of these.</summary>
sealed record StateIs(IReadOnlySet<RunState> States) : SearchNode
{
    public override bool Holds(ISearchable run) => States.Contains(run.State);
}

/// <summary>A name is one of these, or matches their stars.</summary>
sealed record NameIs(SearchField Field, IReadOnlyList<string> Names) : SearchNode
{
    public override bool Holds(ISearchable run) => run.Text(Field) is { } text && Names.Any(name => Glob.Matches(name, text));
}

/// <summary>A text contains one of these.</summary>
sealed record TextHas(SearchField Field, IReadOnlyList<Needle> Needles) : SearchNode
{
    public override bool Holds(ISearchable run) => run.Text(Field) is { } text && Needles.Any(needle => needle.IsIn(text));
}

/// <summary>A quantity compares so; one that is unknown never does.</summary>
sealed record Compares(SearchField Field, Comparison Comparison, double Limit) : SearchNode
{
    public override bool Holds(ISearchable run) => run.Number(Field) is { } number && Comparison switch
    {
        Comparison.Less => number < Limit,
        Comparison.AtMost => number <= Limit,
        Comparison.AtLeast => number >= Limit,
        Comparison.Greater => number > Limit,
        _ => number == Limit,
    };
}

/// <summary>How a quantity is compared.</summary>
enum Comparison
{
    Less,
    AtMost,
    Equal,
    AtLeast,
    Greater,
}

/// <summary>What can be asked of a run.</summary>
enum SearchField
{
    Task,
    State,
    Source,
    App,
    Worker,
    Queue,
    Id,
    Exception,
    Args,
    Kwargs,
    Result,
    Reason,
    Context,
    Runtime,
    Wait,
    Attempt,
    Priority,
    Started,
    Updated,
    Eta,
}

/// <summary>A run as a search sees it.</summary>
interface ISearchable
{
    RunState State { get; }

    /// <summary>The word is somewhere in it.</summary>
    bool Has(Needle word);

    /// <summary>A name or text; null for none.</summary>
    string? Text(SearchField field);

    /// <summary>A quantity: seconds for runtime and wait, epoch microseconds for instants; null for none.</summary>
    double? Number(SearchField field);
}
