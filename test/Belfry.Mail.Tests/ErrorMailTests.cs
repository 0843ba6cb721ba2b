using Belfry.Testing;
using Microsoft.Extensions.Logging;

namespace Belfry.Mail.Tests;

/// <summary>Log records as mails.</summary>
public sealed class ErrorMailTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("row", "58")]
    public async Task A_record_of_the_level_is_mailed_with_its_exception_and_those_below_are_not()
    {
        await using SmtpSink sink = await SmtpSink.StartAsync();
        await using var provider = new ErrorMailProvider(Options(sink), "shop", TimeProvider.System);
        ILogger logger = provider.CreateLogger("Belfry.Task");
        logger.Log(LogLevel.Warning, new EventId(1), "not mailed", null, (text, _) => text);
        Assert.False(logger.IsEnabled(LogLevel.Warning));
        Log(logger, LogLevel.Error, "import {0} failed\nfor <b>good</b>", 7, new InvalidOperationException("<script>alert('x')</script>"));

        ArrivedMail mail = Assert.Single(await sink.ArrivedAsync());
        Assert.Equal(["ops@example.com"], mail.To);
        Assert.Equal("Error: import 7 failed for <b>good</b>", mail.Subject);
        Assert.Contains("Error in Belfry.Task, event 5", mail.Text, StringComparison.Ordinal);
        Assert.Contains("import 7 failed\nfor <b>good</b>", mail.Text!.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.Contains("System.InvalidOperationException: <script>", mail.Text, StringComparison.Ordinal);
        Assert.Contains("shop on ", mail.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>", mail.Html, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>good", mail.Html, StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;alert(&#39;x&#39;)", mail.Html, StringComparison.Ordinal);
        Assert.Empty(mail.Defects);
    }

    [Fact]
    [Trait("row", "58")]
    public async Task Templates_of_ones_own_get_the_record_and_one_that_fails_is_replaced()
    {
        await using SmtpSink sink = await SmtpSink.StartAsync();
        ErrorMailOptions options = Options(sink);
        (options.Subject, options.Text, options.Html) = ("[{{application}}] {{category}}\r\nBcc: evil@example.com", "{{error}} at {{host}}", "");
        await using var provider = new ErrorMailProvider(options, "shop", TimeProvider.System);
        Log(provider.CreateLogger("App"), LogLevel.Critical, "{0}", 1, new InvalidOperationException("a & b"));

        ArrivedMail mail = Assert.Single(await sink.ArrivedAsync());
        Assert.Equal("[shop] App Bcc: evil@example.com", mail.Subject);
        Assert.Equal(["ops@example.com"], mail.To);
        Assert.Equal($"a & b at {Environment.MachineName}", mail.Text!.Trim());
        Assert.Null(mail.Html);
    }

    [Fact]
    [Trait("row", "59")]
    public async Task So_many_records_make_a_mail_and_the_rest_leaves_when_flushed_or_at_the_end()
    {
        await using SmtpSink sink = await SmtpSink.StartAsync();
        ErrorMailOptions options = Options(sink);
        (options.RecordsPerMail, options.Level) = (3, LogLevel.Information);
        var provider = new ErrorMailProvider(options, "shop", TimeProvider.System);
        ILogger logger = provider.CreateLogger("App");
        Log(logger, LogLevel.Information, "first {0}", 1);
        Log(logger, LogLevel.Warning, "second {0}", 2);
        Assert.Empty(sink.Mails);
        Log(logger, LogLevel.Error, "third {0}", 3);
        ArrivedMail full = Assert.Single(await sink.ArrivedAsync());
        Assert.Equal("3 records, Information to Error", full.Subject);
        Assert.All((string[])["first 1", "second 2", "third 3"], text => Assert.Contains(text, full.Text, StringComparison.Ordinal));

        Assert.True(await provider.FlushAsync(Cancel)); // nothing: no mail
        Log(logger, LogLevel.Error, "fourth {0}", 4);
        Assert.True(await provider.FlushAsync(Cancel));
        Log(logger, LogLevel.Error, "fifth {0}", 5);
        await provider.DisposeAsync();
        await provider.DisposeAsync();
        Log(logger, LogLevel.Error, "after the end {0}", 6);
        Assert.Equal(["3 records, Information to Error", "Error: fourth 4", "Error: fifth 5"], (await sink.ArrivedAsync(3)).Select(mail => mail.Subject));
    }

    [Fact]
    [Trait("row", "59")]
    public async Task Without_a_number_only_a_flush_mails_and_an_empty_buffer_sends_nothing()
    {
        await using SmtpSink sink = await SmtpSink.StartAsync();
        ErrorMailOptions options = Options(sink);
        options.RecordsPerMail = null;
        await using (var provider = new ErrorMailProvider(options, "shop", TimeProvider.System))
        {
            ILogger logger = provider.CreateLogger("App");
            for (int i = 0; i < 40; i++)
            {
                Log(logger, LogLevel.Error, "number {0}", i);
            }
            Assert.True(await provider.FlushAsync(Cancel));
            Assert.True(await provider.FlushAsync(Cancel));
        }
        Assert.Equal("40 records, Error to Error", Assert.Single(sink.Mails).Subject);
    }

    [Fact]
    [Trait("row", "56")]
    public async Task A_mail_server_that_is_away_never_reaches_who_logs_and_gets_the_records_later()
    {
        int port = Machine.FreePort();
        var options = new ErrorMailOptions { Mail = new MailSettings { Host = "127.0.0.1", Port = port }, To = ["ops@example.com"], MostWaiting = 3 };
        using var folder = new TempFolder();
        await using var provider = new ErrorMailProvider(options, "shop", TimeProvider.System);
        ILogger logger = provider.CreateLogger("App");
        for (int i = 0; i < 5; i++)
        {
            Log(logger, LogLevel.Error, "number {0}", i);
        }
        logger.Log<object?>(LogLevel.Error, default, null, null, (_, _) => throw new InvalidOperationException("in the formatter"));
        Assert.False(await provider.FlushAsync(Cancel));
        Assert.NotNull(provider.Problem);
        Assert.Equal(3, provider.Dropped);
        (options.Mail.Host, options.Mail.Folder) = ("", folder.File("mails")); // from here on mail can leave
        Assert.True(await provider.FlushAsync(Cancel));
        Assert.Null(provider.Problem);
        string[] mails = [.. Directory.GetFiles(folder.File("mails")).Select(File.ReadAllText)];
        Assert.Equal(3, mails.Length);
        Assert.Single(mails, mail => mail.Contains("3 more could not be mailed", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("row", "59")]
    public async Task An_application_that_ends_on_the_thread_of_its_window_ends_and_what_waits_is_mailed()
    {
        using var folder = new TempFolder();
        var options = new ErrorMailOptions { Mail = new MailSettings { Folder = folder.Path }, To = ["ops@example.com"], RecordsPerMail = 2 };
        await WindowThread.RunAsync(() =>
        {
            var provider = new ErrorMailProvider(options, "shop", TimeProvider.System);
            Log(provider.CreateLogger("App"), LogLevel.Error, "number {0}", 1);
            provider.Dispose();
        });
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Fact]
    [Trait("row", "56")]
    public async Task An_exception_that_cannot_be_printed_is_mailed_as_far_as_it_goes_and_so_is_what_follows()
    {
        await using SmtpSink sink = await SmtpSink.StartAsync();
        await using var provider = new ErrorMailProvider(Options(sink), "shop", TimeProvider.System);
        ILogger logger = provider.CreateLogger("App");
        Log(logger, LogLevel.Error, "first {0}", 1, new UnspeakableException("nothing"));
        Log(logger, LogLevel.Error, "second {0}", 2);
        IReadOnlyList<ArrivedMail> mails = await sink.ArrivedAsync(2);
        Assert.Equal(["Error: first 1", "Error: second 2"], mails.Select(mail => mail.Subject));
        Assert.Contains(nameof(UnspeakableException), mails[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_options_are_told_all_at_once()
    {
        var options = new ErrorMailOptions { To = ["nobody"], RecordsPerMail = 0, Html = "{{#each records}}" };
        ArgumentException wrong = Assert.Throws<ArgumentException>(() => new ErrorMailProvider(options, "shop", TimeProvider.System));
        Assert.All((string[])["no mail can be sent", "'nobody' in To", "RecordsPerMail", "Html: "], text => Assert.Contains(text, wrong.Message, StringComparison.Ordinal));
    }

    static void Log(ILogger logger, LogLevel level, string format, int value, Exception? exception = null) =>
        logger.Log(level, new EventId(5), value, exception, (number, _) => string.Format(System.Globalization.CultureInfo.InvariantCulture, format, number));

    static ErrorMailOptions Options(SmtpSink sink) => new() { Mail = new MailSettings { Host = "127.0.0.1", Port = sink.Port, From = "bell@example.com" }, To = ["ops@example.com"] };

    sealed class UnspeakableException(string said) : Exception(said)
    {
        public override string Message => throw new InvalidOperationException("no message");

        public override string ToString() => throw new InvalidOperationException("no text");
    }
}
