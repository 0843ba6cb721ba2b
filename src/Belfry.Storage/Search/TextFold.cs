namespace Belfry.Storage.Search;

/// <summary>The form in which texts stand in an index: what a search takes for the same letters is the same there.</summary>
static class TextFold
{
    /// <summary>Stands between the texts of a run, and in place of the character 0, where SQLite's tokenizer would stop and PostgreSQL refuse.</summary>
    public const char Between = '\u0001';

    /// <summary>The form of a text.</summary>
    public static string Of(string text) => text.ToUpperInvariant().Replace('\0', Between);
}
