using Belfry.Storage.Moving;
using Belfry.Storage.Payloads;
using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Rows;
using Belfry.Storage.Sqlite.Schema;
using Belfry.Storage.Sqlite.Writing;

namespace Belfry.Storage.Sqlite.Moving;

/// <summary>A SQLite file that becomes the copy of a log. It is held alone until it is closed, so two copies never run into one file.</summary>
sealed class SqliteTarget : ILogTarget
{
    readonly StoreUrl _url;
    readonly Database _database;
    readonly string _source;
    readonly Dictionary<string, IReadOnlyList<string>> _columns = [];
    RunWriter? _runs; // made when the names and dictionaries are there

    SqliteTarget(StoreUrl url, Database database, string source) => (_url, _database, _source) = (url, database, source);

    /// <summary>Opens a new file, or one that such a copy was begun in.</summary>
    /// <exception cref="CopyRefusedException">It holds a log, or the copy of another.</exception>
    public static SqliteTarget Open(StoreUrl url, string source)
    {
        Store.MakeFolder(url);
        Database database = Database.Open(url.Path, create: true);
        try
        {
            Migrations.RefuseForeign(database, url.Text);
            database.Execute("PRAGMA locking_mode = EXCLUSIVE");
            Store.Prepare(database, syncEveryCommit: false);
            Claim(database, url, source);
            return new SqliteTarget(url, database, source);
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    public ITableEngine Tables => new SqliteTables(Store.Around(_url, _database), lane: null);

    public CopyMark MarkOf(string step)
    {
        Statement read = _database.Prepare($"SELECT place, rows, done FROM {CopyMark.Table} WHERE step = ?");
        CopyMark mark = read.Bind(1, step).Step() ? new CopyMark(step, read.Text(0), read.Int64(1), read.Int64(2) != 0) : new CopyMark(step, null, 0, false);
        read.Reset();
        return mark;
    }

    public ILogReader Read() => new SqliteReader(_database, owned: false);

    public void Write(IReadOnlyList<NumberedName> names, CopyMark mark) => Commit(mark, () =>
    {
        Statement insert = _database.Prepare("INSERT INTO name(id, kind, text) VALUES(?, ?, ?)");
        foreach (NumberedName name in names)
        {
            string text = name.Text;
            while (!insert.Bind(1, name.Number).Bind(2, name.Kind).Bind(3, text).TryRun())
            {
                text += '\uFFFD'; // two names of PostgreSQL that differ in what it cannot show
            }
        }
    });

    public void Write(PlainTable table, IReadOnlyList<object?[]> rows, CopyMark mark, bool first) => Commit(mark, () =>
    {
        Check(table);
        if (first)
        {
            _database.Execute($"DELETE FROM {table.Name}");
        }
        Statement insert = _database.Prepare($"INSERT INTO {table.Name}({string.Join(", ", table.Columns)}) VALUES({string.Join(", ", table.Columns.Select(_ => "?"))})");
        foreach (object?[] row in rows)
        {
            for (int i = 0; i < row.Length; i++)
            {
                if (table.Columns[i] == "uid")
                {
                    IdColumn.Bind(insert, i + 1, (string?)row[i]);
                }
                else
                {
                    insert.BindValue(i + 1, row[i]);
                }
            }
            insert.Run();
        }
    });

    public void Write(IReadOnlyList<PlacedRun> runs, CopyMark mark) => Commit(mark, () =>
    {
        _runs ??= new RunWriter(_database);
        _runs.Write(runs);
    });

    public void Seal()
    {
        _database.Execute($"DROP TABLE {CopyMark.Table}");
        _database.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    public void Dispose()
    {
        _runs?.Dispose();
        _database.Dispose();
    }

    /// <summary>The mark comes first: whatever is in the file then belongs to this copy.</summary>
    static void Claim(Database database, StoreUrl url, string source)
    {
        Migrations.Run(database, url.Text);
        if (Migrations.CopyOf(database) is { } begun)
        {
            if (begun != source)
            {
                throw HalfCopy.OfAnother(url, begun);
            }
            return;
        }
        if (database.Number("SELECT EXISTS(SELECT 1 FROM name) OR EXISTS(SELECT 1 FROM run) OR EXISTS(SELECT 1 FROM open)") != 0)
        {
            throw HalfCopy.Taken(url);
        }
        database.Execute($"BEGIN IMMEDIATE; {HalfCopy.Create}; INSERT INTO {CopyMark.Table} VALUES('{source.Replace("'", "''")}', '{HalfCopy.Begun}', NULL, 0, 1); COMMIT");
    }

    /// <summary>What was copied of a table with other columns would lack something.</summary>
    void Check(PlainTable table)
    {
        if (!_columns.TryGetValue(table.Name, out IReadOnlyList<string>? columns))
        {
            var read = new List<string>();
            using Statement info = _database.PrepareOnce("SELECT name FROM pragma_table_info(?)");
            info.Bind(1, table.Name);
            while (info.Step())
            {
                read.Add(info.Text(0)!);
            }
            _columns.Add(table.Name, columns = read);
        }
        if (!columns.Order(StringComparer.Ordinal).SequenceEqual(table.Columns.Order(StringComparer.Ordinal)))
        {
            throw HalfCopy.Unlike(table, _url);
        }
    }

    void Commit(CopyMark mark, Action write)
    {
        _database.Execute("BEGIN IMMEDIATE");
        write();
        _database.Prepare($"INSERT OR REPLACE INTO {CopyMark.Table}(source, step, place, rows, done) VALUES(?, ?, ?, ?, ?)")
            .Bind(1, _source).Bind(2, mark.Step).Bind(3, mark.Place).Bind(4, mark.Rows).Bind(5, mark.Done ? 1 : 0).Run();
        _database.Execute("COMMIT");
    }

    /// <summary>Writes runs as the log does: keys in sorted segments, the last ends beside.</summary>
    sealed class RunWriter : IDisposable
    {
        readonly NameTable _names;
        readonly PayloadPacker _packer;
        readonly RowCodec _codec;
        readonly KeySegments _keys;
        readonly FreeInstants _instants;
        readonly LastEnds _ends;
        readonly Statement _putOpen, _putEnded;
        long _lastOpen;

        public RunWriter(Database database)
        {
            _names = new NameTable(database);
            _packer = new PayloadPacker(new DictionaryTable(database));
            _codec = new RowCodec(_packer);
            _keys = new KeySegments(database);
            _instants = new FreeInstants(database);
            _ends = new LastEnds(database);
            string values = string.Join(", ", Enumerable.Repeat("?", RowCodec.Count));
            _putOpen = database.Prepare($"INSERT INTO open(id, at, {RowCodec.Columns}) VALUES(?, ?, {values})");
            _putEnded = database.Prepare($"INSERT INTO run(at, {RowCodec.Columns}) VALUES(?, {values})");
            _lastOpen = database.Number("SELECT coalesce(max(id), 0) FROM open");
        }

        public void Write(IReadOnlyList<PlacedRun> runs)
        {
            foreach (PlacedRun run in runs)
            {
                if (run.Row.Run.State.IsFinal())
                {
                    PutEnded(run.Row);
                }
                else
                {
                    long at = _instants.Reserve(run.Row.Run.At);
                    _putOpen.Bind(1, ++_lastOpen).Bind(2, at);
                    _codec.Bind(_putOpen, 3, at, run.Row, _names);
                    _putOpen.Run();
                }
            }
            _ends.Write(_names);
            _keys.Flush();
        }

        public void Dispose()
        {
            _names.Dispose();
            _packer.Dispose();
        }

        void PutEnded(in FoldedRun row)
        {
            long at = _instants.First(row.Run.At);
            while (!TryPutEnded(at, row))
            {
                at = _instants.After(at);
            }
            _instants.End(at);
            _keys.Add(RunKey.Of(row.Run.Id, _names.Number(NameKind.Source, row.Run.Source)), row.Run.Parent, at);
            _ends.Add(row.Run, at, _names);
        }

        bool TryPutEnded(long at, in FoldedRun row)
        {
            _putEnded.Bind(1, at);
            _codec.Bind(_putEnded, 2, at, row, _names);
            return _putEnded.TryRun();
        }
    }
}
