using System.Reflection;

namespace Belfry.Storage;

/// <summary>The numbered scripts by which a room makes its tables: <c>001_….sql</c>, embedded in its assembly, never edited after they landed.</summary>
public sealed class TableScripts
{
    readonly (int Number, string Text)[] _all;

    /// <summary>Those of a room.</summary>
    /// <param name="room">The room's name, under which the store remembers what has run.</param>
    /// <param name="assembly">Where they are embedded.</param>
    /// <param name="folder">In which folder, e.g. <c>.Access.Schema.</c></param>
    public TableScripts(string room, Assembly assembly, string folder)
    {
        Room = room;
        _all = [.. SchemaScripts.In(assembly, folder)];
    }

    /// <summary>The room's name.</summary>
    public string Room { get; }

    /// <summary>The number of the newest script.</summary>
    public int Newest => _all[^1].Number;

    internal IEnumerable<string> After(int version) => _all.Where(script => script.Number > version).Select(script => script.Text);

    internal void Check(int version, StoreUrl url)
    {
        if (version > Newest)
        {
            throw new StoreException($"{url} has schema {version} of {Room}; this version of Belfry knows up to {Newest}. Use a newer Belfry.");
        }
    }
}

/// <summary>Brings the tables of a room to the schema of this version.</summary>
static class TableMigrations
{
    public const string Book = "room_schema";

    public static int VersionOf(ITableSession session, TableScripts scripts, string askForTable) =>
        session.Read(askForTable, row => row.Number(0), Book) is []
        || session.Read("SELECT number FROM room_schema WHERE room = $1", row => row.Number(0), scripts.Room) is not [var number] ? 0 : (int)number;

    public static int Run(ITableSession session, TableScripts scripts, ITableEngine engine)
    {
        engine.Execute(session, "CREATE TABLE IF NOT EXISTS room_schema(room text NOT NULL PRIMARY KEY, number int8 NOT NULL)");
        int version = VersionOf(session, scripts, engine.AskForTable);
        scripts.Check(version, engine.Url);
        foreach (string script in scripts.After(version))
        {
            engine.Execute(session, script);
        }
        session.Run("INSERT INTO room_schema(room, number) VALUES($1, $2) ON CONFLICT(room) DO UPDATE SET number = excluded.number", scripts.Room, scripts.Newest);
        return version;
    }
}
