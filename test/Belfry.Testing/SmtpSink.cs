using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace Belfry.Testing;

/// <summary>How the sink's connections are protected.</summary>
public enum SinkTls
{
    /// <summary>They are not.</summary>
    None,

    /// <summary>By STARTTLS, which the sink then insists on.</summary>
    StartTls,

    /// <summary>From the first byte.</summary>
    Implicit,
}

/// <summary>A real SMTP server (aiosmtpd) that keeps what it gets. It refuses recipients that begin with <c>refused</c> or, for now, <c>later</c>.</summary>
/// <remarks>More ways to be awkward stand at the head of <c>smtp/sink.py</c>.</remarks>
public sealed class SmtpSink : IAsyncDisposable
{
    static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);
    readonly TempFolder _folder;
    readonly ChildProcess _process;

    SmtpSink(TempFolder folder, ChildProcess process, int port) => (_folder, _process, Port) = (folder, process, port);

    /// <summary>Its port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>The certificate of its TLS, for "localhost" and 127.0.0.1, signed by itself (PEM).</summary>
    public string CertificateFile => _folder.File("sink.pem");

    /// <summary>What arrived so far.</summary>
    public IReadOnlyList<ArrivedMail> Mails =>
        [.. _process.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => JsonSerializer.Deserialize<ArrivedMail>(line, Web)!)];

    /// <summary>Starts one; with a user it asks for a login.</summary>
    /// <param name="tls">How its connections are protected.</param>
    /// <param name="user">Who may log in.</param>
    /// <param name="password">With what.</param>
    /// <param name="more">Further options of <c>smtp/sink.py</c>.</param>
    public static async Task<SmtpSink> StartAsync(SinkTls tls = SinkTls.None, string? user = null, string? password = null, params string[] more)
    {
        var folder = new TempFolder();
        if (tls != SinkTls.None)
        {
            await WriteCertificateAsync(folder);
        }
        string script = Path.Combine(AppContext.BaseDirectory, "smtp", "sink.py");
        string word = tls switch { SinkTls.None => "none", SinkTls.StartTls => "starttls", _ => "implicit" };
        List<string> arguments = ["-u", script, "--tls", word, "--certificate", folder.File("sink.pem"), "--key", folder.File("sink.key"), .. more];
        if (user is not null)
        {
            arguments.AddRange(["--user", user, "--password", password ?? ""]);
        }
        ChildProcess process = ChildProcess.Start(Machine.Python, arguments, folder.Path);
        int port = 0;
        await process.LineAsync(line => int.TryParse(line, out port));
        return new SmtpSink(folder, process, port);
    }

    /// <summary>Waits until so many mails have arrived.</summary>
    public Task<IReadOnlyList<ArrivedMail>> ArrivedAsync(int mails = 1) =>
        Eventually.GetAsync($"{mails} mails at the sink", () => Task.FromResult(Mails is { } all && all.Count >= mails ? all : null));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _folder.Dispose();
    }

    static async Task WriteCertificateAsync(TempFolder folder)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        await File.WriteAllTextAsync(folder.File("sink.pem"), certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(folder.File("sink.key"), key.ExportPkcs8PrivateKeyPem());
    }
}

/// <summary>A mail as it arrived.</summary>
/// <param name="From">Sender of the envelope.</param>
/// <param name="To">Recipients of the envelope.</param>
/// <param name="Data">Headers and body as sent.</param>
/// <param name="Tls">The connection was protected.</param>
/// <param name="Auth">Who had logged in, or null.</param>
/// <param name="Mechanism"><c>PLAIN</c> or <c>LOGIN</c>, or null.</param>
/// <param name="Ehlo">The sender said EHLO.</param>
/// <param name="Options">What stood behind MAIL FROM.</param>
/// <param name="Headers">Headers, decoded by Python's <c>email</c>.</param>
/// <param name="Text">The plain body, decoded, or null.</param>
/// <param name="Html">The HTML body, decoded, or null.</param>
/// <param name="Defects">What Python's parser found wrong with it.</param>
public sealed record ArrivedMail(
    string From, IReadOnlyList<string> To, string Data, bool Tls, string? Auth, string? Mechanism, bool Ehlo, IReadOnlyList<string> Options,
    IReadOnlyDictionary<string, string> Headers, string? Text, string? Html, IReadOnlyList<string> Defects)
{
    /// <summary>The subject, decoded.</summary>
    public string Subject => Headers["Subject"];
}
