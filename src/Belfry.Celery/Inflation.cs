using System.IO.Compression;

namespace Belfry.Celery;

/// <summary>Unpacks what kombu packed with zlib (or gzip), as far as it stays in measure: a few bytes can be made to swell to any size.</summary>
static class Inflation
{
    /// <summary>It begins as what zlib writes.</summary>
    public static bool IsPacked(ReadOnlySpan<byte> bytes) => bytes.Length > 2 && ((bytes[0] == 0x78 && ((bytes[0] << 8) | bytes[1]) % 31 == 0) || IsGzip(bytes));

    /// <summary>Unpacks; the answer is null, or why it cannot be.</summary>
    public static string? TryRead(ReadOnlyMemory<byte> packed, int most, out ReadOnlyMemory<byte> whole)
    {
        whole = default;
        using var from = new MemoryStream(packed.ToArray());
        using Stream inflating = IsGzip(packed.Span) ? new GZipStream(from, CompressionMode.Decompress) : new ZLibStream(from, CompressionMode.Decompress);
        using var into = new MemoryStream();
        byte[] piece = new byte[64 * 1024];
        try
        {
            for (int read = inflating.Read(piece); read > 0; read = inflating.Read(piece))
            {
                if (into.Length + read > most)
                {
                    return $"over {most} bytes";
                }
                into.Write(piece, 0, read);
            }
        }
        catch (InvalidDataException)
        {
            return "that is not compressed as it says";
        }
        whole = into.GetBuffer().AsMemory(0, (int)into.Length);
        return null;
    }

    static bool IsGzip(ReadOnlySpan<byte> bytes) => bytes.Length > 2 && bytes[0] == 0x1F && bytes[1] == 0x8B;
}
