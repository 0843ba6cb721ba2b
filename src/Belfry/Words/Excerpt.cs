using System.Diagnostics.CodeAnalysis;

namespace Belfry;

/// <summary>The beginning of a text that is too long to be kept, or to be shown, whole.</summary>
public static class Excerpt
{
    /// <summary>The text itself when it is short enough; else as much of it as fits before an ellipsis, never cut within a character.</summary>
    /// <param name="text">The text; of none there is none.</param>
    /// <param name="most">How long it may be with the ellipsis, as <see cref="string.Length"/> counts; 2 or more.</param>
    [return: NotNullIfNotNull(nameof(text))]
    public static string? Of(string? text, int most) =>
        text is null || text.Length <= most ? text : string.Concat(text.AsSpan(0, most - (char.IsHighSurrogate(text[most - 2]) ? 2 : 1)), "…");
}
