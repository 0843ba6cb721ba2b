using Belfry.Storage.Writing;

namespace Belfry.Storage.Sqlite;

/// <summary>Tables of rooms on SQLite.</summary>
/// <param name="store">The file.</param>
/// <param name="lane">
/// Where the log's own thread writes, between two groups: a write on another connection would make it forget all that it remembers of
/// the file. Null in a process without a log.
/// </param>
sealed class SqliteTables(Store store, Chores? lane) : ITableEngine
{
    public StoreUrl Url => store.Url;

    public string AskForTable => "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1";

    public Task<T> ReadAsync<T>(Func<ITableSession, T> read, CancellationToken cancel) => store.ReadAsync(database => read(new Session(database)), cancel);

    public Task<T> WriteAsync<T>(Func<ITableSession, T> write, CancellationToken cancel)
    {
        Task<T> written = lane is null ? Task.Run(Change, cancel) : lane.DoAsync(Change, cancel);
        // The log may hang in a write of its own, on a full disk for long: whoever waits here need not.
        return written.WaitAsync(cancel);

        T Change() => store.Write(database => InTransaction(database, write));
    }

    public void Execute(ITableSession session, string script) => ((Session)session).Database.Execute(script);

    public void Dispose() => store.Dispose();

    T InTransaction<T>(Database database, Func<ITableSession, T> write)
    {
        try
        {
            database.Execute("BEGIN IMMEDIATE");
            T result = write(new Session(database));
            database.Execute("COMMIT");
            return result;
        }
        catch (Exception refused)
        {
            RollBack(database);
            throw refused is SqliteException said ? new StoreException($"{store.Url} cannot be written: {said.Problem}", said) : refused;
        }
    }

    static void RollBack(Database database)
    {
        try
        {
            database.Execute("ROLLBACK");
        }
        catch (SqliteException)
        {
            // SQLite has rolled back already, or never began
        }
    }

    sealed class Session(Database database) : ITableSession
    {
        public Database Database => database;

        public int Run(string sql, params object?[] values)
        {
            Prepare(sql, values).Run();
            return database.Changes;
        }

        public IReadOnlyList<T> Read<T>(string sql, Func<ITableRow, T> row, params object?[] values)
        {
            Statement statement = Prepare(sql, values);
            var rows = new List<T>();
            var current = new Row(statement);
            while (statement.Step())
            {
                rows.Add(row(current));
            }
            statement.Reset();
            return rows;
        }

        // SQLite would number $1 by where it first stands; ?1 is the first value wherever it stands.
        Statement Prepare(string sql, object?[] values)
        {
            Statement statement = database.Prepare(sql.Replace('$', '?'));
            for (int i = 0; i < values.Length; i++)
            {
                _ = values[i] switch
                {
                    null => statement.BindNull(i + 1),
                    long number => statement.Bind(i + 1, number),
                    int number => statement.Bind(i + 1, (long)number),
                    double number => statement.Bind(i + 1, number),
                    string text => statement.Bind(i + 1, text),
                    { } other => throw new ArgumentException($"a {other.GetType()} cannot be stored", nameof(values)),
                };
            }
            return statement;
        }
    }

    sealed class Row(Statement statement) : ITableRow
    {
        public long Number(int column) => statement.Int64(column);

        public long? NumberOrNull(int column) => statement.Int64OrNull(column);

        public double Real(int column) => statement.Double(column);

        public double? RealOrNull(int column) => statement.IsNull(column) ? null : statement.Double(column);

        public string Text(int column) => statement.Text(column) ?? "";

        public string? TextOrNull(int column) => statement.Text(column);
    }
}
