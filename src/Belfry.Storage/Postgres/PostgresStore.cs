using System.Collections.Concurrent;
using Belfry.Storage.Payloads;
using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Postgres.Schema;
using Npgsql;

namespace Belfry.Storage.Postgres;

/// <summary>The server and its connections, and what all that use it share: names and dictionaries.</summary>
sealed class PostgresStore : IDisposable
{
    /// <summary>Our space among the advisory locks of the database.</summary>
    public const int LockSpace = 0x0BE1F47;

    /// <summary>Who changes the schema, makes partitions, changes figures, or drops partitions holds these.</summary>
    public const int SchemaLock = 1, PartitionLock = 2, FiguresLock = 3, DropLock = 4;

    /// <summary>The space of locks on queues with a limit; the key of each is made of its name.</summary>
    public const int QueueLocks = LockSpace + 1;

    /// <summary>Who works on the index of texts holds this.</summary>
    public const int TextLock = 8;

    /// <summary>Who copies a log into this store holds this.</summary>
    public const int CopyLock = 9;

    const int OldestVersion = 15;

    readonly NpgsqlDataSource _connections;
    readonly Dictionaries _dictionaries = new();
    readonly ConcurrentBag<RowContext> _idle = []; // as many as ever read at one time

    PostgresStore(StoreUrl url, NpgsqlDataSource connections, bool writes)
    {
        (Url, _connections, Writes) = (url, connections, writes);
        Names = new NameTable(this);
    }

    public StoreUrl Url { get; }

    /// <summary>It was opened by a log that writes it.</summary>
    public bool Writes { get; }

    public NameTable Names { get; }

    /// <summary>Opens a store for writing, creating and migrating it where needed.</summary>
    /// <exception cref="StoreException">It cannot be opened.</exception>
    public static PostgresStore OpenForWriting(StoreUrl url) => Open(url, writes: true, connection =>
    {
        Migrations.Run(connection, url);
        Migrations.RefuseHalfCopy(connection, url);
    });

    /// <summary>Opens a store that becomes the copy of another; it may be one that is not whole yet.</summary>
    /// <exception cref="StoreException">It cannot be opened.</exception>
    public static PostgresStore OpenForCopying(StoreUrl url) => Open(url, writes: true, connection => Migrations.Run(connection, url));

    /// <summary>Opens a store that is there for reading, beside a server that writes it.</summary>
    /// <exception cref="StoreException">It is not there, cannot be opened, or has another schema.</exception>
    public static PostgresStore OpenForReading(StoreUrl url) => Open(url, writes: false, connection =>
    {
        int? version = Migrations.VersionOf(connection);
        if (version != Migrations.Newest)
        {
            throw new StoreException(version is null or 0
                ? $"{url} has no log of Belfry's."
                : $"{url} has schema {version}, this version of Belfry needs {Migrations.Newest}. Start the server once to bring it up to date, or use a newer Belfry.");
        }
        Migrations.RefuseHalfCopy(connection, url);
    });

    /// <summary>Brings a store that is there to the schema of this version.</summary>
    /// <exception cref="StoreException">It cannot be opened, is no log, or of a newer version.</exception>
    public static SchemaChange BringUpToDate(StoreUrl url)
    {
        int before = 0;
        using PostgresStore store = Open(url, writes: false, connection =>
        {
            before = Migrations.VersionOf(connection) is { } version and > 0 ? version : throw new StoreException($"{url} has no log of Belfry's.");
            Migrations.Run(connection, url);
        });
        return new SchemaChange(before, Migrations.Newest);
    }

    /// <summary>A connection; dispose it.</summary>
    public NpgsqlConnection Connect() => _connections.OpenConnection();

    /// <summary>A connection; dispose it.</summary>
    public ValueTask<NpgsqlConnection> ConnectAsync(CancellationToken cancel) => _connections.OpenConnectionAsync(cancel);

    /// <summary>Runs one statement by itself, whatever transaction the writer has open.</summary>
    public T Apart<T>(string sql, Func<NpgsqlCommand, T> run)
    {
        using NpgsqlConnection connection = Connect();
        using var command = new NpgsqlCommand(sql, connection);
        return run(command);
    }

    /// <summary>Reads in one consistent snapshot.</summary>
    public async Task<T> ReadAsync<T>(Func<Question, Task<T>> read, CancellationToken cancel)
    {
        RowContext context = _idle.TryTake(out RowContext? idle) ? idle : new RowContext(Names, new PayloadUnpacker(_dictionaries, new DictionaryTable(this)));
        try
        {
            await using NpgsqlConnection connection = await _connections.OpenConnectionAsync(cancel);
            await using NpgsqlTransaction snapshot = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancel);
            T answer = await read(new Question(connection, context, Names, cancel));
            await snapshot.CommitAsync(cancel);
            return answer;
        }
        catch (NpgsqlException refused)
        {
            cancel.ThrowIfCancellationRequested();
            throw new StoreException($"{Url} cannot be read: {ProblemOf(refused)}", refused);
        }
        finally
        {
            _idle.Add(context);
        }
    }

    /// <summary>What a server said, or why it said nothing, in words for an operator.</summary>
    public static string ProblemOf(NpgsqlException refused) => refused switch
    {
        PostgresException { SqlState: PostgresErrorCodes.DiskFull } => "the disk is full",
        PostgresException said => said.MessageText,
        { InnerException: { } inner } => inner.Message,
        _ => refused.Message,
    };

    public void Dispose()
    {
        while (_idle.TryTake(out RowContext? context))
        {
            context.Dispose();
        }
        _connections.Dispose();
    }

    static PostgresStore Open(StoreUrl url, bool writes, Action<NpgsqlConnection> prepare)
    {
        var connections = NpgsqlDataSource.Create(url.Server!);
        try
        {
            using (NpgsqlConnection connection = connections.OpenConnection())
            {
                if (connection.PostgreSqlVersion.Major < OldestVersion)
                {
                    throw new StoreException($"{url} is PostgreSQL {connection.PostgreSqlVersion}; Belfry needs {OldestVersion} or newer.");
                }
                prepare(connection);
            }
            var store = new PostgresStore(url, connections, writes);
            store.Names.LearnAll();
            return store;
        }
        catch (Exception refused)
        {
            connections.Dispose();
            throw refused is NpgsqlException said ? new StoreException($"{url} cannot be opened: {ProblemOf(said)}", said) : refused;
        }
    }
}

/// <summary>A connection on which a snapshot is open, and what reading it needs.</summary>
sealed record Question(NpgsqlConnection Connection, RowContext Context, NameTable Names, CancellationToken Cancel)
{
    /// <summary>Gives each row of an answer to a reader.</summary>
    public async Task EachAsync(string sql, object[] parameters, Action<NpgsqlDataReader> row)
    {
        await using var command = new NpgsqlCommand(sql, Connection);
        foreach (object value in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(Cancel);
        while (await reader.ReadAsync(Cancel))
        {
            row(reader);
        }
    }

    /// <summary>Adds the runs of an answer whose columns are those of a run.</summary>
    public Task RunsAsync(List<TaskRun> runs, string sql, params object[] parameters) =>
        EachAsync(sql, parameters, row => runs.Add(RunColumns.Read(row, Context)));

    /// <summary>A single number; 0 where there is none.</summary>
    public async Task<long> NumberAsync(string sql)
    {
        long number = 0;
        await EachAsync(sql, [], row => number = row.IsDBNull(0) ? 0 : Convert.ToInt64(row.GetValue(0), System.Globalization.CultureInfo.InvariantCulture));
        return number;
    }
}
