using System.Globalization;

namespace Belfry.Mail;

/// <summary>Sends mail: to a server, or as a file into a folder, as the settings say.</summary>
public sealed class MailSender(MailSettings settings, TimeProvider clock)
{
    /// <summary>Sends one mail to all its recipients, each once.</summary>
    /// <returns>Who was reached; at least one.</returns>
    /// <exception cref="MailException">Nobody was reached; the exception says whether another try may help.</exception>
    public async Task<MailReceipt> SendAsync(OutgoingMail mail, CancellationToken cancel)
    {
        if (!settings.CanSend)
        {
            throw new MailException("no mail can be sent: set Mail:Host, or Mail:Folder to write files", permanent: true);
        }
        Mailbox from = Read(settings.From, "Mail:From");
        Mailbox[] to = [.. mail.To.Select(text => Read(text, "a recipient"))];
        Mailbox[] all = [.. to.Concat(mail.Bcc.Select(text => Read(text, "a recipient"))).DistinctBy(box => box.Address, StringComparer.Ordinal)];
        if (all.Length == 0)
        {
            throw new MailException("the mail has no recipient", permanent: true);
        }
        DateTimeOffset now = clock.GetUtcNow();
        byte[] bytes = MailWriter.Write(mail, from, to, now);
        return settings.Folder.Length > 0
            ? await MailFolder.PutAsync(settings.Folder, FileName(mail, now), from, all, bytes, cancel)
            : await HandOverAsync(from, all, bytes, cancel);
    }

    async Task<MailReceipt> HandOverAsync(Mailbox from, Mailbox[] to, byte[] bytes, CancellationToken cancel)
    {
        await using var session = new SmtpSession(settings);
        await session.OpenAsync(cancel);
        MailReceipt receipt = await session.SendAsync(from, to, bytes, cancel);
        await session.CloseAsync(cancel);
        return receipt;
    }

    static Mailbox Read(string text, string what) => Mailbox.TryParse(text, out Mailbox? mailbox)
        ? mailbox
        : throw new MailException($"'{MailHeader.Clean(text)}' is no address ({what})", permanent: true);

    static string FileName(OutgoingMail mail, DateTimeOffset now)
    {
        string[] words = string.Concat(mail.Subject.Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' ? c : ' ')).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string subject = string.Join('-', words);
        string id = MailHeader.Token(mail.Id);
        return string.Create(CultureInfo.InvariantCulture, $"{now.UtcDateTime:yyyyMMdd-HHmmss}-{subject[..Math.Min(60, subject.Length)]}-{id[..Math.Min(8, id.Length)]}.eml");
    }
}
