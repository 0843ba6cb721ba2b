using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Belfry.Mail;

/// <summary>One conversation with a mail server: greeting, TLS, login, one mail, good-bye. RFC 5321.</summary>
/// <remarks>
/// Where packages are free to choose this would be MailKit. System.Net.Mail cannot do implicit TLS, and reports refused recipients as exceptions.
/// </remarks>
sealed class SmtpSession(MailSettings settings) : IAsyncDisposable
{
    readonly SmtpLine _line = new(settings);
    SmtpExtensions _extensions = new();

    /// <summary>Connects, protects the connection and logs in.</summary>
    public async Task OpenAsync(CancellationToken cancel)
    {
        await _line.OpenAsync(cancel);
        Expect(await _line.HearAsync(cancel), "refuses the connection");
        await GreetAsync(cancel);
        if (settings.Tls == MailTls.StartTls)
        {
            if (!_extensions.Has("STARTTLS"))
            {
                throw _line.Failure("offers no STARTTLS, and Mail:Tls asks for it; nothing was sent in the clear", permanent: true);
            }
            Expect(await _line.AskAsync("STARTTLS", cancel), "refuses STARTTLS");
            await _line.ProtectAsync(cancel);
            // What was offered in the clear may have been forged: ask again.
            await GreetAsync(cancel);
        }
        if (settings.User.Length > 0)
        {
            await SmtpLogin.RunAsync(_line, _extensions, settings, cancel);
        }
    }

    /// <summary>Hands over one mail. Recipients may be refused one by one; only if all are, it fails.</summary>
    public async Task<MailReceipt> SendAsync(Mailbox from, IReadOnlyList<Mailbox> to, byte[] mail, CancellationToken cancel)
    {
        if (_extensions.SizeLimit is { } limit && mail.Length > limit)
        {
            throw _line.Failure($"takes mails of at most {limit} bytes, this one has {mail.Length}", permanent: true);
        }
        bool utf8 = _extensions.Has("SMTPUTF8");
        if (from.NeedsUtf8 && !utf8)
        {
            throw _line.Failure($"does not offer SMTPUTF8, which the sender {from.Address} needs", permanent: true);
        }
        await SenderAsync(from, to, mail, utf8, cancel);
        MailReceipt receipt = await RecipientsAsync(to, utf8, cancel);
        await DataAsync(mail, cancel);
        return receipt;
    }

    /// <summary>Says good-bye; the mail is delivered whatever comes of it.</summary>
    public async Task CloseAsync(CancellationToken cancel)
    {
        try
        {
            await _line.AskAsync("QUIT", cancel);
        }
        catch (MailException)
        {
            // It hung up first.
        }
    }

    public ValueTask DisposeAsync() => _line.DisposeAsync();

    async Task GreetAsync(CancellationToken cancel)
    {
        SmtpReply reply = await _line.AskAsync($"EHLO {OwnName()}", cancel);
        if (reply.IsPermanent)
        {
            Expect(await _line.AskAsync($"HELO {OwnName()}", cancel), "refuses the greeting");
            _extensions = new();
            return;
        }
        Expect(reply, "refuses the greeting");
        _extensions = SmtpExtensions.Read(reply);
    }

    async Task SenderAsync(Mailbox from, IReadOnlyList<Mailbox> to, byte[] mail, bool utf8, CancellationToken cancel)
    {
        string size = _extensions.Has("SIZE") ? string.Create(CultureInfo.InvariantCulture, $" SIZE={mail.Length}") : "";
        string body = _extensions.Has("8BITMIME") && mail.Any(b => b > 127) ? " BODY=8BITMIME" : "";
        string names = utf8 && to.Prepend(from).Any(box => box.NeedsUtf8) ? " SMTPUTF8" : "";
        Expect(await _line.AskAsync($"MAIL FROM:<{from.Address}>{size}{body}{names}", cancel), $"refuses the sender {from.Address} (Mail:From)");
    }

    async Task<MailReceipt> RecipientsAsync(IReadOnlyList<Mailbox> to, bool utf8, CancellationToken cancel)
    {
        var accepted = new List<string>();
        var refused = new List<RefusedRecipient>();
        foreach (Mailbox mailbox in to)
        {
            if (mailbox.NeedsUtf8 && !utf8)
            {
                refused.Add(new(mailbox.Address, "the server does not offer SMTPUTF8", Permanent: true));
                continue;
            }
            SmtpReply reply = await _line.AskAsync($"RCPT TO:<{mailbox.Address}>", cancel);
            if (reply.Code == 421)
            {
                Expect(reply, "ends the conversation");
            }
            if (reply.IsPositive)
            {
                accepted.Add(mailbox.Address);
            }
            else
            {
                refused.Add(new(mailbox.Address, reply.ToString(), reply.IsPermanent));
            }
        }
        return accepted.Count > 0 ? new MailReceipt(accepted, refused) : throw AllRefused(refused);
    }

    async Task DataAsync(byte[] mail, CancellationToken cancel)
    {
        SmtpReply reply = await _line.AskAsync("DATA", cancel);
        if (reply.Code != 354)
        {
            throw _line.Failure($"refuses the mail: {reply}", reply.IsPermanent);
        }
        await _line.SendAsync(DotStuffed(mail), cancel);
        Expect(await _line.HearAsync(cancel), "refuses the mail");
    }

    MailException AllRefused(List<RefusedRecipient> refused)
    {
        string each = string.Join("; ", refused.Select(one => $"{one.Address}: {one.Reason}"));
        return new MailException($"{_line.Name} refuses every recipient: {each}", refused.TrueForAll(one => one.Permanent)) { Refused = refused };
    }

    void Expect(SmtpReply reply, string otherwise)
    {
        if (!reply.IsPositive)
        {
            throw _line.Failure($"{otherwise}: {reply}", reply.IsPermanent);
        }
    }

    /// <summary>A full name where the host has one, else its address: servers refuse a bare word.</summary>
    string OwnName()
    {
        string name = Dns.GetHostName();
        if (name.Contains('.', StringComparison.Ordinal) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-'))
        {
            return name;
        }
        IPAddress address = _line.LocalEnd?.Address ?? IPAddress.Loopback;
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[IPv6:{address}]" : $"[{address}]";
    }

    /// <summary>A line that begins with a dot gets another, because a dot alone ends the mail; then that dot.</summary>
    internal static byte[] DotStuffed(byte[] mail)
    {
        var stuffed = new List<byte>(mail.Length + 64);
        for (int i = 0; i < mail.Length; i++)
        {
            if (mail[i] == '.' && (i == 0 || mail[i - 1] == '\n'))
            {
                stuffed.Add((byte)'.');
            }
            stuffed.Add(mail[i]);
        }
        if (mail.Length > 0 && mail[^1] != '\n')
        {
            stuffed.AddRange("\r\n"u8);
        }
        stuffed.AddRange(".\r\n"u8);
        return [.. stuffed];
    }
}
