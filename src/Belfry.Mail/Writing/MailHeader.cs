using System.Text;

namespace Belfry.Mail;

/// <summary>Writes header fields so that no text can begin another: RFC 5322, with RFC 2047 for what is not ASCII. Pure.</summary>
static class MailHeader
{
    const string Fold = "\r\n ";
    const int LineLimit = 76;

    // 39 bytes are 52 characters of base64; with "=?utf-8?B?" and "?=" 64, which leaves room for a field's name before the limit of 76.
    const int BytesPerWord = 39;

    /// <summary>The field Subject, folded.</summary>
    public static string Subject(string subject)
    {
        string clean = Clean(subject);
        string[] words = clean.Split(' ');
        bool plain = clean.All(c => c < 127) && !clean.Contains("=?", StringComparison.Ordinal) && words.All(word => word.Length < LineLimit);
        return plain ? Folded("Subject:", words) : $"Subject: {EncodedWords(clean)}";
    }

    /// <summary>Addresses with their names, one on a line.</summary>
    public static string Addresses(IEnumerable<Mailbox> mailboxes) => string.Join("," + Fold, mailboxes.Select(Address));

    /// <summary>A text that can stand in a Message-ID or a boundary.</summary>
    public static string Token(string text)
    {
        string token = string.Concat(text.Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.').Take(48));
        return token.Length == 0 ? "0" : token;
    }

    /// <summary>The text on one line: control characters become spaces.</summary>
    public static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            // Besides the control characters U+2028 and U+2029, which some readers show as new lines.
            clean.Append(Rune.IsControl(rune) || rune.Value is 0x2028 or 0x2029 ? " " : rune.ToString());
        }
        return string.Join(' ', clean.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    static string Address(Mailbox mailbox)
    {
        if (mailbox.Name.Length == 0)
        {
            return mailbox.Address;
        }
        string name = Clean(mailbox.Name);
        bool plain = name.All(c => c < 127) && name.Length < LineLimit && !name.Contains("=?", StringComparison.Ordinal);
        return plain
            ? $"\"{name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\" <{mailbox.Address}>"
            : $"{EncodedWords(name)}{Fold}<{mailbox.Address}>";
    }

    static string Folded(string name, string[] words)
    {
        var text = new StringBuilder(name);
        int line = name.Length;
        foreach (string word in words)
        {
            bool fits = line + 1 + word.Length <= LineLimit;
            text.Append(fits ? " " : Fold).Append(word);
            line = fits ? line + 1 + word.Length : 1 + word.Length;
        }
        return text.ToString();
    }

    static string EncodedWords(string text)
    {
        var words = new List<string>();
        var word = new List<byte>();
        Span<byte> buffer = stackalloc byte[4];
        foreach (Rune rune in text.EnumerateRunes())
        {
            int length = rune.EncodeToUtf8(buffer);
            if (word.Count + length > BytesPerWord)
            {
                words.Add(Encoded(word));
                word.Clear();
            }
            word.AddRange(buffer[..length]);
        }
        words.Add(Encoded(word));
        return string.Join(Fold, words);
    }

    static string Encoded(List<byte> bytes) => $"=?utf-8?B?{Convert.ToBase64String(bytes.ToArray())}?=";
}
