using System.Text;

namespace Belfry;

/// <summary>A word, a name in quotes or a mark of a condition's text.</summary>
/// <param name="Text">The word, the name without its quotes, or the mark; empty at the end of the text.</param>
/// <param name="IsQuoted">It stood in quotes, so it is a name whatever it looks like.</param>
/// <param name="Position">Where it begins.</param>
/// <param name="End">Just behind it.</param>
readonly record struct Token(string Text, bool IsQuoted, int Position, int End)
{
    const string Marks = "&|~!(),<>=";

    /// <summary>It is this word, in any case, or this mark.</summary>
    public bool IsWord(string word) => !IsQuoted && Text.Equals(word, StringComparison.OrdinalIgnoreCase);

    /// <summary>It ends what comes before it: a bracket, or a word or mark that joins conditions.</summary>
    public bool IsJoint => !IsQuoted && (Text.Length == 0 || Text is "&" or "|" or "(" or ")" || IsWord("and") || IsWord("or"));

    /// <summary>Splits a text into its tokens; the last one is its end.</summary>
    /// <exception cref="ConditionException">A quote is never closed.</exception>
    public static List<Token> Split(string text)
    {
        var tokens = new List<Token>();
        for (int at = 0; at < text.Length;)
        {
            if (char.IsWhiteSpace(text[at]))
            {
                at++;
                continue;
            }
            Token token = text[at] is '\'' or '"' ? Quoted(text, at) : new Token(Plain(text, at), false, at, 0);
            token = token.IsQuoted ? token : token with { End = at + token.Text.Length };
            tokens.Add(token);
            at = token.End;
        }
        tokens.Add(new Token("", false, text.Length, text.Length));
        return tokens;
    }

    static string Plain(string text, int at)
    {
        if (Marks.Contains(text[at], StringComparison.Ordinal))
        {
            bool isTwo = text[at] is '=' or '!' or '<' or '>' && at + 1 < text.Length && text[at + 1] == '=';
            return text.Substring(at, isTwo ? 2 : 1);
        }
        int end = at;
        // A comma begins no word, but a list in a cron expression has some inside.
        while (end < text.Length && !char.IsWhiteSpace(text[end]) && (text[end] is ',' || !Marks.Contains(text[end], StringComparison.Ordinal)))
        {
            end++;
        }
        return text[at..end];
    }

    /// <summary>A quote in a name is doubled.</summary>
    static Token Quoted(string text, int at)
    {
        var name = new StringBuilder();
        char quote = text[at];
        for (int end = at + 1; end < text.Length; end++)
        {
            if (text[end] != quote)
            {
                name.Append(text[end]);
            }
            else if (end + 1 < text.Length && text[end + 1] == quote)
            {
                name.Append(text[end++]);
            }
            else
            {
                return new Token(name.ToString(), true, at, end + 1);
            }
        }
        throw new ConditionException("this quote is never closed", at);
    }
}

/// <summary>Names in quotes.</summary>
static class Quotes
{
    /// <summary>In single quotes; one in the name is doubled.</summary>
    public static string Of(string name) => $"'{name.Replace("'", "''", StringComparison.Ordinal)}'";
}
