using Belfry.Storage.Search;

namespace Belfry.Storage.Postgres.Texts;

/// <summary>A clue as PostgreSQL asks for it: patterns of LIKE, which an index of trigrams answers.</summary>
sealed class TextMatch
{
    readonly List<string> _patterns = [];

    /// <summary>The condition of a clue.</summary>
    /// <param name="clue">The clue.</param>
    /// <param name="first">The number of its first parameter.</param>
    public TextMatch(TextClue clue, int first) => Condition = Of(clue, first);

    /// <summary>What must hold of a text.</summary>
    public string Condition { get; }

    /// <summary>Its parameters.</summary>
    public IReadOnlyList<string> Patterns => _patterns;

    string Of(TextClue clue, int first) => clue switch
    {
        HasText has => Like(has.Text, first),
        AllClues all => $"({string.Join(" AND ", all.Clues.Select(part => Of(part, first)))})",
        AnyClue any => $"({string.Join(" OR ", any.Clues.Select(part => Of(part, first)))})",
        _ => throw new ArgumentOutOfRangeException(nameof(clue)),
    };

    string Like(string text, int first)
    {
        string literal = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal);
        _patterns.Add($"%{literal}%");
        return $"text LIKE ${first + _patterns.Count - 1}";
    }
}
