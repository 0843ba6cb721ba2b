using System.Buffers;
using System.Text;

namespace Belfry.Storage.Payloads;

/// <summary>
/// Hides the values of keys that sound like secrets, before anything is stored: in JSON, in Python's <c>repr</c>, in <c>name=value</c>,
/// and in passwords of URLs. A value that was cut off is hidden to the end of the text.
/// </summary>
public sealed class SecretMask
{
    /// <summary>What stands in place of a secret.</summary>
    public const string Hidden = "‹hidden›";

    static readonly SearchValues<char> AfterAuthority = SearchValues.Create("/ \t\r\n'\"?#,<>");
    static readonly string[] Schemes = ["basic", "bearer", "digest", "token", "negotiate", "apikey"]; // of the header Authorization: the secret is the next word
    const int LongestScheme = 9;
    readonly SearchValues<string>? _keys;

    /// <summary>Hides values whose key contains one of these, in any case; none hides nothing.</summary>
    public SecretMask(IReadOnlyCollection<string> keys) =>
        _keys = keys.Count == 0 ? null : SearchValues.Create([.. keys], StringComparison.OrdinalIgnoreCase);

    /// <summary>The keys hidden by default.</summary>
    public static IReadOnlyList<string> DefaultKeys { get; } =
        ["password", "passwd", "pwd", "passphrase", "secret", "token", "authorization", "api_key", "apikey", "api-key", "access_key", "private_key", "credential"];

    /// <summary>Values of this key are hidden.</summary>
    public bool Hides(string key) => _keys is not null && key.AsSpan().ContainsAny(_keys);

    /// <summary>The text with its secrets hidden; the same text when it has none.</summary>
    /// <param name="text">Arguments, a result, an exception.</param>
    /// <param name="trace">It is a trace: in its indented lines, <c>token = read()</c> is code and no secret, and only values in quotes are hidden.</param>
    public string? Apply(string? text, bool trace = false)
    {
        if (text is null || _keys is null || !text.AsSpan().ContainsAny(':', '='))
        {
            return text;
        }
        StringBuilder? masked = null;
        int copied = 0, line = 0, seen = 0; // where the line begins, and up to where lines were looked for
        for (int at = 0; at < text.Length;)
        {
            int found = text.AsSpan(at).IndexOfAny(_keys);
            if (found < 0)
            {
                break;
            }
            int began = text.AsSpan(seen, at + found - seen).LastIndexOf('\n');
            (line, seen) = (began < 0 ? line : seen + began + 1, at + found);
            int key = EndOfKey(text, at + found);
            int value = StartOfValue(text, key);
            if (value < 0 || (trace && text[line] is ' ' or '\t' && !IsQuoted(text, value)))
            {
                at = key;
                continue;
            }
            int end = EndOfValue(text, value);
            string quote = QuoteOf(text, key, value);
            (masked ??= new StringBuilder()).Append(text, copied, value - copied).Append(quote).Append(Hidden).Append(quote);
            copied = at = end;
        }
        text = masked is null ? text : masked.Append(text, copied, text.Length - copied).ToString();
        return HideUrlPasswords(text);
    }

    static int EndOfKey(string text, int at)
    {
        while (at < text.Length && (char.IsLetterOrDigit(text[at]) || text[at] is '_' or '-' or '.'))
        {
            at++;
        }
        return at;
    }

    /// <summary>Where the value of a key begins; -1 when what follows is no value.</summary>
    static int StartOfValue(string text, int key)
    {
        int at = key;
        while (at < text.Length && text[at] is '\\' or '\'' or '"')
        {
            at++;
        }
        at = SkipSpaces(text, at);
        if (at >= text.Length || text[at] is not (':' or '=') || (at + 1 < text.Length && text[at + 1] == '='))
        {
            return -1;
        }
        at = SkipSpaces(text, at + 1);
        return at < text.Length && text[at] is not (',' or ')' or ']' or '}') ? at : -1;
    }

