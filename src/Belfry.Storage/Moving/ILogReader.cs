namespace Belfry.Storage.Moving;

/// <summary>A log that is read to be copied: one snapshot of it, whoever writes meanwhile.</summary>
interface ILogReader : IDisposable
{
    /// <summary>The tables that are copied value by value; all others are made of names and runs.</summary>
    IReadOnlyList<PlainTable> Tables { get; }

    /// <summary>How many rows a table has.</summary>
    long Count(PlainTable table);

    /// <summary>How many runs there are, open or ended ones.</summary>
    long CountRuns(bool open);

    /// <summary>Names with their numbers, which the copy keeps; those up to a number.</summary>
    IEnumerable<NumberedName> Names(long upTo);

    /// <summary>Rows of a table, in the order of its <see cref="PlainTable.Place"/>.</summary>
    /// <param name="table">The table.</param>
    /// <param name="after">Those behind this place; null for all.</param>
    IEnumerable<object?[]> Rows(PlainTable table, long? after);

    /// <summary>Runs with their facts, oldest first.</summary>
    /// <param name="open">Open or ended ones.</param>
    /// <param name="after">Those behind this place; null for all.</param>
    IEnumerable<PlacedRun> Runs(bool open, string? after);

    /// <summary>A run's place, to go on behind it.</summary>
    string PlaceOf(in PlacedRun run);
}

/// <summary>A log that becomes a copy. What is written in one call is committed with the mark that tells so.</summary>
interface ILogTarget : IDisposable
{
    /// <summary>Where the tables of rooms are made.</summary>
    ITableEngine Tables { get; }

    /// <summary>How far a step has come.</summary>
    CopyMark MarkOf(string step);

    /// <summary>What is there, to be compared.</summary>
    ILogReader Read();

    /// <summary>Writes names under their numbers.</summary>
    void Write(IReadOnlyList<NumberedName> names, CopyMark mark);

    /// <summary>Writes rows of a table; before the first of them it is emptied.</summary>
    void Write(PlainTable table, IReadOnlyList<object?[]> rows, CopyMark mark, bool first);

    /// <summary>Writes runs, their keys, and which ended last.</summary>
    void Write(IReadOnlyList<PlacedRun> runs, CopyMark mark);

    /// <summary>The copy is whole: from now on it is a log.</summary>
    void Seal();
}

/// <summary>A name as the log keeps it.</summary>
/// <param name="Number">Its number, which figures and sources refer to.</param>
/// <param name="Kind">Its <see cref="NameKind"/>.</param>
/// <param name="Text">The name.</param>
/// <param name="Key">Where it is found by on PostgreSQL; null from elsewhere.</param>
readonly record struct NumberedName(long Number, int Kind, string Text, Guid? Key);

/// <summary>A run, and where it stands.</summary>
readonly record struct PlacedRun(FoldedRun Row, long Place);

/// <summary>A table whose rows are copied as they are.</summary>
/// <param name="Name">Its name, the same on both engines.</param>
/// <param name="Columns">Its columns; <c>uid</c> is an id, whatever the engine calls it.</param>
/// <param name="Place">The column by which its rows are told apart, when it is one number: then a copy goes on in the middle.</param>
sealed record PlainTable(string Name, IReadOnlyList<string> Columns, string? Place)
{
    /// <summary>Where <see cref="Place"/> is among the columns.</summary>
    public int PlaceIndex { get; } = Place is null ? -1 : Columns.ToList().IndexOf(Place);

    /// <summary>Figures: one engine keeps 0 or nothing where the other keeps null.</summary>
    public bool IsFigures => Place == "cell";
}

/// <summary>How far a step of a copy has come; kept in the copy itself.</summary>
/// <param name="Step">The step: a table, or <c>names</c>, <c>ended runs</c>, <c>open runs</c>.</param>
/// <param name="Place">Behind which row it goes on; null at the beginning.</param>
/// <param name="Rows">Rows so far.</param>
/// <param name="Done">Nothing is left to do.</param>
sealed record CopyMark(string Step, string? Place, long Rows, bool Done)
{
    /// <summary>The table that a copy has until it is whole; a store that has it is no log.</summary>
    public const string Table = "copy_mark";
}
