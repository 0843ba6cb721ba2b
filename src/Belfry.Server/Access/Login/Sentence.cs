namespace Belfry.Server.Access;

/// <summary>A problem as the library words it, made a sentence for a page.</summary>
static class Sentence
{
    /// <summary>With a capital and a full stop.</summary>
    public static string Of(string text) => char.ToUpperInvariant(text[0]) + text[1..] + ".";
}
