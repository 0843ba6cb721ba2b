using System.Text;
using Belfry.Storage.Payloads;
using Belfry.Storage.Rows;

namespace Belfry.Storage.Sqlite.Rows;

/// <summary>The writer's names: a number for each text of a kind, given once and never changed.</summary>
/// <remarks>It grows with the number of distinct names of the site, which live as long as the log does.</remarks>
sealed class NameTable : IRowContext, IDisposable
{
    const int Kinds = (int)NameKind.Failure + 1;

    readonly Database _database;
    readonly Dictionary<string, int>[] _numbers = new Dictionary<string, int>[Kinds];
    readonly Dictionary<int, string> _texts = [];
    readonly PayloadUnpacker _unpacker;
    readonly string?[] _lastText = new string?[Kinds];
    readonly int[] _lastNumber = new int[Kinds];

    public NameTable(Database database)
    {
        _database = database;
        _unpacker = new PayloadUnpacker(new Dictionaries(), new DictionaryTable(database));
        for (int kind = 0; kind < _numbers.Length; kind++)
        {
            _numbers[kind] = [];
        }
        using Statement all = database.PrepareOnce("SELECT id, kind, text FROM name");
        while (all.Step())
        {
            Learn(all.Int32(0), all.Int32(1), all.Text(2)!);
        }
    }

    public int Number(NameKind kind, string text)
    {
        if (ReferenceEquals(text, _lastText[(int)kind]))
        {
            return _lastNumber[(int)kind]; // runs of one task, and all events of one source, come in rows
        }
        int number = Find(kind, text);
        (_lastText[(int)kind], _lastNumber[(int)kind]) = (text, number);
        return number;
    }

    public long? NumberOrNull(NameKind kind, string? text) => text is null ? null : Number(kind, text);

    public string? Text(long? number) => number is { } known ? _texts[(int)known] : null;

    public ReadOnlySpan<byte> Unpack(ReadOnlySpan<byte> payload) => _unpacker.Unpack(payload);

    public void Dispose() => _unpacker.Dispose();

    int Find(NameKind kind, string text)
    {
        if (_numbers[(int)kind].TryGetValue(text, out int number))
        {
            return number;
        }
        if (Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) is var stored && stored != text)
        {
            return _numbers[(int)kind][text] = Find(kind, stored); // halves of characters become others on their way: it may be there already
        }
        Statement insert = _database.Prepare("INSERT INTO name(kind, text) VALUES(?, ?) RETURNING id");
        insert.Bind(1, (long)kind).Bind(2, text).Step();
        number = insert.Int32(0);
        insert.Reset();
        Learn(number, (int)kind, text);
        return number;
    }

    void Learn(int number, int kind, string text)
    {
        _numbers[kind][text] = number;
        _texts[number] = text;
    }
}
