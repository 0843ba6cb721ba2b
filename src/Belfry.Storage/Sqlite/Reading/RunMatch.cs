using Belfry.Storage.Rows;
using Belfry.Storage.Search;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Reading;

/// <summary>A filter made ready for one reader. The row the statement stands on is looked at column by column; few rows are read whole.</summary>
sealed class RunMatch : ISearchable
{
    /// <summary><see cref="RowCodec.Columns"/> as far as most searches look: SQLite takes each one from each row that it steps on, needed or not.</summary>
    const string FewColumns = "uid, source, name, state, attempt, worker, queue, exc, app, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, payload";

    readonly SearchNode _search;
    readonly IRowContext _context;
    Statement? _row;
    int _first;
    long _at;

    public RunMatch(Database database, RunFilter filter, IRowContext context)
    {
        _context = context;
        _search = filter.ToSearch();
        Clue = TextClue.Of(_search);
        From = filter.From?.Micros ?? long.MinValue;
        To = filter.To?.Micros ?? long.MaxValue;
        foreach (SearchNode node in _search.Conjuncts)
        {
            if (node is NameIs { Field: SearchField.Task } task)
            {
                HashSet<long> numbers = Numbers(database, task.Names);
                Tasks = Tasks is null ? numbers : [.. Tasks.Intersect(numbers)];
            }
            States = node is StateIs state ? (States is null ? state.States : States.Intersect(state.States).ToHashSet()) : States;
        }
    }

    /// <summary>Numbers of the tasks wanted; null for all.</summary>
    public IReadOnlyCollection<long>? Tasks { get; }

    /// <summary>The states wanted; null for all.</summary>
    public IReadOnlySet<RunState>? States { get; }

    /// <summary>What an index of texts can know of it; null for nothing.</summary>
    public TextClue? Clue { get; }

    /// <summary>Not before.</summary>
    public long From { get; }

    /// <summary>Before.</summary>
    public long To { get; }

    /// <summary>Not every run of that time matches.</summary>
    public bool IsChoice => _search.Conjuncts.Any();

    /// <summary>What <see cref="Matches"/> needs of a row, in the order of <see cref="RowCodec.Columns"/>.</summary>
    public string Columns => IsOfFew(_search) ? FewColumns : RowCodec.Columns;

    /// <summary>No run can match.</summary>
    public bool IsHopeless => Tasks is { Count: 0 } || States is { Count: 0 };

    RunState ISearchable.State => (RunState)_row!.Int32(_first + 3);

    /// <summary>The row the statement stands on is wanted.</summary>
    /// <param name="row">The statement.</param>
    /// <param name="first">Its first column of <see cref="RowCodec.Columns"/>.</param>
    /// <param name="at">The row's <c>at</c>.</param>
    public bool Matches(Statement row, int first, long at)
    {
        (_row, _first, _at) = (row, first, at);
        return _search.Holds(this);
    }

    bool ISearchable.Has(Needle word) =>
        word.IsIn(_context.Text(_row!.Int64OrNull(_first + 2)))
        || RowPayload.Has(_context.Unpack(_row.Bytes(_first + 18)), word)
        || ((word.MayBeOfUuid || _row.IsText(_first)) && word.IsIn(IdColumn.Read(_row, _first)));

    string? ISearchable.Text(SearchField field) => field switch
    {
        SearchField.Task => Name(2),
        SearchField.Source => Name(1),
        SearchField.App => Name(8) ?? AppNames.Of(Name(2)),
        SearchField.Worker => Name(5),
        SearchField.Queue => Name(6),
        SearchField.Exception => Name(7),
        SearchField.Id => IdColumn.Read(_row!, _first),
        _ => Searchable.TextOf(Read(), field),
    };

    double? ISearchable.Number(SearchField field) => field == SearchField.Attempt ? _row!.Int32(_first + 4) : Searchable.NumberOf(Read(), field);

    string? Name(int column) => _context.Text(_row!.Int64OrNull(_first + column));

    TaskRun Read() => RowCodec.Read(_row!, _first, _at, _context);

    static bool IsOfFew(SearchNode node) => node switch
    {
        AllOf all => all.Nodes.All(IsOfFew),
        AnyOf any => any.Nodes.All(IsOfFew),
        Not not => IsOfFew(not.Node),
        NameIs name => IsOfFew(name.Field),
        TextHas text => IsOfFew(text.Field),
        Compares compares => compares.Field == SearchField.Attempt,
        _ => node is Word or StateIs,
    };

    static bool IsOfFew(SearchField field) =>
        field is SearchField.Task or SearchField.Source or SearchField.App or SearchField.Worker or SearchField.Queue or SearchField.Exception or SearchField.Id;

    static HashSet<long> Numbers(Database database, IReadOnlyList<string> wanted) => wanted.Any(Glob.IsPattern)
        ? [.. KnownNames.All(database, NameKind.Task).Where(name => wanted.Any(pattern => Glob.Matches(pattern, name.Text))).Select(name => name.Number)]
        : [.. wanted.Select(text => KnownNames.Number(database, NameKind.Task, text)).OfType<long>()];
}
