using Belfry.Storage.Postgres;

namespace Belfry.Storage;

/// <summary>
/// Where a log is kept: <c>sqlite://PATH</c> (three slashes make it absolute), <c>postgresql://USER:PASSWORD@HOST:PORT/DATABASE</c> or <c>memory:</c>.
/// </summary>
public sealed record StoreUrl
{
    StoreUrl(string text, string? path, string? server = null) => (Text, Path, Server) = (text, path, server);

    /// <summary>The URL, without its password.</summary>
    public string Text { get; }

    /// <summary>The file; null in memory and on a server.</summary>
    public string? Path { get; }

    /// <summary>How Npgsql connects to the server, password included; null elsewhere.</summary>
    internal string? Server { get; }

    /// <summary>What two URLs of one store have in common.</summary>
    internal string Place => Path is null ? Text : System.IO.Path.GetFullPath(Path);

    /// <summary>Reads a URL.</summary>
    /// <exception cref="FormatException">It is no store's URL; the message says what is, and shows no password.</exception>
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
        if (ServerAddress.IsOne(text))
        {
            (string shown, string server) = ServerAddress.Read(text);
            return new StoreUrl(shown, null, server);
        }
        throw new FormatException($"'{text}' is not a store: use sqlite://PATH, postgresql://USER:PASSWORD@HOST/DATABASE or memory:");
    }

    /// <summary>The URL, without its password.</summary>
    public override string ToString() => Text;
}

/// <summary>The store cannot be opened, read or written; the message is for an operator.</summary>
public sealed class StoreException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>There is no log at all; otherwise the message says what to do about the one that is there.</summary>
    public bool IsMissing { get; init; }
}
