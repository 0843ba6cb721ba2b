namespace Belfry.Storage.Moving;

/// <summary>What is said of a store that is a copy not yet whole.</summary>
static class HalfCopy
{
    /// <summary>Creates the table of marks; both engines read it alike.</summary>
    public const string Create = $"CREATE TABLE IF NOT EXISTS {CopyMark.Table}(source text NOT NULL, step text NOT NULL PRIMARY KEY, place text, rows bigint NOT NULL, done bigint NOT NULL)";

    /// <summary>The step that is there from the beginning, so that the copy says of what it is one.</summary>
    public const string Begun = "begun";

    /// <summary>It is opened as a log.</summary>
    public static StoreException NotALog(StoreUrl url, string source) => new(
        $"{url} is a copy of {source} that is not whole yet: run 'belfry migrate --store {source} --to {url}' again, it goes on where it stopped. Or delete it.");

    /// <summary>Another log is to be copied into it.</summary>
    public static CopyRefusedException OfAnother(StoreUrl url, string source) => new(
        $"{url} is a copy of {source} that is not whole yet. Go on with that one, or name another target.");

    /// <summary>It has runs or names already.</summary>
    public static CopyRefusedException Taken(StoreUrl url) => new($"{url} holds a log already; it stays as it is. Name a target that is new.");

    /// <summary>A table is not known here, or has other columns.</summary>
    public static CopyRefusedException Unlike(PlainTable table, StoreUrl url) => new(
        $"the table '{table.Name}' ({string.Join(", ", table.Columns)}) has no counterpart in {url}: bring both stores to the same version with 'belfry migrate' first.");
}
