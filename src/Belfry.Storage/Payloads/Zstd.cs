using System.Runtime.InteropServices;

namespace Belfry.Storage.Payloads;

/// <summary>The few calls of libzstd that payloads need. Where the library is not there, payloads stay as they are.</summary>
static unsafe partial class Zstd
{
    public const int Level = 1; // with a dictionary of the site's own level 3 saves 0.2 % more, and level 6 a tenth, for several times the CPU
    const string Library = "libzstd.so.1";
    const int FormatOfCompression = 10, FormatOfDecompression = 1000, Magicless = 1, ParameterDictionaryId = 202, ParameterLevel = 100;

    /// <summary>The library is there.</summary>
    public static bool IsPresent { get; } = NativeLibrary.TryLoad(Library, out _);

    /// <summary>Makes a dictionary of samples that lie one behind the other; null when they are too few or too different.</summary>
    public static byte[]? Train(ReadOnlySpan<byte> samples, nuint[] sizes, int most)
    {
        var dictionary = new byte[most];
        fixed (byte* into = dictionary, from = samples)
        fixed (nuint* each = sizes)
        {
            nuint length = TrainFromBuffer(into, (nuint)most, from, each, (uint)sizes.Length);
            return IsDictionaryError(length) != 0 ? null : dictionary[..(int)length];
        }
    }

    /// <summary>A compressor with a dictionary. Frames carry neither magic number nor dictionary id: the payload's first byte says both.</summary>
    public static nint Compressor(byte[] dictionary)
    {
        nint context = CreateCompressor();
        _ = SetCompression(context, ParameterLevel, Level);
        _ = SetCompression(context, FormatOfCompression, Magicless);
        _ = SetCompression(context, ParameterDictionaryId, 0);
        fixed (byte* bytes = dictionary)
        {
            _ = LoadForCompression(context, bytes, (nuint)dictionary.Length);
        }
        return context;
    }

    /// <summary>The counterpart.</summary>
    public static nint Decompressor(byte[] dictionary)
    {
        nint context = CreateDecompressor();
        _ = SetDecompression(context, FormatOfDecompression, Magicless);
        fixed (byte* bytes = dictionary)
        {
            _ = LoadForDecompression(context, bytes, (nuint)dictionary.Length);
        }
        return context;
    }

    /// <summary>Compresses; the length, or 0 when the result does not fit.</summary>
    public static int Compress(nint context, ReadOnlySpan<byte> from, Span<byte> into)
    {
        fixed (byte* source = from, target = into)
        {
            nuint length = Compress(context, target, (nuint)into.Length, source, (nuint)from.Length);
            return IsError(length) != 0 ? 0 : (int)length;
        }
    }

    /// <summary>Decompresses; the length, or -1 when it does not fit or is broken.</summary>
    public static int Decompress(nint context, ReadOnlySpan<byte> from, Span<byte> into)
    {
        fixed (byte* source = from, target = into)
        {
            nuint length = Decompress(context, target, (nuint)into.Length, source, (nuint)from.Length);
            return IsError(length) != 0 ? -1 : (int)length;
        }
    }

    [LibraryImport(Library, EntryPoint = "ZSTD_freeCCtx")]
    public static partial nuint FreeCompressor(nint context);

    [LibraryImport(Library, EntryPoint = "ZSTD_freeDCtx")]
    public static partial nuint FreeDecompressor(nint context);

    [LibraryImport(Library, EntryPoint = "ZSTD_createCCtx")]
    private static partial nint CreateCompressor();

    [LibraryImport(Library, EntryPoint = "ZSTD_createDCtx")]
    private static partial nint CreateDecompressor();

    [LibraryImport(Library, EntryPoint = "ZSTD_CCtx_setParameter")]
    private static partial nuint SetCompression(nint context, int parameter, int value);

    [LibraryImport(Library, EntryPoint = "ZSTD_DCtx_setParameter")]
    private static partial nuint SetDecompression(nint context, int parameter, int value);

    [LibraryImport(Library, EntryPoint = "ZSTD_CCtx_loadDictionary")]
    private static partial nuint LoadForCompression(nint context, byte* dictionary, nuint size);

    [LibraryImport(Library, EntryPoint = "ZSTD_DCtx_loadDictionary")]
    private static partial nuint LoadForDecompression(nint context, byte* dictionary, nuint size);

    [LibraryImport(Library, EntryPoint = "ZSTD_compress2")]
    private static partial nuint Compress(nint context, byte* into, nuint room, byte* from, nuint size);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompressDCtx")]
    private static partial nuint Decompress(nint context, byte* into, nuint room, byte* from, nuint size);

    [LibraryImport(Library, EntryPoint = "ZSTD_isError")]
    private static partial uint IsError(nuint code);

    [LibraryImport(Library, EntryPoint = "ZDICT_trainFromBuffer")]
    private static partial nuint TrainFromBuffer(byte* into, nuint room, byte* samples, nuint* sizes, uint count);

    [LibraryImport(Library, EntryPoint = "ZDICT_isError")]
    private static partial uint IsDictionaryError(nuint code);
}
