namespace Belfry.Storage.Payloads;

/// <summary>
/// Packs the payloads of ended runs with a dictionary made of the site's own: arguments of one task look alike, so a third of the bytes
/// is left. Until there are enough to learn from, and where libzstd is not there, they stay as they are.
/// </summary>
sealed class PayloadPacker : IDisposable
{
    /// <summary>First byte of a packed payload: this, and the number of its dictionary above. An unpacked one begins with a tag, which is less.</summary>
    public const byte FirstPacked = 64;

    /// <summary>So many dictionaries a store may have: their numbers must fit into the first byte.</summary>
    public const int MostDictionaries = 100;

    const int DictionaryBytes = 16 * 1024, SamplesWanted = 4000, LongestSample = 4096;
    const int Shortest = 48; // below, the frame costs what it saves

    readonly IDictionaryShelf _shelf;
    readonly List<byte> _samples = []; // emptied when a dictionary is made of them
    readonly List<nuint> _sizes = [];
    byte[] _packed = new byte[4096];
    nint _compressor;
    byte _number;

    public PayloadPacker(IDictionaryShelf shelf)
    {
        _shelf = shelf;
        if (Zstd.IsPresent && shelf.Newest() is { } newest)
        {
            Use(newest.Number, newest.Bytes);
        }
    }

    /// <summary>The payload as it is stored.</summary>
    public ReadOnlySpan<byte> Pack(ReadOnlySpan<byte> payload)
    {
        if (_compressor == 0)
        {
            Learn(payload);
            return payload;
        }
        if (payload.Length is < Shortest or > PayloadUnpacker.LongestPayload)
        {
            return payload;
        }
        if (_packed.Length < payload.Length)
        {
            _packed = new byte[payload.Length];
        }
        int length = Zstd.Compress(_compressor, payload, _packed.AsSpan(1, payload.Length - 1));
        _packed[0] = _number;
        return length == 0 ? payload : _packed.AsSpan(0, length + 1);
    }

    /// <summary>Makes the dictionary when there is enough to learn from; within the group's transaction.</summary>
    public void Settle()
    {
        if (_compressor != 0 || _sizes.Count < SamplesWanted)
        {
            return;
        }
        byte[]? dictionary = Zstd.Train([.. _samples], [.. _sizes], DictionaryBytes);
        _samples.Clear();
        _sizes.Clear();
        if (dictionary is not null && _shelf.Add(dictionary) is { } kept)
        {
            Use(kept.Number, kept.Bytes);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_compressor != 0)
        {
            _ = Zstd.FreeCompressor(_compressor);
            _compressor = 0;
        }
    }

    void Learn(ReadOnlySpan<byte> payload)
    {
        if (Zstd.IsPresent && payload.Length is > 0 and <= LongestSample && _sizes.Count < SamplesWanted)
        {
            _samples.AddRange(payload);
            _sizes.Add((nuint)payload.Length);
        }
    }

    void Use(int number, byte[] dictionary) => (_compressor, _number) = (Zstd.Compressor(dictionary), (byte)(FirstPacked + number));
}
