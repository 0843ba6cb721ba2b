using Belfry.Storage.Postgres;

namespace Belfry.Storage;

/// <summary>
/// Where a log is kept: <c>sqlite://PATH</c> (three slashes make it absolute), <c>postgresql://USER:PASSWORD@HOST:PORT/DATABASE</c>, <c>memory:</c>, or
/// <c>csv://FOLDER</c>, which can only be read.
/// </summary>
public sealed record StoreUrl
{
    StoreUrl(string text, string? path, string? server = null, string? folder = null) => (Text, Path, Server, Folder) = (text, path, server, folder);

    /// <summary>The URL, without its password.</summary>
    public string Text { get; }

    /// <summary>The file; null in memory and on a server.</summary>
    public string? Path { get; }

    /// <summary>The folder of a log of comma-separated values, as an application keeps one by <c>UseCsv</c>; null elsewhere.</summary>
    internal string? Folder { get; }

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
        const string sqlite = "sqlite://", csv = "csv://";
        if (text.StartsWith(sqlite, StringComparison.OrdinalIgnoreCase) && text.Length > sqlite.Length)
        {
            return new StoreUrl(text, text[sqlite.Length..]);
        }
        if (text.StartsWith(csv, StringComparison.OrdinalIgnoreCase) && text.Length > csv.Length)
        {
            return new StoreUrl(text, null, folder: text[csv.Length..]);
        }
        if (ServerAddress.IsOne(text))
        {
            (string shown, string server) = ServerAddress.Read(text);
            return new StoreUrl(shown, null, server);
        }
        if (ServerAddress.IsConnectionString(text))
        {
            (string shown, string server) = ServerAddress.ReadConnectionString(text);
            return new StoreUrl(shown, null, server);
        }
        throw new FormatException($"'{text}' is not a store: use sqlite://PATH, postgresql://USER:PASSWORD@HOST/DATABASE, memory:, or csv://FOLDER to read one");
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
