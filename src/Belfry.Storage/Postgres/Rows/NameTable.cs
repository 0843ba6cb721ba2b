using System.Collections.Concurrent;
using System.Text;
using Belfry.Storage.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Rows;

/// <summary>Names and their numbers, the same for all processes that use the store. A number never changes its name, so what was read once is kept.</summary>
/// <remarks>
/// A new name is stored at once, apart from the writer's transaction: two writers that meet the same new names in another order would
/// else wait for each other. It grows with the number of distinct names of the site, which live as long as the log does.
/// </remarks>
sealed class NameTable(PostgresStore store)
{
    readonly ConcurrentDictionary<(NameKind Kind, string Text), int> _numbers = new();
    readonly ConcurrentDictionary<int, string> _texts = new();

    /// <summary>Text that PostgreSQL takes: it has no character 0, and no halves of characters.</summary>
    public static string Clean(string text)
    {
        if (text.Contains('\0'))
        {
            text = text.Replace('\0', '\uFFFD');
        }
        return text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) : text;
    }

    /// <summary>The number of a name, which gets one if it has none.</summary>
    public int Number(NameKind kind, string text) => _numbers.TryGetValue((kind, text), out int number) ? number : Learn(kind, text, FindOrAdd(kind, text));

    public int? NumberOrNull(NameKind kind, string? text) => text is null ? null : Number(kind, text);

    /// <summary>The number of a name; null when the log has none such.</summary>
    public int? Find(NameKind kind, string text) =>
        _numbers.TryGetValue((kind, text), out int number) ? number
        : Ask("SELECT id FROM name WHERE kind = $1 AND key = $2", kind, text) is { } found ? Learn(kind, text, found)
        : null;

    public string Text(int number) => _texts.TryGetValue(number, out string? text) ? text : Read(number);

    /// <summary>Reads all there are.</summary>
    public void LearnAll() => store.Apart("SELECT id, kind, text FROM name", command =>
    {
        using NpgsqlDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            LearnStored((NameKind)row.GetInt16(1), row.GetString(2), row.GetInt32(0));
        }
        return 0;
    });

    int FindOrAdd(NameKind kind, string text) =>
        Ask("INSERT INTO name(kind, key, text) VALUES($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id", kind, text, Clean(text))
        ?? Ask("SELECT id FROM name WHERE kind = $1 AND key = $2", kind, text)!.Value;

    int? Ask(string sql, NameKind kind, string text, string? stored = null) => store.Apart(sql, command =>
    {
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)kind });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Uuids.Of(RunKey.Of(text, 0).Bits) });
        if (stored is not null)
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = stored });
        }
        return command.ExecuteScalar() as int?;
    });

    string Read(int number) => store.Apart("SELECT kind, text FROM name WHERE id = $1", command =>
    {
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = number });
        using NpgsqlDataReader row = command.ExecuteReader();
        if (!row.Read())
        {
            return "?";
        }
        LearnStored((NameKind)row.GetInt16(0), row.GetString(1), number);
        return row.GetString(1);
    });

    /// <summary>A text that was cleaned may stand for another one: only its key tells.</summary>
    void LearnStored(NameKind kind, string text, int number)
    {
        if (text.Contains('\uFFFD'))
        {
            _texts.TryAdd(number, text);
        }
        else
        {
            Learn(kind, text, number);
        }
    }

    int Learn(NameKind kind, string text, int number)
    {
        _numbers[(kind, text)] = number;
        _texts.TryAdd(number, Clean(text));
        return number;
    }
}
