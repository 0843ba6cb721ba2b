using System.Globalization;
using System.Text;

namespace Belfry.Mail;

/// <summary>Quoted-printable of RFC 2045: lines of at most 76 characters, readable where the text is ASCII. Pure.</summary>
static class QuotedPrintable
{
    const int LineLimit = 76;

    /// <summary>Encodes text whose lines end with CRLF.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length + (bytes.Length / 8));
        int line = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            if (IsLineEnd(bytes, i))
            {
                text.Append("\r\n");
                line = 0;
                i++;
                continue;
            }
            string piece = Piece(bytes, i);
            // One column is kept free for the "=" of a soft line end.
            if (line + piece.Length > LineLimit - 1)
            {
                text.Append("=\r\n");
                line = 0;
            }
            text.Append(piece);
            line += piece.Length;
        }
        return text.ToString();
    }

    static string Piece(ReadOnlySpan<byte> bytes, int i)
    {
        byte b = bytes[i];
        bool blankAtEnd = b is (byte)' ' or (byte)'\t' && (i + 1 == bytes.Length || IsLineEnd(bytes, i + 1));
        bool asItIs = b is >= 33 and <= 126 && b != '=' || b is (byte)' ' or (byte)'\t' && !blankAtEnd;
        return asItIs ? ((char)b).ToString() : "=" + b.ToString("X2", CultureInfo.InvariantCulture);
    }

    static bool IsLineEnd(ReadOnlySpan<byte> bytes, int i) => bytes[i] == '\r' && i + 1 < bytes.Length && bytes[i + 1] == '\n';
}
