using System.Globalization;
using System.Text.RegularExpressions;

namespace Belfry.Celery;

/// <summary>Where a broker is, in the form Celery writes it: <c>redis://[user:password@]host:port/db</c>, <c>rediss://…</c>, <c>redis+socket:///path?virtual_host=db</c>.</summary>
/// <remarks>Immutable. Never shows its password, neither in <see cref="ToString"/> nor in the message of a refusal.</remarks>
public sealed partial class BrokerUrl
{
    const int RedisPort = 6379;

    /// <summary>Host name or address; null with a unix socket.</summary>
    public string? Host { get; private init; }

    /// <summary>Port; 6379 by default.</summary>
    public int Port { get; private init; } = RedisPort;

    /// <summary>Path of the unix socket; null over TCP.</summary>
    public string? SocketPath { get; private init; }

    /// <summary>Number of the database; 0 by default.</summary>
    public int Database { get; private init; }

    /// <summary>User of the broker's access list; null for its default user.</summary>
    public string? User { get; private init; }

    /// <summary>Encrypted (<c>rediss://</c>).</summary>
    public bool Tls { get; private init; }

    /// <summary>The broker's certificate is verified; <c>ssl_cert_reqs=none</c> turns it off.</summary>
    public bool VerifyCertificate { get; private init; } = true;

    /// <summary>The certificate must name the host; <c>ssl_check_hostname=false</c> turns it off.</summary>
    public bool VerifyHost { get; private init; } = true;

    /// <summary>PEM file of the authorities to trust instead of the system's (<c>ssl_ca_certs</c>).</summary>
    public string? AuthorityFile { get; private init; }

    /// <summary>PEM file of our own certificate (<c>ssl_certfile</c>).</summary>
    public string? CertificateFile { get; private init; }

    /// <summary>PEM file of its key (<c>ssl_keyfile</c>), when not in the certificate's file.</summary>
    public string? KeyFile { get; private init; }

    internal string? Password { get; private init; }

    /// <summary>Reads a URL.</summary>
    /// <exception cref="FormatException">It is no broker that can be read; the message says why, without the password.</exception>
    public static BrokerUrl Parse(string text)
    {
        int colon = text.IndexOf("://", StringComparison.Ordinal);
        string scheme = colon > 0 ? text[..colon].ToLowerInvariant() : "";
        string rest = colon > 0 ? text[(colon + 3)..] : "";
        return scheme switch
        {
            _ when rest.Contains("://", StringComparison.Ordinal) && rest.Contains(';') => throw Refused(text, "several brokers in one URL come with a later version"),
            "redis" or "rediss" => Tcp(text, rest, tls: scheme.Length > "redis".Length),
            "redis+socket" => Socket(text, rest),
            "amqp" or "amqps" or "pyamqp" or "librabbitmq" => throw Refused(text, "RabbitMQ comes with a later version"),
            "sentinel" => throw Refused(text, "Redis Sentinel comes with a later version"),
            _ => throw Refused(text, "use redis://[user:password@]host:port/db, rediss://… or redis+socket:///path?virtual_host=db"),
        };
    }

    /// <summary>The URL with *** for its password.</summary>
    public override string ToString()
    {
        string login = Password is null ? User is null ? "" : $"{User}@" : $"{User}:***@";
        return SocketPath is not null
            ? $"redis+socket://{login}{SocketPath}?virtual_host={Database}"
            : $"{(Tls ? "rediss" : "redis")}://{login}{(Host!.Contains(':') ? $"[{Host}]" : Host)}:{Port}/{Database}";
    }

