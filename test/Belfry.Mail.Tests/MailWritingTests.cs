using System.Text;

namespace Belfry.Mail.Tests;

public sealed class MailWritingTests
{
    static readonly DateTimeOffset Date = new(2026, 11, 21, 11, 0, 5, TimeSpan.FromHours(1));

    [Theory]
    [InlineData("plain words", "Subject: plain words")]
    [InlineData("", "Subject:")]
    [InlineData("a\r\nBcc: x@y.z", "Subject: a Bcc: x@y.z")]
    [InlineData("tab\tand\0nul\u2028line", "Subject: tab and nul line")]
    [InlineData("looks =?like?= code", "Subject: =?utf-8?B?bG9va3MgPT9saWtlPz0gY29kZQ==?=")]
    [InlineData("é", "Subject: =?utf-8?B?w6k=?=")]
    public void A_subject_is_one_field_whatever_it_holds(string subject, string expected) => Assert.Equal(expected, MailHeader.Subject(subject).TrimEnd());

    [Fact]
    public void A_long_subject_is_folded_and_loses_nothing()
    {
        string words = string.Join(' ', Enumerable.Range(1, 60).Select(n => $"word{n}"));
        string[] lines = MailHeader.Subject(words).Split("\r\n");
        Assert.All(lines, line => Assert.True(line.Length <= 76));
        Assert.Equal($"Subject: {words}", string.Concat(lines));
    }

    [Fact]
    public void A_long_subject_outside_ASCII_never_splits_a_character()
    {
        string text = string.Concat(Enumerable.Repeat("🔔ü", 40));
        string[] lines = MailHeader.Subject(text)["Subject: ".Length..].Split("\r\n ");
        Assert.All(lines, line => Assert.True(line.Length <= 75));
        Assert.Equal(text, string.Concat(lines.Select(line => new UTF8Encoding(false, true).GetString(Convert.FromBase64String(line["=?utf-8?B?".Length..^2])))));
    }

    [Theory]
    [InlineData("a b ", "a b=20")]
    [InlineData("x=y", "x=3Dy")]
    [InlineData("tab\t\r\nnext", "tab=09\r\nnext")]
    [InlineData("é\r\n", "=C3=A9\r\n")]
    public void Quoted_printable_keeps_what_is_readable(string text, string expected) =>
        Assert.Equal(expected, QuotedPrintable.Encode(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Quoted_printable_breaks_long_lines_softly()
    {
        string encoded = QuotedPrintable.Encode(Encoding.UTF8.GetBytes(new string('a', 74) + "é" + new string('b', 100)));
        Assert.All(encoded.Split("\r\n"), line => Assert.True(line.Length <= 76));
        Assert.Equal(new string('a', 74) + "=C3=A9" + new string('b', 100), encoded.Replace("=\r\n", "", StringComparison.Ordinal));
    }

    [Fact]
    public void Dots_at_the_begin_of_a_line_are_doubled() =>
        Assert.Equal("..\r\n...a\r\nb.\r\n.\r\n", Encoding.ASCII.GetString(SmtpSession.DotStuffed(".\r\n..a\r\nb."u8.ToArray())));

    [Fact]
    public void The_date_is_in_UTC_and_a_mail_without_open_recipients_says_so()
    {
        var mail = new OutgoingMail { Bcc = ["secret@example.com"], Subject = "s", Text = "日本語の文", Id = "abc" };
        string text = Encoding.ASCII.GetString(MailWriter.Write(mail, Box("bell@example.com"), [], Date));
        Assert.Contains("Date: Sat, 21 Nov 2026 10:00:05 +0000\r\n", text, StringComparison.Ordinal);
        Assert.Contains("To: undisclosed-recipients:;\r\n", text, StringComparison.Ordinal);
        Assert.Contains("Message-ID: <abc@example.com>\r\n", text, StringComparison.Ordinal);
        Assert.Contains("Content-Transfer-Encoding: base64\r\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ops@example.com", true)]
    [InlineData("Mara <mara@example.com>", true)]
    [InlineData("jürgen@bücher.example", true)]
    [InlineData("", false)]
    [InlineData("nobody", false)]
    [InlineData("a@b\r\nRCPT TO:<c@d>", false)]
    [InlineData("a@b, c@d", false)]
    [InlineData("a@exa mple.com", false)]
    public void An_address_is_read_or_refused(string text, bool good) => Assert.Equal(good, Mailbox.TryParse(text, out _));

    [Fact]
    public void Each_wrong_setting_is_named_by_its_key()
    {
        var settings = new MailSettings { Port = 0, Tls = (MailTls)9, From = "nobody", Host = "a b", User = "u", Timeout = TimeSpan.Zero };
        Assert.Equal(["Mail:Port", "Mail:Tls", "Mail:From", "Mail:Host", "Mail:Password", "Mail:Timeout"], settings.Problems().Select(problem => problem.Key));
        Assert.Empty(new MailSettings().Problems());
    }

    static Mailbox Box(string text) => Mailbox.TryParse(text, out Mailbox? box) ? box : throw new InvalidOperationException(text);
}
