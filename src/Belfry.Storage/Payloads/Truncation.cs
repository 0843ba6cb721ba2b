using System.Text;

namespace Belfry.Storage.Payloads;

/// <summary>
/// Empties the containers within arguments and results, as aa-taskmonitor does: <c>[1, [2, 3], 4]</c> becomes <c>[1, [], 4]</c>.
/// A text that is no whole container (a scalar, or one that Celery cut off) stays as it is.
/// </summary>
static class Truncation
{
    /// <summary>Positional or keyword arguments.</summary>
    public static string? OfArguments(string? text)
    {
        if (text is null || text.AsSpan(Math.Min(1, text.Length)).IndexOfAny('(', '[', '{') < 0 || !LiteralReader.TryParts(text, out List<Range> parts))
        {
            return text;
        }
        var shorter = new StringBuilder(text.Length);
        int copied = 0;
        foreach (Range part in parts)
        {
            (int start, int length) = part.GetOffsetAndLength(text.Length);
            if (length > 2 && text[start] is '(' or '[' or '{' && text[start + length - 1] is ')' or ']' or '}')
            {
                shorter.Append(text, copied, start - copied).Append(text[start]).Append(text[start + length - 1]);
                copied = start + length;
            }
        }
        return copied == 0 ? text : shorter.Append(text, copied, text.Length - copied).ToString();
    }

    /// <summary>A result: besides, a list of nothing but empty containers becomes an empty list. Zeros and empty texts are data and stay.</summary>
    public static string? OfResult(string? text)
    {
        string? shorter = OfArguments(text);
        bool isList = shorter is not null && shorter.AsSpan().TrimStart().StartsWith("[");
        return isList && LiteralReader.TryParts(shorter!, out List<Range> parts) && parts.Count > 0 && parts.TrueForAll(part => shorter![part] is "[]" or "{}" or "()")
            ? "[]"
            : shorter;
    }
}
