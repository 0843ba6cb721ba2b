namespace Belfry.Storage.Payloads;

/// <summary>
/// Finds where a value ends in a text that may be JSON, Python's <c>repr</c>, or either of them cut off: strings with prefixes and escapes,
/// brackets within brackets, and anything else up to the next delimiter.
/// </summary>
static class LiteralReader
{
    /// <summary>Just behind the value that begins at <paramref name="start"/>; -1 when the text ends within it.</summary>
    public static int EndOf(ReadOnlySpan<char> text, int start)
    {
        int at = start;
        int depth = 0;
        do
        {
            if (at >= text.Length)
            {
                return depth == 0 && at > start ? at : -1;
            }
            char c = text[at];
            if (c is '\'' or '"')
            {
                at = EndOfString(text, at);
                if (at < 0)
                {
                    return -1;
                }
            }
            else if (c is '(' or '[' or '{')
            {
                depth++;
                at++;
            }
            else if (c is ')' or ']' or '}')
            {
                if (depth == 0)
                {
                    return at;
                }
                depth--;
                at++;
            }
            else if (depth == 0 && IsDelimiter(c))
            {
                return at;
            }
            else
            {
                at++;
            }
        }
        while (depth > 0 || (at < text.Length && !IsEndAfter(text, at)));
        return at;
    }

    /// <summary>The parts of the container that is the whole text, between its brackets; false when the text is no whole container.</summary>
    public static bool TryParts(string text, out List<Range> parts)
    {
        parts = [];
        ReadOnlySpan<char> trimmed = text.AsSpan().Trim();
        if (trimmed.Length < 2 || trimmed[0] is not ('(' or '[' or '{') || EndOf(trimmed, 0) != trimmed.Length || !IsClosedBy(trimmed[0], trimmed[^1]))
        {
            return false;
        }
        int offset = text.Length - text.AsSpan().TrimStart().Length;
        for (int at = 1; at < trimmed.Length - 1;)
        {
            while (at < trimmed.Length - 1 && (char.IsWhiteSpace(trimmed[at]) || trimmed[at] is ',' or ':'))
            {
                at++;
            }
            if (at >= trimmed.Length - 1)
            {
                break;
            }
            int end = EndOf(trimmed, at);
            if (end < 0)
            {
                return false;
            }
            parts.Add(new Range(offset + at, offset + Math.Max(end, at + 1)));
            at = Math.Max(end, at + 1);
        }
        return true;
    }

    static bool IsClosedBy(char open, char close) => (open, close) is ('(', ')') or ('[', ']') or ('{', '}');

    static bool IsDelimiter(char c) => c is ',' or ':' or '\n' or '\r';

    /// <summary>A value is over at a delimiter, at white space, or at the bracket that encloses it.</summary>
    static bool IsEndAfter(ReadOnlySpan<char> text, int at) => IsDelimiter(text[at]) || char.IsWhiteSpace(text[at]) || text[at] is ')' or ']' or '}' or ';' or '&';

    static int EndOfString(ReadOnlySpan<char> text, int start)
    {
        for (int at = start + 1; at < text.Length; at++)
        {
            if (text[at] == '\\')
            {
                at++;
            }
            else if (text[at] == text[start])
            {
                return at + 1;
            }
        }
        return -1;
    }
}