    static BrokerUrl Tcp(string text, string rest, bool tls)
    {
        (string address, Dictionary<string, string> options) = Split(rest);
        (string? user, string? password, address) = Login(address);
        int slash = address.IndexOf('/');
        string path = slash < 0 ? "" : address[(slash + 1)..];
        (string host, int port) = Endpoint(text, slash < 0 ? address : address[..slash]);
        return new BrokerUrl
        {
            Host = host, Port = port, User = user, Password = password, Tls = tls,
            Database = DatabaseOf(text, path.Length > 0 ? path : options.GetValueOrDefault("virtual_host", "")),
            VerifyCertificate = Verifies(text, options.GetValueOrDefault("ssl_cert_reqs", "required")),
            VerifyHost = options.GetValueOrDefault("ssl_check_hostname", "true").ToLowerInvariant() is not ("false" or "0" or "no"),
            AuthorityFile = options.GetValueOrDefault("ssl_ca_certs"),
            CertificateFile = options.GetValueOrDefault("ssl_certfile"),
            KeyFile = options.GetValueOrDefault("ssl_keyfile"),
        };
    }

    static BrokerUrl Socket(string text, string rest)
    {
        (string address, Dictionary<string, string> options) = Split(rest);
        (string? user, string? password, string path) = Login(address);
        if (!path.StartsWith('/') || path.Length < 2)
        {
            throw Refused(text, "a socket needs an absolute path, as in redis+socket:///run/redis.sock?virtual_host=0");
        }
        return new BrokerUrl
        {
            SocketPath = Uri.UnescapeDataString(path), User = user, Password = password,
            Database = DatabaseOf(text, options.GetValueOrDefault("virtual_host", "")),
        };
    }

    static (string Address, Dictionary<string, string> Options) Split(string rest)
    {
        int question = rest.IndexOf('?');
        var options = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (string pair in (question < 0 ? "" : rest[(question + 1)..]).Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = pair.IndexOf('=');
            options[equals < 0 ? pair : pair[..equals]] = equals < 0 ? "" : Uri.UnescapeDataString(pair[(equals + 1)..]);
        }
        return (question < 0 ? rest : rest[..question], options);
    }

    static (string? User, string? Password, string Address) Login(string address)
    {
        // The last @ ends the login: a password may hold one that nobody encoded.
        int at = address.LastIndexOf('@');
        if (at < 0)
        {
            return (null, null, address);
        }
        int colon = address.AsSpan(0, at).IndexOf(':');
        string user = Uri.UnescapeDataString(address[..(colon < 0 ? at : colon)]);
        string? password = colon < 0 ? null : Uri.UnescapeDataString(address[(colon + 1)..at]);
        return (user.Length > 0 ? user : null, password is { Length: > 0 } ? password : null, address[(at + 1)..]);
    }

    static (string Host, int Port) Endpoint(string text, string address)
    {
        Match match = EndpointPattern().Match(address);
        if (!match.Success)
        {
            throw Refused(text, $"'{address}' is not host:port");
        }
        string host = match.Groups["host"].Value.Trim('[', ']');
        string port = match.Groups["port"].Value;
        return int.TryParse(port.Length > 0 ? port : "6379", NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is > 0 and < 65536
            ? (host.Length > 0 ? host : "localhost", number)
            : throw Refused(text, $"{port} is not a port");
    }

    static int DatabaseOf(string text, string path)
    {
        string number = path.Trim('/');
        return number.Length == 0 ? 0
            : int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int database) ? database
            : throw Refused(text, $"the database '{number}' is not a number");
    }

    static bool Verifies(string text, string wish) => wish.ToLowerInvariant() switch
    {
        // A client that asks for a certificate always gets one: "optional" is "required" here, as it is in Python.
        "required" or "cert_required" or "optional" or "cert_optional" => true,
        "none" or "cert_none" => false,
        _ => throw Refused(text, $"ssl_cert_reqs is required, optional or none, not '{wish}'"),
    };

    static FormatException Refused(string text, string why) => new($"'{PasswordPattern().Replace(text, "${login}***@")}' is not a broker that Belfry can read: {why}");

    [GeneratedRegex(@"^(?<host>\[[0-9A-Fa-f:.%]+\]|[^:\[\]/\s]*)(:(?<port>\d*))?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex EndpointPattern();

    // From the first colon of the login to the last @ of the text: rather too much than a piece of a password.
    [GeneratedRegex("(?<login>(^|://)[^:@/]*:).*@", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PasswordPattern();
}
