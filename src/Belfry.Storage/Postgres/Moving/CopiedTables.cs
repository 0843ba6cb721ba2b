using Belfry.Storage.Moving;
using Npgsql;
using NpgsqlTypes;

namespace Belfry.Storage.Postgres.Moving;

/// <summary>The tables of a log on PostgreSQL that are copied value by value, read from its catalog.</summary>
sealed class CopiedTables
{
    /// <summary>Tables that are no copy's business, because the target makes them of names and runs, or has its own; partitions are no tables here.</summary>
    public static readonly IReadOnlyCollection<string> Own =
        ["name", "run_open", "run_kept", "run_done", "run_key", "done_partition", "last_end", "schema_version", "lease", "touched", "process", "last_start", "call", CopyMark.Table];

    // Partitions, and what was detached to become or cease to be one, begin with the name of their table.
    const string Columns = """
        SELECT c.relname, a.attname, t.typname, a.attnotnull, coalesce(a.attnum = ANY(k.conkey), false), coalesce(cardinality(k.conkey), 0)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
        WHERE c.relnamespace = to_regnamespace('belfry') AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname NOT LIKE 'run_done_%' AND c.relname NOT LIKE 'text\_%'
        ORDER BY c.relname, a.attnum
        """;

    static readonly Dictionary<string, NpgsqlDbType> Types = new()
    {
        ["int2"] = NpgsqlDbType.Smallint, ["int4"] = NpgsqlDbType.Integer, ["int8"] = NpgsqlDbType.Bigint, ["bool"] = NpgsqlDbType.Boolean,
        ["float8"] = NpgsqlDbType.Double, ["text"] = NpgsqlDbType.Text, ["bytea"] = NpgsqlDbType.Bytea, ["uuid"] = NpgsqlDbType.Uuid,
    };

    readonly Dictionary<string, Column[]> _columns = [];

    public CopiedTables(NpgsqlConnection connection)
    {
        var all = new List<(string Table, Column Column)>();
        using var command = new NpgsqlCommand(Columns, connection);
        using NpgsqlDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            string type = row.GetString(2);
            all.Add((row.GetString(0), new Column(row.GetString(1), type, row.GetBoolean(3), row.GetBoolean(4) && row.GetInt32(5) == 1 && type.StartsWith("int", StringComparison.Ordinal))));
        }
        foreach (IGrouping<string, (string Table, Column Column)> table in all.GroupBy(column => column.Table))
        {
            _columns.Add(table.Key, [.. table.Select(column => column.Column)]);
        }
    }

    /// <summary>All, in the words of a copy.</summary>
    public IReadOnlyList<PlainTable> Plain =>
        [.. _columns.Where(table => !Own.Contains(table.Key)).Select(table => new PlainTable(
            table.Key, [.. table.Value.Select(column => column.Neutral)], table.Value.FirstOrDefault(column => column.IsPlace)?.Name))];

    /// <summary>The names that the columns of a table have here, in the copy's order; null when they are not the same ones.</summary>
    public Column[]? Of(PlainTable table)
    {
        Column[] here = _columns.GetValueOrDefault(table.Name) ?? [];
        Column[] found = [.. table.Columns.Select(name => Array.Find(here, column => column.Neutral == name)).OfType<Column>()];
        return found.Length == here.Length && found.Length == table.Columns.Count ? found : null;
    }

    /// <summary>A column.</summary>
    /// <param name="Name">Its name here.</param>
    /// <param name="TypeName">Its type.</param>
    /// <param name="NotNull">It takes no null.</param>
    /// <param name="IsPlace">It alone is the table's key, and a number.</param>
    public sealed record Column(string Name, string TypeName, bool NotNull, bool IsPlace)
    {
        /// <summary>Ids stand as a uuid here and as themselves elsewhere.</summary>
        public string Neutral => TypeName == "uuid" ? "uid" : Name;

        /// <summary>How Npgsql writes it.</summary>
        public NpgsqlDbType Type => Types[TypeName];

        /// <summary>What is stored for a value of the copy's.</summary>
        public object? Stored(object? value) => (TypeName, value) switch
        {
            ("bytea", null) when NotNull => Array.Empty<byte>(),
            (_, null) when NotNull && TypeName.StartsWith("int", StringComparison.Ordinal) => Stored(0L),
            (_, null) => null,
            ("int2", long number) => (short)number,
            ("int4", long number) => (int)number,
            ("bool", long number) => number != 0,
            ("float8", long number) => (double)number,
            ("uuid", string id) => Rows.Uuids.Of(id),
            ("text", string text) => Rows.NameTable.Clean(text),
            _ => value,
        };

        /// <summary>What a stored value is to the copy.</summary>
        public static object? Neutralized(object value) => value switch
        {
            DBNull => null,
            short number => (long)number,
            int number => (long)number,
            bool flag => flag ? 1L : 0L,
            Guid id => id.ToString(),
            _ => value,
        };
    }
}
