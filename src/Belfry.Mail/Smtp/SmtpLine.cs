using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace Belfry.Mail;

/// <summary>The line to a mail server: commands out, replies in, each step within a time limit, TLS from the start or later.</summary>
sealed class SmtpLine(MailSettings settings) : IAsyncDisposable
{
    // RFC 5321 allows 512; servers that write whole sentences exceed it. Whoever sends more than this is no mail server.
    const int LineLimit = 8192;
    const int ReplyLinesLimit = 256;

    readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    readonly byte[] _buffer = new byte[LineLimit];
    Stream _stream = Stream.Null;
    int _begin;
    int _end;
    bool _certificateRefused;

    /// <summary>The server as messages name it.</summary>
    public string Name { get; } = $"{(settings.Tls == MailTls.Implicit ? "smtps" : "smtp")}://{settings.Host}:{settings.EffectivePort}";

    /// <summary>The address we speak from.</summary>
    public System.Net.IPEndPoint? LocalEnd => _socket.LocalEndPoint as System.Net.IPEndPoint;

    /// <summary>Connects; with implicit TLS nothing goes over it before the handshake.</summary>
    public async Task OpenAsync(CancellationToken cancel)
    {
        await StepAsync("connect", token => _socket.ConnectAsync(settings.Host, settings.EffectivePort, token).AsTask(), cancel);
        _stream = new NetworkStream(_socket, ownsSocket: false);
        if (settings.Tls == MailTls.Implicit)
        {
            await ProtectAsync(cancel);
        }
    }

    /// <summary>Turns to TLS. What the server said before may not be read as if it had been said under TLS.</summary>
    public async Task ProtectAsync(CancellationToken cancel)
    {
        if (_begin != _end)
        {
            throw Failure("spoke before TLS was established; somebody may be between", permanent: true);
        }
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = settings.Host,
            RemoteCertificateValidationCallback = (_, _, _, errors) => !(_certificateRefused = errors != SslPolicyErrors.None && settings.VerifyCertificate),
        };
        var tls = new SslStream(_stream, leaveInnerStreamOpen: false);
        _stream = tls;
        await StepAsync("TLS", token => tls.AuthenticateAsClientAsync(options, token), cancel);
    }

    /// <summary>Sends a command and reads the reply.</summary>
    public async Task<SmtpReply> AskAsync(string command, CancellationToken cancel)
    {
        await SendAsync(Encoding.UTF8.GetBytes(command + "\r\n"), cancel);
        return await HearAsync(cancel);
    }

    /// <summary>Sends bytes as they are.</summary>
    public Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel) =>
        StepAsync("send", async token =>
        {
            await _stream.WriteAsync(bytes, token);
            await _stream.FlushAsync(token);
        }, cancel);

    /// <summary>Reads one reply, all its lines. A 421 says that the server hangs up.</summary>
    public async Task<SmtpReply> HearAsync(CancellationToken cancel)
    {
        var lines = new List<string>();
        while (true)
        {
            string line = "";
            await StepAsync("wait for a reply", async token => line = await ReadLineAsync(token), cancel);
            if (line.Length < 3 || !int.TryParse(line.AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int code)
                || code is < 200 or > 599 || lines.Count == ReplyLinesLimit)
            {
                throw Failure($"does not speak SMTP: '{MailHeader.Clean(line[..Math.Min(line.Length, 80)])}'", permanent: true);
            }
            lines.Add(line.Length > 4 ? line[4..] : "");
            if (line.Length == 3 || line[3] != '-')
            {
                return new SmtpReply(code, lines);
            }
        }
    }

    /// <summary>A failure that names the server.</summary>
    public MailException Failure(string what, bool permanent, Exception? inner = null) => new($"{Name} {what}", permanent, inner);

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _socket.Dispose();
    }

    async Task<string> ReadLineAsync(CancellationToken cancel)
    {
        while (true)
        {
            int length = _buffer.AsSpan(_begin.._end).IndexOf((byte)'\n');
            if (length >= 0)
            {
                string line = Encoding.UTF8.GetString(_buffer, _begin, length).TrimEnd('\r');
                _begin += length + 1;
                return line;
            }
            await FillAsync(cancel);
        }
    }

    async Task FillAsync(CancellationToken cancel)
    {
        _buffer.AsSpan(_begin.._end).CopyTo(_buffer);
        (_begin, _end) = (0, _end - _begin);
        if (_end == _buffer.Length)
        {
            throw Failure("does not speak SMTP: a line without end", permanent: true);
        }
        int read = await _stream.ReadAsync(_buffer.AsMemory(_end), cancel);
        _end += read > 0 ? read : throw Failure("hung up", permanent: false);
    }

    async Task StepAsync(string step, Func<CancellationToken, Task> act, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(settings.Timeout);
        try
        {
            await act(limit.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw Failure($"did not answer within {settings.Timeout.TotalSeconds:0.#} s ({step}); are Mail:Port and Mail:Tls right?", permanent: false);
        }
        catch (AuthenticationException e)
        {
            string hint = _certificateRefused ? "a certificate of one's own needs Mail:VerifyCertificate false" : "are Mail:Port and Mail:Tls right?";
            throw Failure($"{(_certificateRefused ? "cannot be trusted" : "does not speak TLS")}: {MailHeader.Clean(e.Message)} ({hint})", permanent: true, e);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            throw Failure($"cannot be reached ({step}): {MailHeader.Clean(e.Message)}", permanent: false, e);
        }
    }
}
