using System.Globalization;
using System.Text;

namespace Belfry.Celery.Results.Pickles;

/// <summary>Texts of protocol 0, which are lines of ASCII with escapes.</summary>
static class Escapes
{
    /// <summary>A <c>raw-unicode-escape</c>: <c>\u0041</c> and <c>\U00000041</c>, nothing else.</summary>
    public static string Unicode(string line) => Decoded(line, static code => code switch { 'u' => 4, 'U' => 8, _ => 0 }, null);

    /// <summary>The repr of a str of Python 2.</summary>
    public static string Bytes(string inside) => Decoded(inside, static code => code == 'x' ? 2 : 0, "\\\\''\"\"n\nr\rt\tb\bf\fa\av\v0\0");

    /// <summary>Replaces what stands behind backslashes.</summary>
    /// <param name="text">The text.</param>
    /// <param name="digits">How many hexadecimal digits follow a letter after a backslash.</param>
    /// <param name="letters">Letters after a backslash, each with what it stands for.</param>
    static string Decoded(string text, Func<char, int> digits, string? letters)
    {
        if (!text.Contains('\\'))
        {
            return text;
        }
        var decoded = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            char next = text[i] == '\\' && i + 1 < text.Length ? text[i + 1] : '\0';
            int count = next == '\0' ? 0 : digits(next);
            if (count > 0 && i + 2 + count <= text.Length && int.TryParse(text.AsSpan(i + 2, count), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code))
            {
                decoded.Append(Rune.IsValid(code) ? new Rune(code).ToString() : code is >= 0xD800 and <= 0xDFFF ? $"{(char)code}" : "\uFFFD");
                i += 1 + count;
            }
            else if (next != '\0' && letters?.IndexOf(next) is { } place and >= 0 && place % 2 == 0)
            {
                decoded.Append(letters[place + 1]);
                i++;
            }
            else
            {
                decoded.Append(text[i]);
            }
        }
        return decoded.ToString();
    }
}
