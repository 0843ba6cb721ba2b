using System.Globalization;
using Belfry.Storage.Moving;
using Belfry.Storage.Payloads;
using Belfry.Storage.Postgres.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Moving;

/// <summary>A log on PostgreSQL, read in one snapshot on a connection of its own.</summary>
sealed class PostgresReader : ILogReader
{
    const string Order = "at, id, source, attempt";

    readonly PostgresStore _store;
    readonly NpgsqlConnection _connection;
    readonly NpgsqlTransaction _snapshot;
    readonly RowContext _context;
    readonly CopiedTables _tables;
    readonly bool _owned;

    /// <summary>Reads a store.</summary>
    /// <param name="store">The store.</param>
    /// <param name="owned">It is closed at the end.</param>
    public PostgresReader(PostgresStore store, bool owned)
    {
        (_store, _owned) = (store, owned);
        _context = new RowContext(store.Names, new PayloadUnpacker(new Dictionaries(), new DictionaryTable(store)));
        _connection = store.Connect();
        _snapshot = _connection.BeginTransaction(System.Data.IsolationLevel.RepeatableRead);
        // Whole tables are read in the order of their instants: along the indexes, without a sort that would spill to the disk.
        using (var settings = new NpgsqlCommand("SET LOCAL enable_sort = off; SET LOCAL jit = off; SET LOCAL cursor_tuple_fraction = 1", _connection))
        {
            settings.ExecuteNonQuery();
        }
        _tables = new CopiedTables(_connection);
    }

    public IReadOnlyList<PlainTable> Tables => _tables.Plain;

    public long Count(PlainTable table) => Number($"SELECT count(*) FROM {table.Name}");

    public long CountRuns(bool open) => Number(open ? "SELECT count(*) FROM run_open" : "SELECT (SELECT count(*) FROM run_kept) + (SELECT count(*) FROM run_done)");

    public IEnumerable<NumberedName> Names(long upTo)
    {
        using NpgsqlDataReader row = Ask("SELECT id, kind, text, key FROM name WHERE id <= $1 ORDER BY id", Math.Min(upTo, int.MaxValue));
        while (row.Read())
        {
            yield return new NumberedName(row.GetInt32(0), row.GetInt16(1), row.GetString(2), row.GetGuid(3));
        }
    }

    public IEnumerable<object?[]> Rows(PlainTable table, long? after)
    {
        CopiedTables.Column[] columns = _tables.Of(table) ?? throw HalfCopy.Unlike(table, _store.Url);
        string names = string.Join(", ", columns.Select(column => column.Name));
        using NpgsqlDataReader row = table.Place is null
            ? Ask($"SELECT {names} FROM {table.Name}")
            : Ask($"SELECT {names} FROM {table.Name} WHERE {table.Place} > $1 ORDER BY {table.Place}", after ?? long.MinValue);
        while (row.Read())
        {
            var values = new object?[columns.Length];
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = CopiedTables.Column.Neutralized(row.GetValue(i));
            }
            yield return values;
        }
    }

    public IEnumerable<PlacedRun> Runs(bool open, string? after)
    {
        string behind = after is null ? "" : $"WHERE at >= $1 AND ({Order}) > ($1, $2, $3, $4)";
        string read = string.Join(" UNION ALL ", (open ? (string[])["run_open"] : ["run_kept", "run_done"]).Select(table => $"(SELECT {RunColumns.All} FROM {table} {behind})"));
        using NpgsqlDataReader row = Ask($"{read} ORDER BY {Order}", after is null ? [] : Parse(after));
        while (row.Read())
        {
            yield return new PlacedRun(RunColumns.ReadFacts(row, _context), row.GetInt64(RunColumns.At));
        }
    }

    public string PlaceOf(in PlacedRun run) => string.Create(
        CultureInfo.InvariantCulture, $"{run.Place} {Uuids.Of(run.Row.Run.Id)} {_store.Names.Number(NameKind.Source, run.Row.Run.Source)} {run.Row.Run.Attempt}");

    public void Dispose()
    {
        _snapshot.Dispose();
        _connection.Dispose();
        _context.Dispose();
        if (_owned)
        {
            _store.Dispose();
        }
    }

    static object[] Parse(string place) => place.Split(' ') is [var at, var id, var source, var attempt]
        ? [long.Parse(at, CultureInfo.InvariantCulture), Guid.Parse(id), int.Parse(source, CultureInfo.InvariantCulture), int.Parse(attempt, CultureInfo.InvariantCulture)]
        : throw new FormatException($"'{place}' is no place");

    long Number(string sql)
    {
        using NpgsqlCommand command = Endless(sql);
        return (long)command.ExecuteScalar()!;
    }

    NpgsqlDataReader Ask(string sql, params object[] values)
    {
        using NpgsqlCommand command = Endless(sql);
        foreach (object value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }
        return command.ExecuteReader();
    }

    /// <summary>A large log takes its time.</summary>
    NpgsqlCommand Endless(string sql) => new(sql, _connection) { CommandTimeout = 0 };
}
