using System.Collections.Concurrent;

namespace Belfry.Storage.Payloads;

/// <summary>Where the dictionaries of a store are kept, by number; a number never changes its dictionary.</summary>
interface IDictionaryShelf
{
    /// <summary>The newest; null when there is none.</summary>
    (int Number, byte[] Bytes)? Newest();

    /// <summary>Those of a number; null when it is missing.</summary>
    byte[]? Find(int number);

    /// <summary>Keeps one, and tells the number and dictionary to use from now on; null when there are too many.</summary>
    (int Number, byte[] Bytes)? Add(byte[] dictionary);
}

/// <summary>Dictionaries by number, for all readers.</summary>
sealed class Dictionaries
{
    readonly ConcurrentDictionary<int, byte[]> _bytes = new();

    public byte[] Of(int number, IDictionaryShelf shelf) =>
        _bytes.GetOrAdd(number, wanted => shelf.Find(wanted) ?? throw new StoreException($"dictionary {wanted} is missing: the store is damaged"));
}

/// <summary>Unpacks payloads for one reader, one after the other.</summary>
sealed class PayloadUnpacker(Dictionaries dictionaries, IDictionaryShelf shelf) : IDisposable
{
    /// <summary>What is longer is not packed: nobody could tell it from damage.</summary>
    public const int LongestPayload = 64 * 1024 * 1024;

    readonly Dictionary<byte, nint> _decompressors = [];
    byte[] _buffer = new byte[16 * 1024];

    /// <summary>The payload as it was written; valid until the next.</summary>
    public ReadOnlySpan<byte> Unpack(ReadOnlySpan<byte> stored)
    {
        if (stored.IsEmpty || stored[0] < PayloadPacker.FirstPacked)
        {
            return stored;
        }
        nint context = DecompressorOf(stored[0]);
        while (true)
        {
            int length = Zstd.Decompress(context, stored[1..], _buffer);
            if (length >= 0)
            {
                return _buffer.AsSpan(0, length);
            }
            if (_buffer.Length >= LongestPayload)
            {
                throw new StoreException("a payload cannot be unpacked: the store is damaged");
            }
            _buffer = new byte[_buffer.Length * 4];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (nint context in _decompressors.Values)
        {
            _ = Zstd.FreeDecompressor(context);
        }
        _decompressors.Clear();
    }

    nint DecompressorOf(byte mark)
    {
        if (!Zstd.IsPresent)
        {
            throw new StoreException("this store is packed with zstd: install libzstd (Debian: libzstd1)");
        }
        if (!_decompressors.TryGetValue(mark, out nint context))
        {
            context = Zstd.Decompressor(dictionaries.Of(mark - PayloadPacker.FirstPacked, shelf));
            _decompressors.Add(mark, context);
        }
        return context;
    }
}
