namespace Belfry.Celery;

/// <summary>Where a broker is, in the form Celery writes it: <c>redis://[user:password@]host:port/db</c>, <c>amqp://[user:password@]host:port/vhost</c> …</summary>
/// <remarks>Immutable. Never shows its passwords, neither in <see cref="ToString"/> nor in the message of a refusal.</remarks>
public sealed record BrokerUrl
{
    /// <summary>Which protocol it speaks.</summary>
    public BrokerKind Kind { get; internal init; }

    /// <summary>Host name or address; null with a unix socket.</summary>
    public string? Host { get; internal init; }

    /// <summary>Port; by default 6379 for Redis, 5672 for RabbitMQ, 5671 with TLS.</summary>
    public int Port { get; internal init; }

    /// <summary>Path of the unix socket; null over TCP.</summary>
    public string? SocketPath { get; internal init; }

    /// <summary>Number of Redis' database; 0 by default.</summary>
    public int Database { get; internal init; }

    /// <summary>RabbitMQ's virtual host; <c>/</c> by default.</summary>
    public string VirtualHost { get; internal init; } = "/";

    /// <summary>User of the broker's access list; null for its default user.</summary>
    public string? User { get; internal init; }

    /// <summary>Encrypted (<c>rediss://</c>, <c>amqps://</c>).</summary>
    public bool Tls { get; internal init; }

    /// <summary>The broker's certificate is verified; <c>ssl_cert_reqs=none</c> turns it off.</summary>
    public bool VerifyCertificate { get; internal init; } = true;

    /// <summary>The certificate must name the host; <c>ssl_check_hostname=false</c> turns it off.</summary>
    public bool VerifyHost { get; internal init; } = true;

    /// <summary>PEM file of the authorities to trust instead of the system's (<c>ssl_ca_certs</c>).</summary>
    public string? AuthorityFile { get; internal init; }

    /// <summary>PEM file of our own certificate (<c>ssl_certfile</c>).</summary>
    public string? CertificateFile { get; internal init; }

    /// <summary>PEM file of its key (<c>ssl_keyfile</c>), when not in the certificate's file.</summary>
    public string? KeyFile { get; internal init; }

    /// <summary>The brokers to take instead when this one is away, in this order: what follows in a list with semicolons.</summary>
    public IReadOnlyList<BrokerUrl> Others { get; internal init; } = [];

    /// <summary>The Sentinels that know which Redis is the master (<c>sentinel://</c>); empty where the broker itself is named.</summary>
    public IReadOnlyList<BrokerUrl> Sentinels { get; internal init; } = [];

    /// <summary>What the Sentinels call it (<c>master_name</c>).</summary>
    public string? MasterName { get; internal init; }

    internal string? Password { get; init; }

    /// <summary>Reads a URL.</summary>
    /// <exception cref="FormatException">It is no broker that can be read; the message says why, without the password.</exception>
    public static BrokerUrl Parse(string text) => BrokerUrlReader.Read(text);

    /// <summary>With what its Sentinels are to be asked, where that does not stand in the URL.</summary>
    /// <param name="masterName">What they call the master.</param>
    /// <param name="user">A user of theirs.</param>
    /// <param name="password">That user's password.</param>
    public BrokerUrl WithSentinel(string? masterName, string? user, string? password) => this with
    {
        MasterName = MasterName ?? masterName,
        Sentinels = [.. Sentinels.Select(one => one with { User = one.User ?? user, Password = one.Password ?? password })],
    };

    /// <summary>With what the Sentinels of another are asked, where this does not say it.</summary>
    internal BrokerUrl WithSentinelOf(BrokerUrl other) => other.Sentinels is [var one, ..] ? WithSentinel(other.MasterName, one.User, one.Password) : this;

    /// <summary>The same broker at another place.</summary>
    internal BrokerUrl At(string host, int port) => this with { Host = host, Port = port, SocketPath = null, Sentinels = [], MasterName = null, Others = [] };

    /// <summary>The URL with *** for its passwords.</summary>
    public override string ToString() => Others.Count > 0 ? string.Join(';', Others.Prepend(this with { Others = [] })) : Sentinels.Count > 0 ? ThroughSentinels() : One();

    string ThroughSentinels()
    {
        string login = Password is null ? User is null ? "" : $"{User}@" : $"{User}:***@";
        string[] places = [.. Sentinels.Select(one => $"{(one.Host!.Contains(':') ? $"[{one.Host}]" : one.Host)}:{one.Port}")];
        places[0] = $"{login}{places[0]}/{Database}{(MasterName is null ? "" : $"?master_name={MasterName}")}";
        return "sentinel://" + string.Join(";sentinel://", places);
    }

    string One()
    {
        string login = Password is null ? User is null ? "" : $"{User}@" : $"{User}:***@";
        string place = $"{login}{(Host?.Contains(':') == true ? $"[{Host}]" : Host)}:{Port}";
        return Kind switch
        {
            // As kombu writes the default virtual host: amqp://host:5672//
            BrokerKind.RabbitMq => $"{(Tls ? "amqps" : "amqp")}://{place}/{VirtualHost}",
            _ when SocketPath is not null => $"redis+socket://{login}{SocketPath}?virtual_host={Database}",
            _ => $"{(Tls ? "rediss" : "redis")}://{place}/{Database}",
        };
    }
}

/// <summary>What a broker is.</summary>
public enum BrokerKind
{
    /// <summary>Redis: lists and publish/subscribe.</summary>
    Redis = 0,

    /// <summary>RabbitMQ, or whatever else speaks AMQP 0-9-1 as it does.</summary>
    RabbitMq = 1,
}
