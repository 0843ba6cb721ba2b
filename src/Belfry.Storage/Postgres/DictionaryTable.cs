using Belfry.Storage.Payloads;
using Npgsql;

namespace Belfry.Storage.Postgres;

/// <summary>The dictionaries of a store on PostgreSQL. They are kept at once, apart from any transaction: a payload never comes before its dictionary.</summary>
sealed class DictionaryTable(PostgresStore store) : IDictionaryShelf
{
    public (int Number, byte[] Bytes)? Newest() => store.Apart<(int, byte[])?>("SELECT id, bytes FROM dictionary ORDER BY id DESC LIMIT 1", command =>
    {
        using NpgsqlDataReader row = command.ExecuteReader();
        return row.Read() ? (row.GetInt32(0), row.GetFieldValue<byte[]>(1)) : null;
    });

    public byte[]? Find(int number) => store.Apart("SELECT bytes FROM dictionary WHERE id = $1", command =>
    {
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = number });
        return command.ExecuteScalar() as byte[];
    });

    /// <summary>Keeps it, unless another process was first: then theirs is used.</summary>
    public (int Number, byte[] Bytes)? Add(byte[] dictionary)
    {
        int number = (Newest()?.Number ?? 0) + 1;
        if (number > PayloadPacker.MostDictionaries)
        {
            return null;
        }
        store.Apart("INSERT INTO dictionary(id, bytes) VALUES($1, $2) ON CONFLICT DO NOTHING", command =>
        {
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = number });
            command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = dictionary });
            return command.ExecuteNonQuery();
        });
        return (number, Find(number)!);
    }
}
