using Npgsql;

namespace Belfry.Storage.Postgres;

/// <summary>Tables of rooms on PostgreSQL, on connections of their own.</summary>
sealed class PostgresTables(PostgresStore store) : ITableEngine
{
    const int MostTries = 5;

    public StoreUrl Url => store.Url;

    public string AskForTable => "SELECT 1::int8 FROM pg_class WHERE relnamespace = to_regnamespace('belfry') AND relname = $1";

    public Task<T> ReadAsync<T>(Func<ITableSession, T> read, CancellationToken cancel) => Task.Run(
        () => Guarded("read", () => InTransaction(System.Data.IsolationLevel.RepeatableRead, read)), cancel);

    public Task<T> WriteAsync<T>(Func<ITableSession, T> write, CancellationToken cancel) => Task.Run(
        () => Guarded("written", () =>
        {
            for (int tries = 1; ; tries++)
            {
                try
                {
                    return InTransaction(System.Data.IsolationLevel.ReadCommitted, write);
                }
                catch (PostgresException raced) when (PostgresWriter.IsRace(raced) && tries < MostTries)
                {
                    // another process was in the way: once more with fresh eyes
                }
            }
        }),
        cancel);

    // Of several processes that start together one makes the tables, and the others wait.
    public void Execute(ITableSession session, string script) => session.Run($"SELECT pg_advisory_xact_lock({PostgresStore.LockSpace}, {PostgresStore.SchemaLock}); {script}");

    public void Dispose() => store.Dispose();

    T Guarded<T>(string what, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (NpgsqlException refused)
        {
            throw new StoreException($"{store.Url} cannot be {what}: {PostgresStore.ProblemOf(refused)}", refused);
        }
    }

    T InTransaction<T>(System.Data.IsolationLevel isolation, Func<ITableSession, T> work)
    {
        using NpgsqlConnection connection = store.Connect();
        using NpgsqlTransaction transaction = connection.BeginTransaction(isolation);
        T result = work(new Session(connection));
        transaction.Commit();
        return result;
    }

    sealed class Session(NpgsqlConnection connection) : ITableSession
    {
        public int Run(string sql, params object?[] values)
        {
            using NpgsqlCommand command = Command(sql, values);
            return command.ExecuteNonQuery();
        }

        public IReadOnlyList<T> Read<T>(string sql, Func<ITableRow, T> row, params object?[] values)
        {
            using NpgsqlCommand command = Command(sql, values);
            using NpgsqlDataReader reader = command.ExecuteReader();
            var rows = new List<T>();
            var current = new Row(reader);
            while (reader.Read())
            {
                rows.Add(row(current));
            }
            return rows;
        }

        NpgsqlCommand Command(string sql, object?[] values)
        {
            var command = new NpgsqlCommand(sql, connection);
            foreach (object? value in values)
            {
                command.Parameters.Add(new NpgsqlParameter { Value = value switch { null => DBNull.Value, int number => (long)number, string text => Rows.NameTable.Clean(text), _ => value } });
            }
            return command;
        }
    }

    sealed class Row(NpgsqlDataReader reader) : ITableRow
    {
        public long Number(int column) => reader.GetInt64(column);

        public long? NumberOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);

        public double Real(int column) => reader.GetDouble(column);

        public double? RealOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetDouble(column);

        public string Text(int column) => reader.GetString(column);

        public string? TextOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
    }
}
