namespace Belfry.Storage.Rollups;

/// <summary>Compares cells that were made of rows with those that are kept; both engines ask it in the same words.</summary>
static class RollupDifference
{
    /// <summary>What is counted of a cell: a maximum is not lowered while events come, nor a minimum raised, and neither is wrong.</summary>
    const string Compared = "cell, first, completed, failed, retried, cancelled, skipped, lost, timed, sum, waited, wait_sum";

    /// <summary>A cell of which all went away may stay, empty.</summary>
    const string Any = "first <> 0 OR completed <> 0 OR failed <> 0 OR retried <> 0 OR cancelled <> 0 OR skipped <> 0 OR lost <> 0";

    /// <summary>Counts the cells that are not what they should be.</summary>
    /// <param name="made">The table made of rows.</param>
    /// <param name="kept">The table that is kept.</param>
    /// <param name="allowed">Which cells can be compared.</param>
    /// <param name="nothing">The engine's word for no bytes.</param>
    public static string Count(string made, string kept, string allowed, string nothing)
    {
        string figures = $"{Compared}, coalesce(hist, {nothing}), coalesce(wait_hist, {nothing})";
        string Lacks(string one, string other) =>
            $"SELECT * FROM (SELECT {figures} FROM {one} WHERE {allowed} AND ({Any}) EXCEPT SELECT {figures} FROM {other}) AS {(one == made ? "missing" : "wrong")}";
        return $"SELECT count(DISTINCT cell) FROM ({Lacks(made, kept)} UNION ALL {Lacks(kept, made)}) AS different";
    }

    /// <summary>Takes what was made of rows in place of what is kept.</summary>
    public static string Exchange(string made, string kept, string allowed) =>
        $"DELETE FROM {kept} WHERE {allowed}; INSERT INTO {kept}(cell, {CellNumbers.Columns}) SELECT cell, {CellNumbers.Columns} FROM {made} WHERE {allowed}";

    /// <summary>Minutes that are kept and whose rows are all there.</summary>
    public static string Minutes(RollupMarks marks) => $"cell >= {marks.MinutesKept} AND (cell >> 20) / 60 NOT IN (SELECT hour FROM lacking)";

    /// <summary>Hours that are kept and whose rows are all there.</summary>
    public static string Hours(RollupMarks marks) => $"cell >= {marks.HoursKept} AND (cell >> 20) NOT IN (SELECT hour FROM lacking)";

    /// <summary>Days whose rows are all there, and others of which all hours are kept.</summary>
    public static string Days(RollupMarks marks) => $"((cell & 1048575) >= {FirstDay(marks)} OR NOT {DayLacks})";

    /// <summary>A day lacks rows.</summary>
    public const string DayLacks = "((cell & 1048575) IN (SELECT hour / 24 FROM lacking))";

    /// <summary>Cells of the hours that such days are made of.</summary>
    public static string HoursOfLackingDays(RollupMarks marks) =>
        $"cell >= {RollupKeys.FirstOf(FirstDay(marks) * 24)} AND cell < {marks.HoursAdded} AND (cell >> 20) / 24 IN (SELECT hour / 24 FROM lacking)";

    /// <summary>How many hours can be made of rows.</summary>
    public static string HoursWithRows(string schema) => $"""
        SELECT count(*) FROM (SELECT cell >> 20 AS one FROM {schema}.hour UNION SELECT (cell >> 20) / 60 FROM {schema}.minute) AS hours WHERE one NOT IN (SELECT hour FROM lacking)
        """;

    /// <summary>The first day of which all hours are kept.</summary>
    static long FirstDay(RollupMarks marks) => ((marks.HoursKept >> RollupKeys.NameBits) + 23) / 24;
}
