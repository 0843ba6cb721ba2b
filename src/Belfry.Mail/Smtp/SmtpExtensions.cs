using System.Globalization;

namespace Belfry.Mail;

/// <summary>What a server offered in its answer to EHLO.</summary>
sealed class SmtpExtensions
{
    readonly Dictionary<string, string> _offered = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads the lines of the answer; the first is the greeting.</summary>
    public static SmtpExtensions Read(SmtpReply reply)
    {
        var extensions = new SmtpExtensions();
        foreach (string line in reply.Lines.Skip(1))
        {
            // "AUTH=LOGIN" is how servers older than RFC 2554 wrote it, and some still do, beside the new form.
            string[] parts = line.Replace("AUTH=", "AUTH ", StringComparison.OrdinalIgnoreCase).Split(' ', 2, StringSplitOptions.TrimEntries);
            string more = parts.Length > 1 ? parts[1] : "";
            extensions._offered[parts[0]] = extensions._offered.TryGetValue(parts[0], out string? before) ? $"{before} {more}" : more;
        }
        return extensions;
    }

    public bool Has(string keyword) => _offered.ContainsKey(keyword);

    /// <summary>Ways to log in, as offered.</summary>
    public IReadOnlyList<string> LoginMethods => _offered.GetValueOrDefault("AUTH", "").Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The largest mail it takes; null when it names no limit.</summary>
    public long? SizeLimit => long.TryParse(_offered.GetValueOrDefault("SIZE"), NumberStyles.None, CultureInfo.InvariantCulture, out long size) && size > 0 ? size : null;
}
