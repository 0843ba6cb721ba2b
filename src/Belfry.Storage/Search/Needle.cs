using System.Text;

namespace Belfry.Storage.Search;

/// <summary>One word, ready to be looked for in UTF-8.</summary>
sealed class Needle
{
    readonly string _word;
    readonly byte[]? _lower; // ASCII only: other letters change their length with their case
    readonly byte[] _first = [];

    public Needle(string word)
    {
        _word = word;
        if (Ascii.IsValid(word))
        {
            _lower = Encoding.ASCII.GetBytes(word.ToLowerInvariant());
            _first = [_lower[0], (byte)char.ToUpperInvariant((char)_lower[0])];
        }
    }

    public bool IsIn(string? text) => text is not null && text.Contains(_word, StringComparison.OrdinalIgnoreCase);

    public bool IsIn(ReadOnlySpan<byte> utf8)
    {
        if (_lower is null)
        {
            return IsIn(Encoding.UTF8.GetString(utf8));
        }
        while (utf8.Length >= _lower.Length)
        {
            int at = utf8[..^(_lower.Length - 1)].IndexOfAny(_first[0], _first[1]);
            if (at < 0)
            {
                return false;
            }
            if (Ascii.EqualsIgnoreCase(utf8.Slice(at, _lower.Length), _lower))
            {
                return true;
            }
            utf8 = utf8[(at + 1)..];
        }
        return false;
    }
}
