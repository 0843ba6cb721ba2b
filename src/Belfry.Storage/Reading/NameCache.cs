using System.Collections.Concurrent;
using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite;

namespace Belfry.Storage.Reading;

/// <summary>Names by number for readers: a number never changes its name, so what was read once is kept.</summary>
sealed class NameCache
{
    readonly ConcurrentDictionary<long, string> _texts = new(); // as many as the log has names

    /// <summary>The names as one reader sees them.</summary>
    public INames For(Database database) => new View(this, database);

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

    sealed class View(NameCache cache, Database database) : INames
    {
        public string? Text(long? number)
        {
            if (number is not { } known)
            {
                return null;
            }
            if (!cache._texts.TryGetValue(known, out string? text))
            {
                Statement find = database.Prepare("SELECT text FROM name WHERE id = ?").Bind(1, known);
                text = find.Step() ? find.Text(0)! : "?";
                find.Reset();
                cache._texts[known] = text;
            }
            return text;
        }
    }
}
