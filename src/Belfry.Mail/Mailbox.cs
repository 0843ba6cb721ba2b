using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Mail;

namespace Belfry.Mail;

/// <summary>An address, perhaps with a name: <c>Mara Lindt &lt;mara@example.com&gt;</c>.</summary>
public sealed record Mailbox
{
    Mailbox(string name, string local, string domain) => (Name, Local, Domain) = (name, local, domain);

    /// <summary>The name beside it; empty when there is none.</summary>
    public string Name { get; }

    /// <summary>What stands before the @, quoted if it must be.</summary>
    public string Local { get; }

    /// <summary>What stands behind it, in ASCII: <c>xn--…</c> where it is written otherwise.</summary>
    public string Domain { get; }

    /// <summary>The address alone.</summary>
    public string Address => $"{Local}@{Domain}";

    /// <summary>Only a server that speaks SMTPUTF8 can take it.</summary>
    internal bool NeedsUtf8 => Local.Any(c => c > 126);

    /// <summary>Reads one address. Control characters, line ends above all, are refused.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Mailbox? mailbox)
    {
        mailbox = null;
        if (string.IsNullOrWhiteSpace(text) || text.Any(char.IsControl) || !MailAddress.TryCreate(text.Trim(), out MailAddress? address))
        {
            return false;
        }
        // The framework reads "a@b, c@d" as c@d, named "a@b,".
        bool two = address.DisplayName.Length > 0 && (!text.TrimEnd().EndsWith('>') || address.DisplayName.Contains('@', StringComparison.Ordinal));
        if (two || !TryAscii(address.Host, out string? domain) || address.User.Length == 0 || address.Address.Length > 254)
        {
            return false;
        }
        mailbox = new Mailbox(address.DisplayName, address.User, domain);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => Name.Length == 0 ? Address : $"{Name} <{Address}>";

    static bool TryAscii(string domain, [NotNullWhen(true)] out string? ascii)
    {
        ascii = null;
        if (domain.StartsWith('['))
        {
            ascii = domain;
            return true;
        }
        try
        {
            ascii = new IdnMapping().GetAscii(domain);
            return ascii.Length > 0 && ascii.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
