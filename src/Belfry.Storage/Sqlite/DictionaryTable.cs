using Belfry.Storage.Payloads;

namespace Belfry.Storage.Sqlite;

/// <summary>The dictionaries of a SQLite store, seen through one connection.</summary>
sealed class DictionaryTable(Database database) : IDictionaryShelf
{
    public (int Number, byte[] Bytes)? Newest()
    {
        using Statement last = database.PrepareOnce("SELECT id, bytes FROM dictionary ORDER BY id DESC LIMIT 1");
        return last.Step() ? (last.Int32(0), last.Bytes(1).ToArray()) : null;
    }

    public byte[]? Find(int number)
    {
        using Statement find = database.PrepareOnce("SELECT bytes FROM dictionary WHERE id = ?");
        return find.Bind(1, number).Step() ? find.Bytes(0).ToArray() : null;
    }

    public (int Number, byte[] Bytes)? Add(byte[] dictionary)
    {
        long number = database.Number("SELECT coalesce(max(id), 0) + 1 FROM dictionary");
        if (number > PayloadPacker.MostDictionaries)
        {
            return null;
        }
        database.Prepare("INSERT INTO dictionary(id, bytes) VALUES(?, ?)").Bind(1, number).Bind(2, dictionary).Run();
        return ((int)number, dictionary);
    }
}
