using System.Collections.Concurrent;
using Belfry.Storage.Payloads;
using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Reading;

/// <summary>What readers need besides rows. A number never changes its name or its dictionary, so what was read once is kept for all.</summary>
sealed class RowContexts
{
    readonly ConcurrentDictionary<long, string> _texts = new(); // as many as the log has names
    readonly Dictionaries _dictionaries = new();

    /// <summary>The context of one connection.</summary>
    public IRowContext For(Database database) => database.Companion(() => new Context(this, database));

    sealed class Context(RowContexts shared, Database database) : IRowContext, IDisposable
    {
        readonly PayloadUnpacker _unpacker = new(shared._dictionaries, new DictionaryTable(database));

        public string? Text(long? number)
        {
            if (number is not { } known)
            {
                return null;
            }
            if (!shared._texts.TryGetValue(known, out string? text))
            {
                Statement find = database.Prepare("SELECT text FROM name WHERE id = ?").Bind(1, known);
                text = find.Step() ? find.Text(0)! : "?";
                find.Reset();
                shared._texts[known] = text;
            }
            return text;
        }

        public ReadOnlySpan<byte> Unpack(ReadOnlySpan<byte> payload) => _unpacker.Unpack(payload);

        public void Dispose() => _unpacker.Dispose();
    }
}

/// <summary>Names of a kind, and their numbers.</summary>
static class KnownNames
{
    /// <summary>The number of a name; null when the log has none such.</summary>
    public static long? Number(Database database, NameKind kind, string text)
    {
        Statement find = database.Prepare("SELECT id FROM name WHERE kind = ? AND text = ?").Bind(1, (long)kind).Bind(2, text);
        long? number = find.Step() ? find.Int64(0) : null;
        find.Reset();
        return number;
    }

    /// <summary>All names of a kind.</summary>
    public static List<(long Number, string Text)> All(Database database, NameKind kind)
    {
        var all = new List<(long, string)>();
        Statement list = database.Prepare("SELECT id, text FROM name WHERE kind = ? ORDER BY text").Bind(1, (long)kind);
        while (list.Step())
        {
            all.Add((list.Int64(0), list.Text(1)!));
        }
        list.Reset();
        return all;
    }
}
