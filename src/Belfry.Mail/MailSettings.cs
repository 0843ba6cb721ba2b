namespace Belfry.Mail;

/// <summary>How mail leaves: over ESMTP to a server, or as files into a folder. The section <c>Mail</c> of the settings.</summary>
public sealed class MailSettings
{
    /// <summary>The mail server; empty by default, then nothing can be sent unless <see cref="Folder"/> is set.</summary>
    public string Host { get; set; } = "";

    /// <summary>Its port. By default 25 without TLS, 587 with <c>starttls</c>, 465 with <c>implicit</c>.</summary>
    public int? Port { get; set; }

    /// <summary>How the connection is protected; <c>none</c> by default.</summary>
    public MailTls Tls { get; set; }

    /// <summary>Check the server's certificate; true by default. False accepts any, so whoever sits between reads the password.</summary>
    public bool VerifyCertificate { get; set; } = true;

    /// <summary>The user to log in as; empty by default: no login.</summary>
    public string User { get; set; } = "";

    /// <summary>That user's password.</summary>
    public string Password { get; set; } = "";

    /// <summary>The sender, <c>ops@example.com</c> or <c>Belfry &lt;ops@example.com&gt;</c>; by default <c>Belfry &lt;belfry@localhost&gt;</c>, which many servers refuse.</summary>
    public string From { get; set; } = "Belfry <belfry@localhost>";

    /// <summary>Write <c>.eml</c> files into this folder instead of sending; empty by default. It wins over <see cref="Host"/>.</summary>
    public string Folder { get; set; } = "";

    /// <summary>How long each step of the conversation may take; 30 s by default.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The port that counts.</summary>
    internal int EffectivePort => Port ?? Tls switch { MailTls.StartTls => 587, MailTls.Implicit => 465, _ => 25 };

    /// <summary>Mail can leave: there is a server or a folder.</summary>
    public bool CanSend => Host.Length > 0 || Folder.Length > 0;

    /// <summary>What is wrong with the values, each with its key.</summary>
    public IEnumerable<(string Key, string Problem)> Problems()
    {
        if (Port is < 1 or > 65535)
        {
            yield return ("Mail:Port", $"{Port} is no port: use 1 to 65535");
        }
        if (!Enum.IsDefined(Tls))
        {
            yield return ("Mail:Tls", $"'{Tls}' is not known: use none, starttls or implicit");
        }
        if (!Mailbox.TryParse(From, out _))
        {
            yield return ("Mail:From", $"'{From}' is no address");
        }
        if (Host.Any(c => char.IsWhiteSpace(c) || c is '/' or '@'))
        {
            yield return ("Mail:Host", $"'{Host}' is no host name");
        }
        if (User.Length > 0 && Password.Length == 0)
        {
            yield return ("Mail:Password", "is missing, and Mail:User is set");
        }
        if (User.Length == 0 && Password.Length > 0)
        {
            yield return ("Mail:User", "is missing, and Mail:Password is set");
        }
        if (Timeout <= TimeSpan.Zero || Timeout > TimeSpan.FromHours(1))
        {
            yield return ("Mail:Timeout", $"{Timeout} is out of range: more than 0, at most one hour");
        }
    }
}

/// <summary>How a connection to a mail server is protected.</summary>
public enum MailTls
{
    /// <summary>Not at all.</summary>
    None = 0,

    /// <summary>By STARTTLS, which must be offered: nothing is ever sent in the clear instead.</summary>
    StartTls = 1,

    /// <summary>From the first byte.</summary>
    Implicit = 2,
}
