using System.Globalization;
using System.Text.RegularExpressions;

namespace Belfry.Celery;

/// <summary>Reads the URL of a broker as kombu does.</summary>
static partial class BrokerUrlReader
{
    const string Sentinel = "sentinel://";
    const int RedisPort = 6379, SentinelPort = 26379, AmqpPort = 5672, AmqpsPort = 5671;

    /// <summary>Reads it, or refuses it with a reason.</summary>
    public static BrokerUrl Read(string text)
    {
        string[] parts = ListPattern().Split(text);
        if (parts.Any(part => part.StartsWith(Sentinel, StringComparison.OrdinalIgnoreCase)))
        {
            return ThroughSentinels(text, parts);
        }
        BrokerUrl[] brokers = [.. parts.Select(part => One(text, part))];
        return brokers.DistinctBy(broker => broker.Kind).Count() > 1 ? throw Refused(text, "a list is of brokers of one kind")
            : brokers.Length == 1 ? brokers[0] : brokers[0] with { Others = brokers[1..] };
    }

    static BrokerUrl One(string text, string part)
    {
        int colon = part.IndexOf("://", StringComparison.Ordinal);
        string scheme = colon > 0 ? part[..colon].ToLowerInvariant() : "";
        string rest = colon > 0 ? part[(colon + 3)..] : "";
        return scheme switch
        {
            "redis" or "rediss" => Redis(text, rest, tls: scheme.Length > "redis".Length, RedisPort),
            "redis+socket" => Socket(text, rest),
            "amqp" or "amqps" or "pyamqp" or "librabbitmq" => RabbitMq(text, rest, tls: scheme == "amqps"),
            _ => throw Refused(text, "use redis://[user:password@]host:port/db, rediss://…, redis+socket:///path?virtual_host=db, sentinel://host:port/db?master_name=… or amqp://[user:password@]host:port/vhost, amqps://…"),
        };
    }

    /// <summary>As for kombu the first says login and database, which are those of the Redis, not of the Sentinels. Options may stand at any of the list.</summary>
    static BrokerUrl ThroughSentinels(string text, string[] parts)
    {
        if (!parts.All(part => part.StartsWith(Sentinel, StringComparison.OrdinalIgnoreCase)))
        {
            throw Refused(text, "a list is of Sentinels or of brokers, not of both");
        }
        string[] rests = [.. parts.Select(part => part[Sentinel.Length..])];
        BrokerUrl[] places = [.. rests.Select(rest => Redis(text, rest, tls: false, SentinelPort))];
        Dictionary<string, string> options = rests.SelectMany(rest => Split(rest).Options).GroupBy(option => option.Key, StringComparer.OrdinalIgnoreCase)
            .ToDictionary(same => same.Key, same => same.First().Value, StringComparer.OrdinalIgnoreCase);
        bool tls = options.ContainsKey("ssl_cert_reqs") || options.ContainsKey("ssl_ca_certs");
        BrokerUrl first = places[0];
        BrokerUrl master = Encrypted(text, options, tls) with
        {
            Host = first.Host, Port = first.Port, User = first.User, Password = first.Password, Database = first.Database,
        };
        BrokerUrl sentinel = master with { User = options.GetValueOrDefault("sentinel_username"), Password = options.GetValueOrDefault("sentinel_password"), Database = 0 };
        return master with
        {
            MasterName = options.GetValueOrDefault("master_name"), Sentinels = [.. places.Select(place => sentinel with { Host = place.Host, Port = place.Port })],
        };
    }

    static BrokerUrl Encrypted(string text, Dictionary<string, string> options, bool tls) => new()
    {
        Tls = tls,
        VerifyCertificate = Verifies(text, options),
        VerifyHost = ChecksHost(options),
        AuthorityFile = options.GetValueOrDefault("ssl_ca_certs"),
        CertificateFile = options.GetValueOrDefault("ssl_certfile"),
        KeyFile = options.GetValueOrDefault("ssl_keyfile"),
    };

    static BrokerUrl Redis(string text, string rest, bool tls, int usualPort)
    {
        (string address, Dictionary<string, string> options) = Split(rest);
        // The last @ ends the login: a password may hold one, or a slash, that nobody encoded.
        (string? user, string? password, address) = Login(address);
        (string endpoint, string path) = Halves(address);
        (string host, int port) = Endpoint(text, endpoint, usualPort);
        return Encrypted(text, options, tls) with
        {
            Kind = BrokerKind.Redis, Host = host, Port = port, User = user, Password = password,
            Database = DatabaseOf(text, path.Length > 0 ? path : options.GetValueOrDefault("virtual_host", "")),
        };
    }

