using Belfry.Storage.Moving;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Moving;

/// <summary>A log in a SQLite file, read in one snapshot. The connection is used by one thread at a time.</summary>
sealed class SqliteReader : ILogReader
{
    /// <summary>Tables that are no copy's business, because the target makes them of names and runs, or has its own.</summary>
    public static readonly IReadOnlyCollection<string> Own = ["name", "run", "open", "open_key", "run_key", "segment", "last_end", "claim", "call_args", CopyMark.Table];

    const string IsOurs = "type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT GLOB 'text_*'";

    readonly Database _database;
    readonly NameTable _context;
    readonly bool _owned;

    /// <summary>Reads on a connection.</summary>
    /// <param name="database">The connection.</param>
    /// <param name="owned">It is closed at the end.</param>
    public SqliteReader(Database database, bool owned)
    {
        (_database, _owned) = (database, owned);
        _database.Execute("BEGIN");
        _context = new NameTable(database); // reads, and so begins the snapshot
        Tables = [.. TableNames().Where(name => !Own.Contains(name)).Select(TableOf)];
    }

    public IReadOnlyList<PlainTable> Tables { get; }

    public long Count(PlainTable table) => _database.Number($"SELECT count(*) FROM {table.Name}");

    public long CountRuns(bool open) => _database.Number($"SELECT count(*) FROM {(open ? "open" : "run")}");

    public IEnumerable<NumberedName> Names(long upTo)
    {
        using Statement read = _database.PrepareOnce("SELECT id, kind, text FROM name WHERE id <= ? ORDER BY id");
        read.Bind(1, upTo);
        while (read.Step())
        {
            yield return new NumberedName(read.Int64(0), read.Int32(1), read.Text(2)!, null);
        }
    }

    public IEnumerable<object?[]> Rows(PlainTable table, long? after)
    {
        string columns = string.Join(", ", table.Columns);
        using Statement read = _database.PrepareOnce(table.Place is null
            ? $"SELECT {columns} FROM {table.Name}"
            : $"SELECT {columns} FROM {table.Name} WHERE {table.Place} > ? ORDER BY {table.Place}");
        if (table.Place is not null)
        {
            read.Bind(1, after ?? long.MinValue);
        }
        while (read.Step())
        {
            var row = new object?[table.Columns.Count];
            for (int i = 0; i < row.Length; i++)
            {
                row[i] = table.Columns[i] == "uid" ? IdColumn.Read(read, i) : read.Value(i);
            }
            yield return row;
        }
    }

    public IEnumerable<PlacedRun> Runs(bool open, string? after)
    {
        using Statement read = _database.PrepareOnce(open
            ? $"SELECT id, at, {RowCodec.Columns} FROM open WHERE id > ? ORDER BY id"
            : $"SELECT at, at, {RowCodec.Columns} FROM run WHERE at > ? ORDER BY at");
        read.Bind(1, after is null ? long.MinValue : long.Parse(after));
        while (read.Step())
        {
            yield return new PlacedRun(RowCodec.ReadFacts(read, 2, read.Int64(1), IdColumn.Read(read, 2)!, _context), read.Int64(0));
        }
    }

    public string PlaceOf(in PlacedRun run) => $"{run.Place}";

    public void Dispose()
    {
        _context.Dispose();
        if (_owned)
        {
            _database.Dispose();
        }
        else
        {
            _database.Execute("COMMIT");
        }
    }

    List<string> TableNames()
    {
        var names = new List<string>();
        using Statement read = _database.PrepareOnce($"SELECT name FROM sqlite_master WHERE {IsOurs} ORDER BY name");
        while (read.Step())
        {
            names.Add(read.Text(0)!);
        }
        return names;
    }

    PlainTable TableOf(string name)
    {
        var columns = new List<string>();
        var keys = new List<(string Column, string Type)>();
        using Statement read = _database.PrepareOnce("SELECT name, type, pk FROM pragma_table_info(?)");
        read.Bind(1, name);
        while (read.Step())
        {
            columns.Add(read.Text(0)!);
            if (read.Int64(2) > 0)
            {
                keys.Add((read.Text(0)!, read.Text(1)!));
            }
        }
        bool isNumber = keys is [var only] && only.Type.Contains("int", StringComparison.OrdinalIgnoreCase);
        return new PlainTable(name, columns, isNumber ? keys[0].Column : null);
    }
}
