using Belfry.Storage.Sqlite;

namespace Belfry.Storage.Payloads;

/// <summary>
/// Packs the payloads of ended runs with a dictionary made of the site's own: arguments of one task look alike, so a third of the bytes
/// is left. Until there are enough to learn from, and where libzstd is not there, they stay as they are.
/// </summary>
sealed class PayloadPacker : IDisposable
{
    /// <summary>First byte of a packed payload: this, and the number of its dictionary above. An unpacked one begins with a tag, which is less.</summary>
    public const byte FirstPacked = 64;

    const int DictionaryBytes = 16 * 1024, SamplesWanted = 4000, LongestSample = 4096, MostDictionaries = 100;
    const int Shortest = 48; // below, the frame costs what it saves

    readonly Database _database;
    readonly List<byte> _samples = []; // emptied when a dictionary is made of them
    readonly List<nuint> _sizes = [];
    byte[] _packed = new byte[4096];
    nint _compressor;
    byte _number;

    public PayloadPacker(Database database)
    {
        _database = database;
        using Statement last = database.PrepareOnce("SELECT id, bytes FROM dictionary ORDER BY id DESC LIMIT 1");
        if (Zstd.IsPresent && last.Step())
        {
            Use(last.Int32(0), last.Bytes(1).ToArray());
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
        if (payload.Length < Shortest)
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
        long number = _database.Number("SELECT coalesce(max(id), 0) + 1 FROM dictionary");
        if (dictionary is not null && number <= MostDictionaries)
        {
            _database.Prepare("INSERT INTO dictionary(id, bytes) VALUES(?, ?)").Bind(1, number).Bind(2, dictionary).Run();
            Use((int)number, dictionary);
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
