using Belfry.Testing;

namespace Belfry.Mail.Tests;

public sealed class MailSenderTests
{
    static readonly OutgoingMail Mail = new()
    {
        To = ["ops@example.com"],
        Bcc = ["Mara Lindt <mara@example.com>", "ops@example.com"],
        Subject = "[ALERT] données Has Not Executed",
        Text = "Erste Zeile\n.\n..punkte\nFrom here = there\ttrailing \nend",
        Html = "<p>äöü & a line that is rather long and goes on and on and on and on and on and on and on and on until it is more than 76</p>",
    };

    [Fact]
    public async Task A_mail_arrives_as_it_was_written()
    {
        await using SmtpSink sink = await SmtpSink.StartAsync();
        MailReceipt receipt = await SendAsync(Settings(sink), Mail);

        ArrivedMail arrived = Assert.Single(await sink.ArrivedAsync());
        Assert.Equal(["ops@example.com", "mara@example.com"], receipt.Accepted);
        Assert.Equal(receipt.Accepted, arrived.To);
        Assert.Equal("bell@example.com", arrived.From);
        Assert.Equal(Mail.Subject, arrived.Subject);
        Assert.Equal("Belfry <bell@example.com>", arrived.Headers["From"].Replace("\"", "", StringComparison.Ordinal));
        Assert.Equal(Mail.Text, arrived.Text!.ReplaceLineEndings("\n").TrimEnd('\n'));
        Assert.Equal(Mail.Html, arrived.Html!.TrimEnd('\n'));
        Assert.StartsWith("multipart/alternative", arrived.Headers["Content-Type"], StringComparison.Ordinal);
        Assert.Equal($"<{Mail.Id}@example.com>", arrived.Headers["Message-ID"]);
        Assert.Empty(arrived.Defects);
        Assert.All(arrived.Data.Split("\r\n"), line => Assert.True(line.Length <= 76));
        Assert.DoesNotContain("\n", arrived.Data.Replace("\r\n", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("mara", arrived.Data, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData(MailTls.None, "PLAIN")]
    [InlineData(MailTls.None, "LOGIN")]
    [InlineData(MailTls.StartTls, "PLAIN")]
    [InlineData(MailTls.StartTls, "LOGIN")]
    [InlineData(MailTls.Implicit, "PLAIN")]
    [InlineData(MailTls.Implicit, "LOGIN")]
    public async Task It_logs_in_by_every_way_over_every_kind_of_connection(MailTls tls, string method)
    {
        await using SmtpSink sink = await SmtpSink.StartAsync(Sink(tls), "bell", "sésame öffne", "--login", method);
        MailSettings settings = Settings(sink);
        (settings.Tls, settings.VerifyCertificate, settings.User, settings.Password) = (tls, false, "bell", "sésame öffne");
        await SendAsync(settings, Mail);

        ArrivedMail arrived = Assert.Single(await sink.ArrivedAsync());
        Assert.Equal(("bell", method, tls != MailTls.None), (arrived.Auth, arrived.Mechanism, arrived.Tls));
    }

    [Theory]
    [InlineData(MailTls.StartTls)]
    [InlineData(MailTls.Implicit)]
    public async Task A_certificate_nobody_vouches_for_is_refused(MailTls tls)
    {
        await using SmtpSink sink = await SmtpSink.StartAsync(Sink(tls));
        MailSettings settings = Settings(sink);
        settings.Tls = tls;
        MailException failure = await Assert.ThrowsAsync<MailException>(() => SendAsync(settings, Mail));
        Assert.True(failure.Permanent);
        Assert.Contains("cannot be trusted", failure.Message, StringComparison.Ordinal);
        Assert.Empty(sink.Mails);
    }

    [Fact]
    public async Task TLS_to_a_port_that_does_not_speak_it_says_which_settings_to_look_at()
    {
        await using SmtpSink sink = await SmtpSink.StartAsync();
        MailSettings settings = Settings(sink);
        settings.Tls = MailTls.Implicit;
        MailException failure = await Assert.ThrowsAsync<MailException>(() => SendAsync(settings, Mail));
        Assert.Contains("does not speak TLS", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Mail:Tls", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_says_nothing_is_given_up_and_worth_a_retry()
    {
        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        int port = ((System.Net.IPEndPoint)silent.LocalEndpoint).Port;
        MailException failure = await Assert.ThrowsAsync<MailException>(
            () => SendAsync(new MailSettings { Host = "127.0.0.1", Port = port, Timeout = TimeSpan.FromMilliseconds(200) }, Mail));
        Assert.False(failure.Permanent);
        Assert.Contains("did not answer within 0.2 s", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak SMTP: 'HTTP/1.1 400 Bad Request'", true)]
    [InlineData("220-one\r\n220-two\r\n220 three\r\n421 4.3.2 too busy\r\n", "refuses the greeting: 421 4.3.2 too busy", false)]
    [InlineData("554-no\r\n554 service here\r\n", "refuses the connection: 554 no service here", true)]
    [InlineData("220 hello\r\n250-hi\r\n250 AUTH=CRAM-MD5\r\n", "only offers CRAM-MD5 without TLS", true)]
    [InlineData("220 hello\r\n250-hi\r\n250 AUTH PLAIN\r\n535 not AHVzZXIAc2VzYW1l with sesame\r\n", "refuses the login as 'user': 535 not *** with ***", true)]
    [InlineData("220 hello\r\n250-hi\r\n250 AUTH PLAIN\r\n454 later\r\n", "refuses the login as 'user': 454 later", false)]
    public async Task What_a_strange_server_says_is_read_and_told(string script, string words, bool permanent)
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        Task talking = TalkAsync(listener, script);
        var settings = new MailSettings
        {
            Host = "127.0.0.1", Port = ((System.Net.IPEndPoint)listener.LocalEndpoint).Port, User = "user", Password = "sesame", Timeout = TimeSpan.FromSeconds(5),
        };
        MailException failure = await Assert.ThrowsAsync<MailException>(() => SendAsync(settings, Mail));
        await talking;
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
        Assert.Equal(permanent, failure.Permanent);
    }

    [Fact]
    public async Task What_was_slipped_in_before_TLS_is_not_believed()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        Task talking = TalkAsync(listener, "220 hello\r\n250-hi\r\n250 STARTTLS\r\n220 go\r\n250 AUTH PLAIN\r\n");
        var settings = new MailSettings { Host = "127.0.0.1", Port = ((System.Net.IPEndPoint)listener.LocalEndpoint).Port, Tls = MailTls.StartTls };
        MailException failure = await Assert.ThrowsAsync<MailException>(() => SendAsync(settings, Mail));
        await talking;
        Assert.Contains("spoke before TLS was established", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\u0000 nul, \u001b[31m escape, tab\t")]
    [InlineData(".\n..\n.\n")]
    [InlineData("no end of line")]
    [InlineData("\n\n\nblank lines \n \n")]
    [InlineData("日本語の長い文章が続きます。日本語の長い文章が続きます。日本語の長い文章が続きます。🔔🔔🔔")]
    [InlineData("=3D =\n= soft =20")]
    [InlineData("--=_belfry_x--\n--=_belfry_x")]
    public async Task A_body_arrives_whatever_is_in_it(string body)
    {
        await using SmtpSink sink = await SmtpSink.StartAsync();
        await SendAsync(Settings(sink), Mail with { Text = body + new string('x', 2000) + "é", Html = body });
        ArrivedMail arrived = Assert.Single(await sink.ArrivedAsync());
        Assert.Equal(body + new string('x', 2000) + "é", arrived.Text!.Replace("\r\n", "\n", StringComparison.Ordinal).TrimEnd('\n'));
        Assert.Equal(body.TrimEnd('\n'), arrived.Html!.Replace("\r\n", "\n", StringComparison.Ordinal).TrimEnd('\n'));
        Assert.Empty(arrived.Defects);
    }

    [Fact]
    public async Task Without_STARTTLS_on_offer_nothing_is_sent_in_the_clear()
    {
        await using SmtpSink sink = await SmtpSink.StartAsync();
        MailSettings settings = Settings(sink);
        settings.Tls = MailTls.StartTls;
        MailException failure = await Assert.ThrowsAsync<MailException>(() => SendAsync(settings, Mail));
        Assert.True(failure.Permanent);
        Assert.Contains("STARTTLS", failure.Message, StringComparison.Ordinal);
        Assert.Empty(sink.Mails);
    }

    [Theory]
    [InlineData("PLAIN")]
    [InlineData("LOGIN")]
    public async Task A_wrong_password_is_permanent_and_stays_secret(string method)
    {
        await using SmtpSink sink = await SmtpSink.StartAsync(SinkTls.None, "bell", "right", "--login", method);
        MailSettings settings = Settings(sink);
        (settings.User, settings.Password) = ("bell", "wrong-secret");
        MailException failure = await Assert.ThrowsAsync<MailException>(() => SendAsync(settings, Mail));
        Assert.True(failure.Permanent);
        Assert.Contains("refuses the login as 'bell': 535", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-secret", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refused_recipient_does_not_keep_the_mail_from_the_others()
    {
        await using SmtpSink sink = await SmtpSink.StartAsync();
        MailReceipt receipt = await SendAsync(Settings(sink), Mail with { Bcc = ["refused@example.com", "later@example.com", "mara@example.com"] });
        Assert.Equal(["ops@example.com", "mara@example.com"], receipt.Accepted);
        Assert.Equal([("refused@example.com", true), ("later@example.com", false)], receipt.Refused.Select(one => (one.Address, one.Permanent)));
        Assert.Contains("550 5.1.1 no such user here", receipt.Refused[0].Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("refused@example.com", true)]
    [InlineData("later@example.com", false)]
    [InlineData("bye@example.com", false)]
    public async Task A_mail_that_no_recipient_may_have_fails_for_good_or_for_now(string recipient, bool permanent)
    {
        await using SmtpSink sink = await SmtpSink.StartAsync();
        MailException failure = await Assert.ThrowsAsync<MailException>(() => SendAsync(Settings(sink), Mail with { To = [recipient], Bcc = [] }));
        Assert.Equal(permanent, failure.Permanent);
    }

    [Theory]
    [InlineData("drop@example.com", "hung up|cannot be reached")]
    [InlineData("full@example.com", "452 4.3.1")]
    public async Task A_connection_that_breaks_or_a_full_server_is_worth_a_retry(string from, string words)
    {
        await using SmtpSink sink = await SmtpSink.StartAsync();
        MailSettings settings = Settings(sink);
        settings.From = from;
        MailException failure = await Assert.ThrowsAsync<MailException>(() => SendAsync(settings, Mail));
        Assert.False(failure.Permanent);
        Assert.Matches(words, failure.Message);
    }

    [Fact]
    public async Task A_server_that_knows_no_EHLO_gets_HELO()
    {
        await using SmtpSink sink = await SmtpSink.StartAsync(more: "--no-ehlo");
        await SendAsync(Settings(sink), Mail);
        Assert.False(Assert.Single(await sink.ArrivedAsync()).Ehlo);
    }

    [Fact]
    public async Task An_address_outside_ASCII_goes_by_SMTPUTF8()
    {
        await using SmtpSink sink = await SmtpSink.StartAsync();
        await SendAsync(Settings(sink), Mail with { To = ["jürgen@bücher.example"], Bcc = [] });
        ArrivedMail arrived = Assert.Single(await sink.ArrivedAsync());
        Assert.Equal("jürgen@xn--bcher-kva.example", Assert.Single(arrived.To));
        Assert.Contains("SMTPUTF8", arrived.Options);
        Assert.Contains("BODY=8BITMIME", arrived.Options);
    }

    [Fact]
    public async Task Without_SMTPUTF8_only_that_recipient_is_refused()
    {
        await using SmtpSink sink = await SmtpSink.StartAsync(more: "--no-utf8");
        MailReceipt receipt = await SendAsync(Settings(sink), Mail with { Bcc = ["jürgen@example.com"] });
        Assert.Equal(["ops@example.com"], receipt.Accepted);
        Assert.True(Assert.Single(receipt.Refused).Permanent);
    }

    [Fact]
    public async Task A_mail_larger_than_the_server_takes_is_not_begun()
    {
        await using SmtpSink sink = await SmtpSink.StartAsync(more: ["--size", "10000"]);
        MailException failure = await Assert.ThrowsAsync<MailException>(() => SendAsync(Settings(sink), Mail with { Text = new string('x', 11_000) }));
        Assert.True(failure.Permanent);
        Assert.Contains("at most 10000 bytes", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_there_is_worth_a_retry()
    {
        MailSettings settings = new() { Host = "127.0.0.1", Port = Machine.FreePort() };
        MailException failure = await Assert.ThrowsAsync<MailException>(() => SendAsync(settings, Mail));
        Assert.False(failure.Permanent);
    }

    [Fact]
    public async Task A_folder_gets_a_file_with_the_envelope_above_the_headers()
    {
        using var folder = new TempFolder();
        await SendAsync(new MailSettings { Folder = folder.File("new"), From = "bell@example.com" }, Mail);
        string file = Assert.Single(Directory.GetFiles(folder.File("new")));
        string text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        Assert.EndsWith(".eml", file, StringComparison.Ordinal);
        Assert.StartsWith("X-Sender: bell@example.com\r\nX-Receiver: ops@example.com\r\nX-Receiver: mara@example.com\r\nDate: ", text, StringComparison.Ordinal);
        Assert.Contains("Content-Type: multipart/alternative;", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_server_and_folder_the_error_names_both_keys()
    {
        MailException failure = await Assert.ThrowsAsync<MailException>(() => SendAsync(new MailSettings(), Mail));
        Assert.Contains("Mail:Host", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Mail:Folder", failure.Message, StringComparison.Ordinal);
    }

    static Task<MailReceipt> SendAsync(MailSettings settings, OutgoingMail mail) =>
        new MailSender(settings, TimeProvider.System).SendAsync(mail, TestContext.Current.CancellationToken);

    /// <summary>Says all its lines at once, then listens until the other side hangs up.</summary>
    static async Task TalkAsync(System.Net.Sockets.TcpListener listener, string script)
    {
        using System.Net.Sockets.TcpClient client = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        System.Net.Sockets.NetworkStream stream = client.GetStream();
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(script), TestContext.Current.CancellationToken);
        byte[] heard = new byte[4096];
        while (await stream.ReadAsync(heard, TestContext.Current.CancellationToken) > 0)
        {
            // Whatever is said, the answers were given.
        }
    }

    static MailSettings Settings(SmtpSink sink) =>
        new() { Host = "127.0.0.1", Port = sink.Port, From = "Belfry <bell@example.com>", Timeout = TimeSpan.FromSeconds(10) };

    static SinkTls Sink(MailTls tls) => tls switch { MailTls.StartTls => SinkTls.StartTls, MailTls.Implicit => SinkTls.Implicit, _ => SinkTls.None };
}
