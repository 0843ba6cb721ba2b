using System.Text;

namespace Belfry.Storage.Search;

/// <summary>A word, a term or a mark of a search.</summary>
/// <param name="Field">The field of a term, with its minus; null for a word or mark.</param>
/// <param name="Operator">What stands between field and value.</param>
/// <param name="Text">The word, the value, or the mark.</param>
/// <param name="IsQuoted">It stood in quotes: a word, whatever it looks like.</param>
/// <param name="Position">Where it begins.</param>
/// <param name="End">Just behind it.</param>
sealed record SearchToken(string? Field, string Operator, string Text, bool IsQuoted, int Position, int End)
{
    /// <summary>The values of a term: any of them is meant. A comma in quotes divides nothing.</summary>
    public IReadOnlyList<string> Values { get; init; } = [];

    /// <summary>It is this mark: a parenthesis, AND, OR, NOT.</summary>
    public bool IsMark(string mark) => Field is null && !IsQuoted && Text == mark;

    /// <summary>Splits a search into its tokens.</summary>
    /// <exception cref="SearchException">A quote is never closed.</exception>
    public static List<SearchToken> Split(string text)
    {
        var tokens = new List<SearchToken>();
        for (int at = 0; at < text.Length;)
        {
            if (char.IsWhiteSpace(text[at]))
            {
                at++;
            }
            else if (text[at] is '(' or ')')
            {
                tokens.Add(new SearchToken(null, "", text[at].ToString(), false, at, ++at));
            }
            else if (text[at] == '-' && at + 1 < text.Length && text[at + 1] is '(' or '"')
            {
                tokens.Add(new SearchToken(null, "", "NOT", false, at, ++at)); // what is in the brackets or quotes is not wanted
            }
            else
            {
                tokens.Add(Next(text, ref at));
            }
        }
        return tokens;
    }

    static SearchToken Next(string text, ref int at)
    {
        int begin = at;
        string? field = null;
        string compared = "";
        bool quoted = false;
        var value = new StringBuilder();
        var values = new List<string>();
        int divided = 0; // where the value at hand begins
        while (at < text.Length && !char.IsWhiteSpace(text[at]) && text[at] is not ('(' or ')'))
        {
            if (text[at] == '"')
            {
                int end = text.IndexOf('"', at + 1);
                if (end < 0)
                {
                    throw new SearchException("this quote is never closed", at);
                }
                value.Append(text, at + 1, end - at - 1);
                quoted = true;
                at = end + 1;
            }
            else if (field is null && !quoted && value.Length > 0 && text[at] is ':' or '<' or '>' && !quoted)
            {
                compared = at + 1 < text.Length && text[at] != ':' && text[at + 1] == '=' ? text.Substring(at, 2) : text[at].ToString();
                field = value.ToString();
                value.Clear();
                at += compared.Length;
            }
            else
            {
                if (text[at] == ',' && field is not null)
                {
                    values.Add(value.ToString(divided, value.Length - divided));
                    divided = value.Length + 1;
                }
                value.Append(text[at++]);
            }
        }
        values.Add(value.ToString(divided, value.Length - divided));
        return new SearchToken(field, compared, value.ToString(), quoted && field is null, begin, at) { Values = values.FindAll(one => one.Length > 0) };
    }
}
