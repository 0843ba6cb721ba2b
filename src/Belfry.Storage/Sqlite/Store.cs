using System.Collections.Concurrent;
using Belfry.Storage.Sqlite.Schema;
using Belfry.Storage.Sqlite.Writing;

namespace Belfry.Storage.Sqlite;

/// <summary>
/// The file and its connections: one for the writer, others for readers. A store in memory has a single connection, which all
/// share in turn.
/// </summary>
sealed class Store : IDisposable
{
    readonly ConcurrentBag<Database> _idle = []; // readers at rest; as many as ever read at one time
    readonly SemaphoreSlim _turn = new(1);        // in memory: whose turn it is

    readonly ServerClaim? _claim;

    Store(StoreUrl url, Database? writer, ServerClaim? claim = null) => (Url, Writer, _claim) = (url, writer, claim);

    public StoreUrl Url { get; }

    /// <summary>The writer's connection; null when the store was opened for reading only.</summary>
    public Database? Writer { get; }

    /// <summary>What the writer knows of ids; null in a process that does not write.</summary>
    public SeenIds? Seen { get => Volatile.Read(ref field); set => Volatile.Write(ref field, value); }

    bool InMemory => Url.Path is null;

    /// <summary>Opens a store for writing, creating and migrating it where needed.</summary>
    /// <param name="url">Where it is.</param>
    /// <param name="syncEveryCommit">Wait for the disk at every commit.</param>
    /// <param name="serves">The clock of a server, which must be the only one; null for others.</param>
    /// <exception cref="StoreException">It cannot be opened.</exception>
    public static Store OpenForWriting(StoreUrl url, bool syncEveryCommit, TimeProvider? serves = null) => Guarded(url, () =>
    {
        RefuseCsv(url);
        MakeFolder(url);
        ServerClaim? claim = null;
        Database writer = Database.Open(url.Path, create: true);
        try
        {
            RefuseReadOnly(writer, url);
            Migrations.RefuseForeign(writer, url.Text);
            claim = serves is null ? null : ServerClaim.Take(url, serves);
            Prepare(writer, syncEveryCommit);
            Migrations.Run(writer, url.Text);
            Migrations.RefuseHalfCopy(writer, url);
            return new Store(url, writer, claim);
        }
        catch
        {
            writer.Dispose();
            claim?.Dispose();
            throw;
        }
    });

    /// <summary>A store that has only a connection which is open already; it is the caller's to close.</summary>
    public static Store Around(StoreUrl url, Database writer) => new(url, writer);