    /// <summary>Just behind a value; the end of the text when it was cut off within.</summary>
    static int EndOfValue(string text, int value)
    {
        int escaped = EscapedQuote(text, value), end = escaped > 0 ? EndOfEscaped(text, value, escaped) : LiteralReader.EndOf(text, value);
        if (end - value is > 0 and <= LongestScheme && Schemes.Contains(text[value..end], StringComparer.OrdinalIgnoreCase)
            && SkipSpaces(text, end) is var word && word > end && word < text.Length)
        {
            end = LiteralReader.EndOf(text, word);
        }
        return end < 0 ? text.Length : end;
    }

    /// <summary>How long a quote with its backslashes is, as it stands within another string; 0 where none begins.</summary>
    static int EscapedQuote(string text, int at)
    {
        int slashes = text.AsSpan(at).IndexOfAnyExcept('\\');
        return slashes > 0 && text[at + slashes] is '\'' or '"' ? slashes + 1 : 0;
    }

    /// <summary>It ends with a quote behind as many backslashes as at its beginning: one within it has more.</summary>
    static int EndOfEscaped(string text, int value, int length)
    {
        ReadOnlySpan<char> quote = text.AsSpan(value, length);
        int at = value + length;
        for (int next; (next = text.AsSpan(at).IndexOf(quote)) >= 0; at += next + length)
        {
            if (text[at + next - 1] != '\\')
            {
                return at + next + length;
            }
        }
        return -1;
    }

    /// <summary>A string begins there, perhaps as Python's <c>b'…'</c>, or within another string.</summary>
    static bool IsQuoted(string text, int value)
    {
        int at = value;
        while (at < text.Length && at < value + 2 && char.ToLowerInvariant(text[at]) is 'b' or 'r' or 'u' or 'f')
        {
            at++;
        }
        return EscapedQuote(text, at) > 0 || (at < text.Length && text[at] is '\'' or '"');
    }

    static int SkipSpaces(string text, int at)
    {
        while (at < text.Length && text[at] is ' ' or '\t')
        {
            at++;
        }
        return at;
    }

    static string QuoteOf(string text, int key, int value) => EscapedQuote(text, value) is > 0 and var length ? text.Substring(value, length) : text[key] == '"' ? "\"" : "'";

    /// <summary><c>redis://user:secret@host</c>: what stands between the colon and the at, or all behind the colon where it was cut off before the at.</summary>
    static string HideUrlPasswords(string text)
    {
        StringBuilder? masked = null;
        int copied = 0;
        for (int scheme = text.IndexOf("://", StringComparison.Ordinal); scheme >= 0; scheme = text.IndexOf("://", scheme + 3, StringComparison.Ordinal))
        {
            int begin = scheme + 3, end = text.AsSpan(begin).IndexOfAny(AfterAuthority);
            end = end < 0 ? text.Length : begin + end;
            int host = text.LastIndexOf('@', end - 1, end - begin);
            bool isCut = host < 0 && (end == text.Length || text.AsSpan(begin, end - begin).EndsWith("..."));
            int colon = host >= 0 ? text.IndexOf(':', begin, host - begin) : isCut ? text.IndexOf(':', begin, end - begin) : -1;
            if (colon >= 0 && (!isCut || IsPassword(text, begin, colon)))
            {
                (masked ??= new StringBuilder()).Append(text, copied, colon + 1 - copied).Append(Hidden);
                copied = isCut ? end : host;
            }
        }
        return masked is null ? text : masked.Append(text, copied, text.Length - copied).ToString();
    }

    /// <summary>What follows a colon is no port, nor a part of an address of IPv6.</summary>
    static bool IsPassword(string text, int begin, int colon) => text[begin] != '[' && colon + 1 < text.Length && !char.IsAsciiDigit(text[colon + 1]) && text[colon + 1] != '.';
}
