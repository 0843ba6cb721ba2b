using Belfry.Storage.Postgres;
using Belfry.Storage.Sqlite;
using Belfry.Storage.Writing;

namespace Belfry.Storage;

/// <summary>Tables that a room of the server keeps in the store, beside the log and out of its way.</summary>
/// <remarks>
/// SQL is the part that both engines speak; parameters are <c>$1</c>, <c>$2</c> …; values are numbers, texts and null. Inside a
/// server the log opens them (<see cref="RunLog.TablesAsync"/>), a command in a process of its own opens them here.
/// </remarks>
public sealed class StoreTables : IDisposable
{
    readonly ITableEngine _engine;
    readonly bool _owned;

    StoreTables(ITableEngine engine, bool owned) => (_engine, _owned) = (engine, owned);

    /// <summary>Opens a store for reading and writing these tables, creating and migrating both where needed; a server may run beside.</summary>
    /// <exception cref="StoreException">It cannot be opened; the message says what to do.</exception>
    public static async Task<StoreTables> OpenAsync(StoreUrl url, TableScripts scripts, CancellationToken cancel)
    {
        ITableEngine engine = await Task.Run<ITableEngine>(
            () => url.Server is null ? new SqliteTables(Store.OpenForWriting(url, syncEveryCommit: true), lane: null) : new PostgresTables(PostgresStore.OpenForWriting(url)), cancel);
        return await MigratedAsync(engine, scripts, owned: true, cancel);
    }

    /// <summary>Opens a store that is there, only to read; null where it does not have these tables yet.</summary>
    /// <exception cref="StoreException">It is not there, cannot be opened, or has another schema.</exception>
    public static async Task<StoreTables?> OpenForReadingAsync(StoreUrl url, TableScripts scripts, CancellationToken cancel)
    {
        ITableEngine engine = await Task.Run<ITableEngine>(
            () => url.Server is null ? new SqliteTables(Store.OpenForReading(url), lane: null) : new PostgresTables(PostgresStore.OpenForReading(url)), cancel);
        try
        {
            int version = await engine.ReadAsync(session => TableMigrations.VersionOf(session, scripts, engine.AskForTable), cancel);
            scripts.Check(version, url);
            return version == scripts.Newest ? new StoreTables(engine, owned: true) : Left(engine);
        }
        catch
        {
            engine.Dispose();
            throw;
        }
    }

    internal static async Task<StoreTables> MigratedAsync(ITableEngine engine, TableScripts scripts, bool owned, CancellationToken cancel)
    {
        try
        {
            await engine.WriteAsync(session => TableMigrations.Run(session, scripts, engine), cancel);
            return new StoreTables(engine, owned);
        }
        catch when (owned)
        {
            engine.Dispose();
            throw;
        }
    }

    /// <summary>Reads in one consistent snapshot.</summary>
    /// <exception cref="StoreException">The store cannot be read.</exception>
    public Task<T> ReadAsync<T>(Func<ITableSession, T> read, CancellationToken cancel) => _engine.ReadAsync(read, cancel);

    /// <summary>
    /// Changes rows as one transaction, and reads what that needs. Keep it short: on SQLite the log waits meanwhile. It may be called again when another
    /// process was in the way.
    /// </summary>
    /// <exception cref="StoreException">The store cannot be written; nothing is changed.</exception>
    public Task<T> WriteAsync<T>(Func<ITableSession, T> write, CancellationToken cancel) => _engine.WriteAsync(write, cancel);

    /// <summary>Closes what <see cref="OpenAsync"/> opened.</summary>
    public void Dispose()
    {
        if (_owned)
        {
            _engine.Dispose();
        }
    }

    static StoreTables? Left(ITableEngine engine)
    {
        engine.Dispose();
        return null;
    }
}

/// <summary>A transaction on the tables of a room.</summary>
public interface ITableSession
{
    /// <summary>Runs a statement.</summary>
    /// <returns>How many rows it changed.</returns>
    int Run(string sql, params object?[] values);

    /// <summary>Reads rows.</summary>
    IReadOnlyList<T> Read<T>(string sql, Func<ITableRow, T> row, params object?[] values);
}

/// <summary>A row that was read; columns count from 0.</summary>
public interface ITableRow
{
    /// <summary>A whole number.</summary>
    long Number(int column);

    /// <summary>A whole number, or null.</summary>
    long? NumberOrNull(int column);

    /// <summary>A number.</summary>
    double Real(int column);

    /// <summary>A number, or null.</summary>
    double? RealOrNull(int column);

    /// <summary>A text.</summary>
    string Text(int column);

    /// <summary>A text, or null.</summary>
    string? TextOrNull(int column);
}

/// <summary>An engine under the tables of rooms.</summary>
interface ITableEngine : IDisposable
{
    StoreUrl Url { get; }

    /// <summary>The statement that has a row when the table <c>$1</c> is there.</summary>
    string AskForTable { get; }

    Task<T> ReadAsync<T>(Func<ITableSession, T> read, CancellationToken cancel);

    Task<T> WriteAsync<T>(Func<ITableSession, T> write, CancellationToken cancel);

    /// <summary>Runs a script of several statements within a transaction.</summary>
    void Execute(ITableSession session, string script);
}
