using System.Text;
using Belfry.Storage.Search;

namespace Belfry.Storage.Sqlite.Texts;

/// <summary>A clue as FTS5 asks for it: threes of letters, because the index does not know where in a text they stand.</summary>
static class TextMatch
{
    const int MostOfOneText = 12; // evenly chosen of a longer one: more would find hardly less, and each costs a look-up

    /// <summary>The expression.</summary>
    public static string Of(TextClue clue) => clue switch
    {
        HasText has => Joined(" AND ", Threes(has.Text).Select(three => $"\"{three.Replace("\"", "\"\"", StringComparison.Ordinal)}\"")),
        AllClues all => Joined(" AND ", all.Clues.Select(Of)),
        AnyClue any => Joined(" OR ", any.Clues.Select(Of)),
        _ => throw new ArgumentOutOfRangeException(nameof(clue)),
    };

    static string Joined(string between, IEnumerable<string> parts) => $"({string.Join(between, parts)})";

    static IEnumerable<string> Threes(string text)
    {
        Rune[] letters = [.. text.EnumerateRunes()];
        int threes = letters.Length - TextClue.ShortestText + 1, taken = Math.Min(threes, MostOfOneText);
        return Enumerable.Range(0, taken)
            .Select(n => taken == 1 ? 0 : (int)((long)n * (threes - 1) / (taken - 1)))
            .Select(at => string.Concat(letters.Skip(at).Take(TextClue.ShortestText)))
            .Distinct();
    }
}
