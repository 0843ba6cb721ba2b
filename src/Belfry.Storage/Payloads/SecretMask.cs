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
    readonly SearchValues<string>? _keys;

    /// <summary>Hides values whose key contains one of these, in any case; none hides nothing.</summary>
    public SecretMask(IReadOnlyCollection<string> keys) =>
        _keys = keys.Count == 0 ? null : SearchValues.Create([.. keys], StringComparison.OrdinalIgnoreCase);

    /// <summary>The keys hidden by default.</summary>
    public static IReadOnlyList<string> DefaultKeys { get; } =
        ["password", "passwd", "passphrase", "secret", "token", "authorization", "api_key", "apikey", "api-key", "access_key", "private_key", "credential"];

    /// <summary>Values of this key are hidden.</summary>
    public bool Hides(string key) => _keys is not null && key.AsSpan().ContainsAny(_keys);

    /// <summary>The text with its secrets hidden; the same text when it has none.</summary>
    /// <param name="text">Arguments, a result, an exception.</param>
    /// <param name="onlyQuoted">Hide only values in quotes: in a trace, <c>token = read()</c> is code and no secret.</param>
    public string? Apply(string? text, bool onlyQuoted = false)
    {
        if (text is null || _keys is null || !text.AsSpan().ContainsAny(':', '='))
        {
            return text;
        }
        StringBuilder? masked = null;
        int copied = 0;
        for (int at = 0; at < text.Length;)
        {
            int found = text.AsSpan(at).IndexOfAny(_keys);
            if (found < 0)
            {
                break;
            }
            int key = EndOfKey(text, at + found);
            int value = StartOfValue(text, key);
            if (value < 0 || (onlyQuoted && text[value] is not ('\'' or '"')))
            {
                at = key;
                continue;
            }
            int end = LiteralReader.EndOf(text, value);
            end = end < 0 ? text.Length : end;
            char quote = QuoteOf(text, key);
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

    static int SkipSpaces(string text, int at)
    {
        while (at < text.Length && text[at] is ' ' or '\t')
        {
            at++;
        }
        return at;
    }

    static char QuoteOf(string text, int key) => key < text.Length && text[key] == '"' ? '"' : '\'';

    /// <summary><c>redis://user:secret@host</c>: what stands between the colon and the at.</summary>
    static string HideUrlPasswords(string text)
    {
        StringBuilder? masked = null;
        int copied = 0;
        for (int scheme = text.IndexOf("://", StringComparison.Ordinal); scheme >= 0; scheme = text.IndexOf("://", scheme + 3, StringComparison.Ordinal))
        {
            int end = text.AsSpan(scheme + 3).IndexOfAny(AfterAuthority);
            end = end < 0 ? text.Length : scheme + 3 + end;
            int host = text.LastIndexOf('@', end - 1, end - scheme - 3);
            int colon = host < 0 ? -1 : text.IndexOf(':', scheme + 3, host - scheme - 3);
            if (colon >= 0)
            {
                (masked ??= new StringBuilder()).Append(text, copied, colon + 1 - copied).Append(Hidden);
                copied = host;
            }
        }
        return masked is null ? text : masked.Append(text, copied, text.Length - copied).ToString();
    }
}
