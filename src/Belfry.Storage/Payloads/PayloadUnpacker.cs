using System.Collections.Concurrent;
using Belfry.Storage.Sqlite;

namespace Belfry.Storage.Payloads;

/// <summary>Dictionaries by number, for all readers: a number never changes its dictionary.</summary>
sealed class Dictionaries
{
    readonly ConcurrentDictionary<int, byte[]> _bytes = new();

    public byte[] Of(int number, Database database) => _bytes.GetOrAdd(number, wanted =>
    {
        using Statement find = database.PrepareOnce("SELECT bytes FROM dictionary WHERE id = ?");
        return find.Bind(1, wanted).Step() ? find.Bytes(0).ToArray() : throw new StoreException($"dictionary {wanted} is missing: the store is damaged");
    });
}

/// <summary>Unpacks payloads for one reader, one after the other.</summary>
sealed class PayloadUnpacker(Dictionaries dictionaries, Database database) : IDisposable
{
    const int LongestPayload = 64 * 1024 * 1024;

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
            context = Zstd.Decompressor(dictionaries.Of(mark - PayloadPacker.FirstPacked, database));
            _decompressors.Add(mark, context);
        }
        return context;
    }
}
