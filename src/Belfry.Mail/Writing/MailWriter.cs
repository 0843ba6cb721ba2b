using System.Globalization;
using System.Text;

namespace Belfry.Mail;

/// <summary>Writes a mail as it goes over the wire: headers and MIME parts, lines of at most 76 characters, CRLF. Pure.</summary>
static class MailWriter
{
    const string Crlf = "\r\n";

    /// <summary>The bytes of a mail. ASCII, unless an address needs SMTPUTF8.</summary>
    public static byte[] Write(OutgoingMail mail, Mailbox from, IReadOnlyList<Mailbox> to, DateTimeOffset date)
    {
        var text = new StringBuilder();
        AppendHead(text, mail, from, to, date);
        if (mail.Html is null)
        {
            AppendPart(text, "plain", mail.Text);
        }
        else
        {
            AppendAlternatives(text, mail);
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    static void AppendHead(StringBuilder text, OutgoingMail mail, Mailbox from, IReadOnlyList<Mailbox> to, DateTimeOffset date)
    {
        string day = date.ToUniversalTime().ToString("ddd, dd MMM yyyy HH:mm:ss '+0000'", CultureInfo.InvariantCulture);
        text.Append("Date: ").Append(day).Append(Crlf)
            .Append("From: ").Append(MailHeader.Addresses([from])).Append(Crlf)
            .Append("To: ").Append(to.Count == 0 ? "undisclosed-recipients:;" : MailHeader.Addresses(to)).Append(Crlf)
            .Append(MailHeader.Subject(mail.Subject)).Append(Crlf)
            .Append("Message-ID: <").Append(MailHeader.Token(mail.Id)).Append('@').Append(from.Domain.Trim('[', ']')).Append('>').Append(Crlf)
            // RFC 3834: no out-of-office notice comes back.
            .Append("Auto-Submitted: auto-generated").Append(Crlf)
            .Append("MIME-Version: 1.0").Append(Crlf);
    }

    static void AppendAlternatives(StringBuilder text, OutgoingMail mail)
    {
        // "=_" stands neither in quoted-printable nor at the begin of a base64 line, so no body can contain the boundary.
        string boundary = $"=_belfry_{MailHeader.Token(mail.Id)}";
        text.Append("Content-Type: multipart/alternative;").Append(Crlf).Append(" boundary=\"").Append(boundary).Append('"').Append(Crlf).Append(Crlf);
        text.Append("--").Append(boundary).Append(Crlf);
        AppendPart(text, "plain", mail.Text);
        text.Append("--").Append(boundary).Append(Crlf);
        AppendPart(text, "html", mail.Html!);
        text.Append("--").Append(boundary).Append("--").Append(Crlf);
    }

    static void AppendPart(StringBuilder text, string subtype, string body)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body.ReplaceLineEndings(Crlf));
        // Quoted-printable stays readable, but triples every byte it must write out; base64 costs a third.
        bool readable = bytes.Count(b => b > 126) * 6 <= bytes.Length;
        text.Append("Content-Type: text/").Append(subtype).Append("; charset=utf-8").Append(Crlf)
            .Append("Content-Transfer-Encoding: ").Append(readable ? "quoted-printable" : "base64").Append(Crlf).Append(Crlf)
            .Append(readable ? QuotedPrintable.Encode(bytes) : Base64(bytes));
        if (text[^1] != '\n')
        {
            text.Append(Crlf);
        }
    }

    static string Base64(byte[] bytes) => Convert.ToBase64String(bytes, Base64FormattingOptions.InsertLineBreaks).ReplaceLineEndings(Crlf);
}
