namespace Belfry.Storage.Search;

/// <summary>Patterns in which <c>*</c> stands for anything.</summary>
static class Glob
{
    /// <summary>It has a star.</summary>
    public static bool IsPattern(string text) => text.Contains('*', StringComparison.Ordinal);

    /// <summary>The whole text matches; in any case when the pattern has a star.</summary>
    public static bool Matches(string pattern, ReadOnlySpan<char> text)
    {
        if (!IsPattern(pattern))
        {
            return text.SequenceEqual(pattern);
        }
        string[] parts = pattern.Split('*');
        if (text.Length < pattern.Length - parts.Length + 1
            || !text.StartsWith(parts[0], StringComparison.OrdinalIgnoreCase)
            || !text.EndsWith(parts[^1], StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }
        text = text[parts[0].Length..^parts[^1].Length];
        foreach (string part in parts[1..^1])
        {
            int at = text.IndexOf(part, StringComparison.OrdinalIgnoreCase);
            if (at < 0)
            {
                return false;
            }
            text = text[(at + part.Length)..];
        }
        return true;
    }
}
