using Npgsql;

namespace Belfry.Storage.Postgres;

/// <summary>
/// Reads <c>postgresql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full&amp;…</c>, with the names that libpq gives its parameters, as far
/// as Npgsql has the same. Parts are percent-encoded; <c>?host=/var/run/postgresql</c> names a unix socket.
/// </summary>
static class ServerAddress
{
    const int MostConnections = 20; // of the 100 that a server gives out by default
    // Planning a question over a month of partitions takes milliseconds, answering it a fifth of one: each connection plans each once. Compiling never pays.
    const string Plans = "-c plan_cache_mode=force_generic_plan -c jit=off";
    static readonly string[] Schemes = ["postgresql://", "postgres://"];

    static readonly Dictionary<string, string> Parameters = new(StringComparer.OrdinalIgnoreCase)
    {
        ["host"] = "Host", ["port"] = "Port", ["user"] = "Username", ["password"] = "Password", ["dbname"] = "Database",
        ["sslmode"] = "SSL Mode", ["sslrootcert"] = "Root Certificate", ["sslcert"] = "SSL Certificate", ["sslkey"] = "SSL Key",
        ["connect_timeout"] = "Timeout", ["application_name"] = "Application Name", ["options"] = "Options",
    };

    /// <summary>The text begins as such a URL does.</summary>
    public static bool IsOne(string text) => Schemes.Any(scheme => text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase));

    /// <summary>The text is a connection string of Npgsql's, as .NET applications have them: <c>Host=db;Database=app;Username=belfry;Password=…</c>.</summary>
    public static bool IsConnectionString(string text) => text.IndexOf('=', StringComparison.Ordinal) is var first && first > 0 && text.IndexOf("://", StringComparison.Ordinal) is var scheme && (scheme < 0 || scheme > first)
        && text.Split(';').Any(part => part.Split('=')[0].Trim() is var key && (key.Equals("Host", StringComparison.OrdinalIgnoreCase) || key.Equals("Server", StringComparison.OrdinalIgnoreCase)));

    /// <summary>What <see cref="Read"/> tells, of a connection string.</summary>
    /// <exception cref="FormatException">It is none; the message shows no password.</exception>
    public static (string Shown, string Connection) ReadConnectionString(string text)
    {
        try
        {
            return Complete(new NpgsqlConnectionStringBuilder(text));
        }
        catch (Exception refused) when (refused is ArgumentException or KeyNotFoundException or NotSupportedException)
        {
            throw new FormatException("the store's connection string is not understood: use Host=…;Database=…;Username=…;Password=…, or postgresql://USER:PASSWORD@HOST:PORT/DATABASE", refused);
        }
    }

    /// <summary>The URL as it may be shown, and the string by which Npgsql connects.</summary>
    /// <exception cref="FormatException">It is no such URL; the message shows no password.</exception>
    public static (string Shown, string Connection) Read(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? uri))
        {
            throw new FormatException("the store's postgresql:// URL is not understood: use postgresql://USER:PASSWORD@HOST:PORT/DATABASE, special characters as %XX");
        }
        var builder = new NpgsqlConnectionStringBuilder();
        string[] user = uri.UserInfo.Split(':', 2);
        Set(builder, "Username", user[0]);
        Set(builder, "Password", user.Length > 1 ? user[1] : "");
        Set(builder, "Host", uri.Host.Length > 0 ? uri.Host : "localhost");
        builder.Port = uri.Port > 0 ? uri.Port : 5432;
        Set(builder, "Database", uri.AbsolutePath.TrimStart('/'));
        foreach (string[] pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Select(part => part.Split('=', 2)))
        {
            string known = Parameters.GetValueOrDefault(pair[0]) ?? throw new FormatException(
                $"the store's URL has a parameter '{pair[0]}' that is not known: {string.Join(", ", Parameters.Keys.Order(StringComparer.Ordinal))} are");
            Set(builder, known, known == "SSL Mode" ? pair[^1].Replace("-", "", StringComparison.Ordinal) : pair[^1]);
        }
        return Complete(builder);
    }

    /// <summary>With what the log wants besides.</summary>
    static (string Shown, string Connection) Complete(NpgsqlConnectionStringBuilder builder)
    {
        if (builder.Database is null or "")
        {
            throw new FormatException("the store's URL names no database: postgresql://USER:PASSWORD@HOST:PORT/DATABASE");
        }
        builder.ApplicationName ??= "belfry";
        (builder.KeepAlive, builder.MaxPoolSize, builder.MaxAutoPrepare, builder.AutoPrepareMinUsages) = (30, MostConnections, 60, 2);
        builder.SearchPath = "belfry";
        builder.Options = $"{Plans} {builder.Options}".TrimEnd();
        string who = builder.Username is { Length: > 0 } name ? $"{Uri.EscapeDataString(name)}@" : "";
        string where = builder.Host!.StartsWith('/') ? "" : $"{builder.Host}:{builder.Port}";
        return ($"postgresql://{who}{where}/{Uri.EscapeDataString(builder.Database)}", builder.ConnectionString);
    }

    static void Set(NpgsqlConnectionStringBuilder builder, string key, string value)
    {
        if (value.Length == 0)
        {
            return;
        }
        try
        {
            builder[key] = Uri.UnescapeDataString(value);
        }
        catch (Exception refused) when (refused is ArgumentException or FormatException or KeyNotFoundException)
        {
            throw new FormatException($"the store's URL has a {key} that is not understood", refused);
        }
    }
}
