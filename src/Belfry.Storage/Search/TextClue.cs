using System.Text;

namespace Belfry.Storage.Search;

/// <summary>
/// What an index of texts can know of a search: a run for which it does not hold is not wanted; one for which it holds has to be looked at.
/// </summary>
abstract record TextClue
{
    /// <summary>Letters that an index needs at least.</summary>
    public const int ShortestText = 3;

    /// <summary>The clue of a search; null when no index of texts helps it.</summary>
    public static TextClue? Of(SearchNode search)
    {
        // A task's name alone has an index of its own, which serves better.
        bool helps = search.Conjuncts.Any(node => node is not NameIs { Field: SearchField.Task } && OfNode(node) is not null);
        return helps ? OfNode(search) : null;
    }

    static TextClue? OfNode(SearchNode node) => node switch
    {
        AllOf all => All(all.Nodes.Select(OfNode)),
        AnyOf any => Any(any.Nodes.Select(OfNode)),
        Word word => OfNeedle(word.Needle),
        TextHas { Field: SearchField.Args or SearchField.Kwargs or SearchField.Result or SearchField.Reason } has => Any(has.Needles.Select(OfNeedle)),
        NameIs { Field: SearchField.Task or SearchField.Id } name => Any(name.Names.Select(pattern => OfNeedle(new Needle(pattern)))),
        _ => null,
    };

    static TextClue? OfNeedle(Needle needle) => All(needle.Texts.Select(OfText));

    /// <summary>Half a surrogate pair is found in a whole one, but an index knows whole letters only.</summary>
    static TextClue? OfText(string text) =>
        text.EnumerateRunes().Count() >= ShortestText && !text.EnumerateRunes().Contains(Rune.ReplacementChar) ? new HasText(TextFold.Of(text)) : null;

    static TextClue? All(IEnumerable<TextClue?> clues)
    {
        TextClue[] known = [.. clues.OfType<TextClue>()];
        return known.Length switch { 0 => null, 1 => known[0], _ => new AllClues(known) };
    }

    static TextClue? Any(IEnumerable<TextClue?> clues)
    {
        TextClue?[] all = [.. clues];
        return all.Length == 0 || all.Contains(null) ? null : all.Length == 1 ? all[0] : new AnyClue(all!);
    }
}

/// <summary>One of the run's texts has this, folded.</summary>
sealed record HasText(string Text) : TextClue;

/// <summary>All hold.</summary>
sealed record AllClues(IReadOnlyList<TextClue> Clues) : TextClue;

/// <summary>Any holds.</summary>
sealed record AnyClue(IReadOnlyList<TextClue> Clues) : TextClue;
