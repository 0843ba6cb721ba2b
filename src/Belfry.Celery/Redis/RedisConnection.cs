using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Belfry.Celery.Redis;

/// <summary>One connection to Redis: TCP, TLS or a unix socket; logged in, its database selected.</summary>
/// <remarks>
/// StackExchange.Redis would be the library to take. Ours is small because we need little of it (publish, subscribe, a few commands),
/// and reads pub/sub at a quarter of its cost. All calls block: the reader of events has a thread of its own, where blocking is cheapest;
/// the few others go through <see cref="RedisQuestions"/>. Cancelling closes the socket, which ends any call in progress.
/// </remarks>
sealed class RedisConnection : IDisposable
{
    const int ReceiveBuffer = 4 * 1024 * 1024;

    readonly Socket _socket;
    readonly Lock _writing = new();
    Stream _stream = Stream.Null;
    RespReader _replies = new(Stream.Null);

    RedisConnection(Socket socket, BrokerUrl place) => (_socket, Place) = (socket, place);

    /// <summary>The Redis at the other end.</summary>
    public BrokerUrl Place { get; }

    /// <summary>Connects to the broker, or to the master of its list or of its Sentinels, logs in and selects the database; waits for each of them up to <paramref name="timeout"/>.</summary>
    /// <exception cref="RedisException">The broker refused; the message is for an operator.</exception>
    /// <exception cref="IOException">It cannot be reached.</exception>
    public static RedisConnection Open(BrokerUrl url, TimeSpan timeout, TimeProvider clock, CancellationToken cancel) =>
        url.Sentinels.Count > 0 || url.Others.Count > 0 ? new RedisMaster(url, timeout, clock).Open(cancel) : OpenAt(url, timeout, clock, cancel);

    /// <summary>Connects to this one.</summary>
    /// <inheritdoc cref="Open"/>
    internal static RedisConnection OpenAt(BrokerUrl url, TimeSpan timeout, TimeProvider clock, CancellationToken cancel)
    {
        using var deadline = new CancellationTokenSource(timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancel);
        var connection = new RedisConnection(NewSocket(url), url);
        try
        {
            CancellationTokenRegistration closing = either.Token.Register(connection.Dispose);
            connection.Connect(url);
            connection.LogIn(url);
            // From here on nobody closes it but who holds it; it may have been closed just now.
            closing.Dispose();
            return either.IsCancellationRequested ? throw new IOException("closed") : connection;
        }
        catch (Exception problem)
        {
            connection.Dispose();
            cancel.ThrowIfCancellationRequested();
            throw deadline.IsCancellationRequested
                ? new IOException($"{url} did not answer within {timeout.TotalSeconds:0.#} s", problem)
                : problem is RedisException ? problem : new IOException($"{url} cannot be reached: {problem.InnerException?.Message ?? problem.Message}", problem);
        }
    }

    /// <summary>Reads what has come, at least a byte; 0 when the broker closed.</summary>
    public int Read(Span<byte> into) => _stream.Read(into);

    /// <summary>How long <see cref="Read"/> waits before it gives up with an exception.</summary>
    public TimeSpan ReadTimeout { set => _socket.ReceiveTimeout = (int)value.TotalMilliseconds; }

    /// <summary>Sends a command and does not wait for its reply.</summary>
    public void Send(params ReadOnlySpan<string> words)
    {
        byte[] bytes = RespText.Command(words);
        lock (_writing)
        {
            _stream.Write(bytes);
            _stream.Flush();
        }
    }

    /// <summary>Sends a command and reads its reply. Not on a connection that has subscribed.</summary>
    /// <exception cref="RedisException">The reply is an error.</exception>
    public RespReply Command(params ReadOnlySpan<string> words)
    {
        Send(words);
        RespReply reply = _replies.Read();
        return reply.Error is { } error ? throw new RedisException($"{words[0]}: {error}") : reply;
    }

    /// <summary>Sends several commands in one go and reads their replies, errors among them. Not on a connection that has subscribed.</summary>
    public IReadOnlyList<RespReply> Pipe(IReadOnlyCollection<IReadOnlyCollection<RespWord>> commands)
    {
        lock (_writing)
        {
            _stream.Write(RespText.Commands(commands).Span);
            _stream.Flush();
        }
        var replies = new List<RespReply>(commands.Count);
        while (replies.Count < commands.Count)
        {
            replies.Add(_replies.Read());
        }
        return replies;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }

    static Socket NewSocket(BrokerUrl url) => url.SocketPath is not null
        ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    void Connect(BrokerUrl url)
    {
        // Room for a burst while the reader naps or is not scheduled.
        _socket.ReceiveBufferSize = ReceiveBuffer;
        if (url.SocketPath is not null)
        {
            _socket.Connect(new UnixDomainSocketEndPoint(url.SocketPath));
        }
        else
        {
            _socket.Connect(url.Host!, url.Port);
        }
        _stream = new NetworkStream(_socket, ownsSocket: false);
        if (url.Tls)
        {
            _stream = Encrypted(url, _stream);
        }
        _replies = new RespReader(_stream);
    }

    static SslStream Encrypted(BrokerUrl url, Stream inner)
    {
        var stream = new SslStream(inner);
        stream.AuthenticateAsClient(new SslClientAuthenticationOptions
        {
            TargetHost = url.Host!,
            ClientCertificates = url.CertificateFile is { } file ? [X509Certificate2.CreateFromPemFile(file, url.KeyFile)] : null,
            CertificateChainPolicy = url.AuthorityFile is { } authorities ? BrokerTls.TrustOnly(authorities) : null,
            RemoteCertificateValidationCallback = (_, _, _, errors) => BrokerTls.Accepts(url, errors),
        });
        return stream;
    }

    void LogIn(BrokerUrl url)
    {
        if (url.Password is not null)
        {
            _ = url.User is null ? Command("AUTH", url.Password) : Command("AUTH", url.User, url.Password);
        }
        if (url.Database > 0)
        {
            Command("SELECT", $"{url.Database}");
        }
    }
}

/// <summary>The broker answered with an error, or with something that is not its protocol; the message is for an operator.</summary>
public sealed class RedisException(string message) : BrokerException(message);
