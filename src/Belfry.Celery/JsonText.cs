using System.Buffers;
using System.Globalization;
using System.Text;

namespace Belfry.Celery;

/// <summary>Python's JSON, where it goes beyond the standard: half a surrogate pair, bytes that are no UTF-8, NaN and Infinity.</summary>
static class JsonText
{
    const char Replacement = '\uFFFD';

    /// <summary>The text of the inside of a JSON string that has escapes. What is no character becomes U+FFFD; nothing throws.</summary>
    public static string Decode(ReadOnlySpan<byte> inside)
    {
        char[] chars = ArrayPool<char>.Shared.Rent(inside.Length + 1);
        int length = Unescape(inside, chars);
        MendSurrogates(chars.AsSpan(0, length));
        string text = new(chars, 0, length);
        ArrayPool<char>.Shared.Return(chars);
        return text;
    }

    /// <summary>JSON with null wherever NaN, Infinity or -Infinity stood as a value; null when there is none of them.</summary>
    public static byte[]? WithoutNonFinite(ReadOnlySpan<byte> json)
    {
        List<Range> places = NonFinites(json);
        if (places.Count == 0)
        {
            return null;
        }
        var mended = new ArrayBufferWriter<byte>(json.Length + 64);
        int from = 0;
        foreach (Range place in places)
        {
            mended.Write(json[from..place.Start.Value]);
            mended.Write("null"u8);
            from = place.End.Value;
        }
        mended.Write(json[from..]);
        return mended.WrittenSpan.ToArray();
    }

    /// <summary>JSON of the same length with a zero (<c>0e0…</c>) wherever NaN, Infinity or -Infinity stood: a place found in it is one of the original.</summary>
    public static ReadOnlyMemory<byte> NonFiniteAsZeros(ReadOnlyMemory<byte> json)
    {
        List<Range> places = NonFinites(json.Span);
        if (places.Count == 0)
        {
            return json;
        }
        byte[] mended = json.ToArray();
        foreach (Range place in places)
        {
            mended.AsSpan(place).Fill((byte)'0');
            mended[place.Start.Value + 1] = (byte)'e';
        }
        return mended;
    }

    static List<Range> NonFinites(ReadOnlySpan<byte> json)
    {
        List<Range> places = [];
        if (json.IndexOf("NaN"u8) < 0 && json.IndexOf("Infinity"u8) < 0)
        {
            return places;
        }
        bool inString = false;
        for (int i = 0; i < json.Length; i++)
        {
            int length = inString ? 0 : NonFinite(json[i..]);
            if (length > 0)
            {
                places.Add(i..(i + length));
            }
            inString ^= json[i] == '"';
            i += length > 0 ? length - 1 : inString && json[i] == '\\' ? 1 : 0;
        }
        return places;
    }

    static int NonFinite(ReadOnlySpan<byte> json) =>
        json.StartsWith("NaN"u8) ? 3 : json.StartsWith("Infinity"u8) ? 8 : json.StartsWith("-Infinity"u8) ? 9 : 0;

    static int Unescape(ReadOnlySpan<byte> inside, Span<char> chars)
    {
        int length = 0;
        while (!inside.IsEmpty)
        {
            int slash = inside.IndexOf((byte)'\\');
            length += Encoding.UTF8.GetChars(slash < 0 ? inside : inside[..slash], chars[length..]);
            if (slash < 0 || slash + 1 >= inside.Length)
            {
                break;
            }
            int used = 2;
            chars[length++] = inside[slash + 1] switch
            {
                (byte)'n' => '\n', (byte)'r' => '\r', (byte)'t' => '\t', (byte)'b' => '\b', (byte)'f' => '\f',
                (byte)'u' => Unit(inside[(slash + 2)..], ref used),
                byte other => (char)other,
            };
            inside = inside[(slash + used)..];
        }
        return length;
    }

    static char Unit(ReadOnlySpan<byte> hex, ref int used)
    {
        int digits = Math.Min(4, hex.Length);
        used += digits;
        return ushort.TryParse(hex[..digits], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort unit) ? (char)unit : Replacement;
    }

    static void MendSurrogates(Span<char> chars)
    {
        for (int i = 0; i < chars.Length; i++)
        {
            if (!char.IsSurrogate(chars[i]))
            {
                continue;
            }
            if (i + 1 < chars.Length && char.IsSurrogatePair(chars[i], chars[i + 1]))
            {
                i++;
            }
            else
            {
                chars[i] = Replacement;
            }
        }
    }
}
