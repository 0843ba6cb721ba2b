using System.Buffers;
using System.Text;

namespace Belfry.Storage.Search;

/// <summary>One word, ready to be looked for in UTF-8. A star in it stands for anything; nothing but stars, or nothing at all, is everywhere.</summary>
sealed class Needle(string word)
{
    static readonly SearchValues<char> OfUuid = SearchValues.Create("0123456789abcdefABCDEF-*");
    readonly Part[] _parts = [.. word.Split('*', StringSplitOptions.RemoveEmptyEntries).Select(part => new Part(part))];

    /// <summary>What must be there, in this order.</summary>
    public IEnumerable<string> Texts => _parts.Select(part => part.Text);

    /// <summary>No other characters than those of a UUID.</summary>
    public bool MayBeOfUuid { get; } = !word.AsSpan().ContainsAnyExcept(OfUuid);

    public bool IsIn(string? text)
    {
        int at = text is null ? -1 : 0;
        for (int i = 0; i < _parts.Length && at >= 0; i++)
        {
            at = _parts[i].EndIn(text.AsSpan(), at);
        }
        return at >= 0;
    }

    public bool IsIn(ReadOnlySpan<byte> utf8)
    {
        if (!Array.TrueForAll(_parts, part => part.IsAscii))
        {
            return IsIn(Encoding.UTF8.GetString(utf8)); // other letters change their length with their case
        }
        int at = 0;
        for (int i = 0; i < _parts.Length && at >= 0; i++)
        {
            at = _parts[i].EndIn(utf8, at);
        }
        return at >= 0;
    }

    /// <summary>What stands between stars.</summary>
    sealed class Part(string text)
    {
        readonly byte[] _lower = Encoding.UTF8.GetBytes(text.ToLowerInvariant());
        readonly byte _upperFirst = (byte)char.ToUpperInvariant(text[0]);

        public string Text => text;

        public bool IsAscii { get; } = Ascii.IsValid(text);

        /// <summary>Just behind its first occurrence from a place on; -1 when there is none.</summary>
        public int EndIn(ReadOnlySpan<char> within, int from)
        {
            int at = within[from..].IndexOf(text, StringComparison.OrdinalIgnoreCase);
            return at < 0 ? -1 : from + at + text.Length;
        }

        public int EndIn(ReadOnlySpan<byte> within, int from)
        {
            while (within.Length - from >= _lower.Length)
            {
                int at = within[from..(within.Length - _lower.Length + 1)].IndexOfAny(_lower[0], _upperFirst);
                if (at < 0)
                {
                    return -1;
                }
                from += at;
                if (Ascii.EqualsIgnoreCase(within.Slice(from, _lower.Length), _lower))
                {
                    return from + _lower.Length;
                }
                from++;
            }
            return -1;
        }
    }
}