    static BrokerUrl RabbitMq(string text, string rest, bool tls)
    {
        (string address, Dictionary<string, string> options) = Split(rest);
        // The first slash ends the login here, as it does for kombu: a virtual host may hold slashes.
        (string authority, string path) = Halves(address);
        if (path.Contains('@'))
        {
            throw Refused(text, "write a slash of the password as %2F, and an @ of the virtual host as %40");
        }
        (string? user, string? password, string endpoint) = Login(authority);
        tls |= options.ContainsKey("ssl_cert_reqs") || options.ContainsKey("ssl_ca_certs");
        (string host, int port) = Endpoint(text, endpoint, tls ? AmqpsPort : AmqpPort);
        return Encrypted(text, options, tls) with
        {
            Kind = BrokerKind.RabbitMq, Host = host, Port = port, User = user, Password = password, VirtualHost = path.Length > 0 ? Uri.UnescapeDataString(path) : "/",
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
            Kind = BrokerKind.Redis, SocketPath = Uri.UnescapeDataString(path), User = user, Password = password,
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

    static (string Before, string After) Halves(string address)
    {
        int slash = address.IndexOf('/');
        return slash < 0 ? (address, "") : (address[..slash], address[(slash + 1)..]);
    }

    static (string? User, string? Password, string Address) Login(string address)
    {
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

    static (string Host, int Port) Endpoint(string text, string address, int usualPort)
    {
        Match match = EndpointPattern().Match(address);
        if (!match.Success)
        {
            // Behind a colon may stand a password whose @ is missing.
            int colon = address.IndexOf(':');
            throw Refused(text, $"{Shown(text, colon < 0 ? address : $"{address[..colon]}:…")} is not host:port");
        }
        string host = match.Groups["host"].Value.Trim('[', ']');
        string port = match.Groups["port"].Value;
        int number = usualPort;
        return port.Length == 0 || (int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number is > 0 and < 65536)
            ? (host.Length > 0 ? host : "localhost", number)
            : throw Refused(text, $"{(port.Length <= 5 ? port : "that")} is not a port");
    }

    static int DatabaseOf(string text, string path)
    {
        string number = path.Trim('/');
        return number.Length == 0 ? 0
            : int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int database) ? database
            : throw Refused(text, $"the database {Shown(text, number)} is not a number");
    }

    static bool Verifies(string text, Dictionary<string, string> options)
    {
        string wish = options.GetValueOrDefault("ssl_cert_reqs", "required");
        return wish.ToLowerInvariant() switch
        {
            // A client that asks for a certificate always gets one: "optional" is "required" here, as it is in Python.
            "required" or "cert_required" or "optional" or "cert_optional" => true,
            "none" or "cert_none" => false,
            _ => throw Refused(text, $"ssl_cert_reqs is required, optional or none, not '{wish}'"),
        };
    }

    static bool ChecksHost(Dictionary<string, string> options) =>
        options.GetValueOrDefault("ssl_check_hostname", "true").ToLowerInvariant() is not ("false" or "0" or "no");

    static FormatException Refused(string text, string why)
    {
        string shown = SentinelPattern().Replace(LonePattern().Replace(PasswordPattern().Replace(text, "${login}***@"), "***"), "***");
        return new FormatException($"'{shown}' is not a broker that Belfry can read: {why}");
    }

    /// <summary>A piece of the text; not one that stands before the last @, which a password with a question mark in it may have cut off.</summary>
    static string Shown(string text, string piece) =>
        text.LastIndexOf('@') > text.LastIndexOf(piece.TrimEnd('…'), StringComparison.Ordinal) ? "what stands there (write a ? of the password as %3F)" : $"'{piece}'";

    // A semicolon divides brokers where the next one begins; a password may hold others.
    [GeneratedRegex(@";(?=[A-Za-z+]+://)", RegexOptions.None, 1000)]
    private static partial Regex ListPattern();

    [GeneratedRegex(@"^(?<host>\[[0-9A-Fa-f:.%]+\]|[^:\[\]/\s]*)(:(?<port>\d*))?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex EndpointPattern();

    // From the first colon of the login to the last @ of the text: rather too much than a piece of a password.
    [GeneratedRegex("(?<login>(^|://)[^:@/]*:).*@", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PasswordPattern();

    // A login without its @: what follows the colon is no port.
    [GeneratedRegex(@"(?<=://[^:@/\[\]]*:)(?!\*\*\*|\d{0,5}([/?;]|$)).*", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex LonePattern();

    [GeneratedRegex("(?<=sentinel_password=)[^&;]*", RegexOptions.IgnoreCase, 1000)]
    private static partial Regex SentinelPattern();
}
