using System.Text;

namespace Belfry.Mail;

/// <summary>AUTH PLAIN and AUTH LOGIN. Neither the password nor anything that holds it is ever part of a message.</summary>
static class SmtpLogin
{
    /// <summary>Logs in by the first way that both sides know.</summary>
    public static async Task RunAsync(SmtpLine line, SmtpExtensions extensions, MailSettings settings, CancellationToken cancel)
    {
        bool Offers(string method) => extensions.LoginMethods.Contains(method, StringComparer.OrdinalIgnoreCase);
        SmtpReply reply = Offers("PLAIN") ? await PlainAsync(line, settings, cancel)
            : Offers("LOGIN") ? await LoginAsync(line, settings, cancel)
            : throw line.Failure(NoWay(extensions, settings), permanent: true);
        if (!reply.IsPositive)
        {
            throw line.Failure($"refuses the login as '{settings.User}': {Scrubbed(reply, settings)}", reply.IsPermanent);
        }
    }

    static async Task<SmtpReply> PlainAsync(SmtpLine line, MailSettings settings, CancellationToken cancel)
    {
        string answer = Base64($"\0{settings.User}\0{settings.Password}");
        SmtpReply reply = await line.AskAsync($"AUTH PLAIN {answer}", cancel);
        // Some servers overlook the answer that came with the command, and ask for it.
        return reply.Code == 334 ? await line.AskAsync(answer, cancel) : reply;
    }

    static async Task<SmtpReply> LoginAsync(SmtpLine line, MailSettings settings, CancellationToken cancel)
    {
        SmtpReply reply = await line.AskAsync("AUTH LOGIN", cancel);
        if (reply.Code == 334)
        {
            reply = await line.AskAsync(Base64(settings.User), cancel);
        }
        return reply.Code == 334 ? await line.AskAsync(Base64(settings.Password), cancel) : reply;
    }

    static string NoWay(SmtpExtensions extensions, MailSettings settings)
    {
        string offered = extensions.LoginMethods.Count > 0 ? $"only offers {string.Join(", ", extensions.LoginMethods)}" : "offers no login";
        string hint = settings.Tls == MailTls.None ? " without TLS (see Mail:Tls)" : "";
        return $"{offered}{hint}; Belfry speaks PLAIN and LOGIN";
    }

    // A server may repeat what it was sent.
    static string Scrubbed(SmtpReply reply, MailSettings settings)
    {
        string text = reply.ToString();
        foreach (string secret in new[] { Base64($"\0{settings.User}\0{settings.Password}"), Base64(settings.Password), settings.Password })
        {
            text = text.Replace(secret, "***", StringComparison.OrdinalIgnoreCase);
        }
        return text;
    }

    static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
