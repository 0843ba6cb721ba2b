using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>
/// Finds open runs by their id, and by that of their parent, also from another process. Places of open runs grow, so keys sorted within
/// 4,096 places go to the end of the table, and a look-up asks each such segment that has any.
/// </summary>
sealed class OpenKeys
{
    const int PlaceBits = 12, IdBits = 24, SegmentShift = PlaceBits + IdBits;

    readonly Statement _put, _delete;
    readonly List<long> _added = [], _removed = []; // the group's; emptied by Flush

    public OpenKeys(Database database)
    {
        _put = database.Prepare("INSERT OR IGNORE INTO open_key(key) VALUES(?)");
        _delete = database.Prepare("DELETE FROM open_key WHERE key = ?");
        if (database.Number("SELECT EXISTS(SELECT 1 FROM open) AND NOT EXISTS(SELECT 1 FROM open_key)") != 0)
        {
            Fill(database); // of an older Belfry, or copied
        }
    }

    public void Add(RunKey key, string? parent, long place) => Note(_added, key, parent, place);

    public void Remove(RunKey key, string? parent, long place) => Note(_removed, key, parent, place);

    /// <summary>Writes what the group changed, sorted; within its transaction.</summary>
    public void Flush()
    {
        Run(_delete, _removed);
        Run(_put, _added);
    }

    /// <summary>Adds the places that open runs of an id, or its children, may have; the caller compares the id itself.</summary>
    /// <returns>False when there are no keys, so that all open runs must be looked through.</returns>
    public static bool TryFind(Database database, RunKey key, List<long> places)
    {
        Statement next = database.Prepare("SELECT key FROM open_key WHERE key >= ? ORDER BY key LIMIT 1");
        Statement find = database.Prepare("SELECT key FROM open_key WHERE key >= ? AND key < ?");
        bool any = false;
        for (long segment = 0; next.Bind(1, segment << SegmentShift).Step(); segment++)
        {
            any = true;
            segment = next.Int64(0) >> SegmentShift;
            next.Reset();
            long first = KeyOf(key, segment << PlaceBits);
            find.Bind(1, first).Bind(2, first + (1 << PlaceBits));
            while (find.Step())
            {
                places.Add((segment << PlaceBits) | (find.Int64(0) & ((1 << PlaceBits) - 1)));
            }
            find.Reset();
        }
        next.Reset();
        return any;
    }

    static long KeyOf(RunKey key, long place) =>
        (place >> PlaceBits << SegmentShift) | ((key.LowBits & ((1 << IdBits) - 1)) << PlaceBits) | (place & ((1 << PlaceBits) - 1));

    static void Note(List<long> keys, RunKey key, string? parent, long place)
    {
        keys.Add(KeyOf(key, place));
        if (parent is not null)
        {
            keys.Add(KeyOf(RunKey.Of(parent, 0), place));
        }
    }

    static void Run(Statement statement, List<long> keys)
    {
        keys.Sort();
        foreach (long key in keys)
        {
            statement.Bind(1, key).Run();
        }
        keys.Clear();
    }

    void Fill(Database database)
    {
        using (Statement open = database.PrepareOnce("SELECT id, uid, parent FROM open"))
        {
            while (open.Step())
            {
                Add(RunKey.Of(IdColumn.Read(open, 1)!, 0), IdColumn.Read(open, 2), open.Int64(0));
            }
        }
        database.Execute("SAVEPOINT fill"); // a group's transaction may be under way, or none
        Flush();
        database.Execute("RELEASE fill");
    }
}
