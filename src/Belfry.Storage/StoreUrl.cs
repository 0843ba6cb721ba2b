namespace Belfry.Storage;

/// <summary>Where a log is kept: <c>sqlite://PATH</c> (three slashes make it absolute) or <c>memory:</c>.</summary>
public sealed record StoreUrl
{
    StoreUrl(string text, string? path) => (Text, Path) = (text, path);

    /// <summary>The URL as given.</summary>
    public string Text { get; }

    /// <summary>The file; null in memory.</summary>
    public string? Path { get; }

    /// <summary>Reads a URL.</summary>
    /// <exception cref="FormatException">It is no store's URL; the message says what is.</exception>
    public static StoreUrl Parse(string text)
    {
        if (text is "memory:" or "memory://")
        {
            return new StoreUrl("memory:", null);
        }
        const string sqlite = "sqlite://";
        if (text.StartsWith(sqlite, StringComparison.OrdinalIgnoreCase) && text.Length > sqlite.Length)
        {
            return new StoreUrl(text, text[sqlite.Length..]);
        }
        throw new FormatException($"'{text}' is not a store: use sqlite://PATH or memory:");
    }

    /// <inheritdoc/>
    public override string ToString() => Text;
}

/// <summary>The store cannot be opened, read or written; the message is for an operator.</summary>
public sealed class StoreException(string message, Exception? inner = null) : Exception(message, inner);