    /// <summary>Opens a store that is there for reading, beside a server that writes it.</summary>
    /// <exception cref="StoreException">It is not there, cannot be opened, or has another schema.</exception>
    public static Store OpenForReading(StoreUrl url) => Guarded(url, () =>
    {
        RefuseCsv(url);
        if (url.Path is null || !File.Exists(url.Path))
        {
            throw new StoreException($"{url} is not there.") { IsMissing = true };
        }
        var store = new Store(url, null);
        Database reader = store.Connect();
        store._idle.Add(reader);
        try
        {
            int version = Migrations.VersionOf(reader);
            if (version != Migrations.Newest)
            {
                throw new StoreException(version == 0
                    ? $"{url} is no log of Belfry's."
                    : $"{url} has schema {version}, this version of Belfry needs {Migrations.Newest}. Start the server once to bring it up to date, or use a newer Belfry.");
            }
            Migrations.RefuseHalfCopy(reader, url);
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    });

    static void RefuseCsv(StoreUrl url)
    {
        if (url.Folder is not null)
        {
            throw new StoreException($"{url} is a log of CSV, which an application keeps by UseCsv: the command only reads the runs in it.");
        }
    }

    /// <summary>SQLite opens what it cannot write, and would say so only at the first write.</summary>
    static void RefuseReadOnly(Database writer, StoreUrl url)
    {
        if (writer.IsReadOnly)
        {
            throw new StoreException($"{url} cannot be opened: {new SqliteException(Native.ReadOnly, "").Problem}");
        }
    }

    /// <summary>Makes the folder that a file is to lie in.</summary>
    public static void MakeFolder(StoreUrl url)
    {
        if (url.Path is not null && Path.GetDirectoryName(Path.GetFullPath(url.Path)) is { } folder)
        {
            Directory.CreateDirectory(folder);
        }
    }

    /// <summary>Makes a connection the one that writes.</summary>
    public static void Prepare(Database writer, bool syncEveryCommit)
    {
        KeepWriteAheadLog(writer);
        // The log does its checkpoints itself (Checkpoints); whoever else writes has them as seldom. Some builds (Debian's) zero and write each page
        // that becomes free; open runs free as many as they take, so here only what costs no page more is zeroed.
        writer.Execute($"""
            PRAGMA synchronous = {(syncEveryCommit ? "FULL" : "NORMAL")};
            PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = FAST
            """);
    }

    /// <summary>Of several processes that open a new file at once one turns it; the others SQLite refuses at once, however long they would wait.</summary>
    static void KeepWriteAheadLog(Database writer)
    {
        long began = Environment.TickCount64;
        while (true)
        {
            try
            {
                writer.Execute("PRAGMA journal_mode = WAL");
                return;
            }
            catch (SqliteException busy) when (busy.Code == Native.Busy && Environment.TickCount64 - began < Database.Patience)
            {
                Thread.Sleep(10);
            }
        }
    }

    /// <summary>Reads in one consistent snapshot.</summary>
    public Task<T> ReadAsync<T>(Func<Database, T> read, CancellationToken cancel) => Task.Run(
        () =>
        {
            if (InMemory)
            {
                return ReadInTurn(read, cancel);
            }
            Database reader = _idle.TryTake(out Database? idle) ? idle : Connect();
            try
            {
                T result = Read(reader, read, cancel);
                _idle.Add(reader);
                return result;
            }
            catch
            {
                reader.Dispose();
                throw;
            }
        },
        cancel);

    /// <summary>Runs a write while nobody reads a store in memory.</summary>
    public T Write<T>(Func<Database, T> write)
    {
        if (!InMemory)
        {
            return write(Writer!);
        }
        _turn.Wait();
        try
        {
            return write(Writer!);
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose()
    {
        while (_idle.TryTake(out Database? reader))
        {
            reader.Dispose();
        }
        Writer?.Dispose();
        _claim?.Dispose();
        _turn.Dispose();
    }

    T ReadInTurn<T>(Func<Database, T> read, CancellationToken cancel)
    {
        _turn.Wait(cancel);
        try
        {
            return Read(Writer!, read, cancel);
        }
        finally
        {
            _turn.Release();
        }
    }

    T Read<T>(Database reader, Func<Database, T> read, CancellationToken cancel)
    {
        using CancellationTokenRegistration stop = cancel.Register(reader.Interrupt);
        try
        {
            reader.Execute("BEGIN");
            try
            {
                return read(reader);
            }
            finally
            {
                // Nothing was written; after damage was met SQLite would refuse to commit even that.
                reader.Execute("ROLLBACK");
            }
        }
        catch (SqliteException refused)
        {
            cancel.ThrowIfCancellationRequested();
            throw new StoreException($"{Url} cannot be read: {refused.Problem}", refused);
        }
    }

    Database Connect()
    {
        Database reader = Database.Open(Url.Path, create: false);
        reader.Execute("PRAGMA query_only = 1; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY");
        return reader;
    }

    static Store Guarded(StoreUrl url, Func<Store> open)
    {
        try
        {
            return open();
        }
        catch (Exception refused) when (refused is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"{url} cannot be opened: {(refused is SqliteException said ? said.Problem : refused.Message)}", refused);
        }
    }
}
