using Belfry.Storage.Moving;
using Belfry.Storage.Postgres;
using Belfry.Storage.Postgres.Moving;
using Belfry.Storage.Sqlite;
using Belfry.Storage.Sqlite.Keeping;
using Belfry.Storage.Sqlite.Moving;
using Belfry.Storage.Sqlite.Schema;
using Npgsql;

namespace Belfry.Storage;

/// <summary>What an operator does to a store: bring its schema up to date, back it up, make its figures anew. A server may use it meanwhile.</summary>
public static class StoreUpkeep
{
    /// <summary>Brings a store that is there to the schema of this version.</summary>
    /// <exception cref="StoreException">It is not there, no log of Belfry's, or of a newer version.</exception>
    public static Task<SchemaChange> MigrateAsync(StoreUrl url, CancellationToken cancel) => url.Server is not null
        ? Task.Run(() => PostgresStore.BringUpToDate(url), cancel)
        : OnFileAsync(url, database =>
        {
            int before = Migrations.VersionOf(database);
            Migrations.Run(database, url.Text);
            return new SchemaChange(before, Migrations.VersionOf(database));
        }, cancel);

    /// <summary>Writes a copy of a store as it is at one moment, looks through it, and only then gives it its name.</summary>
    /// <param name="url">The store; it may be written meanwhile.</param>
    /// <param name="file">The file to make; one that is there is never overwritten.</param>
    /// <param name="progress">Told the share that is done, 0 to 1.</param>
    /// <param name="cancel">Stops it and leaves nothing behind.</param>
    /// <exception cref="StoreException">The store cannot be read, the file is there, or the copy is not what was copied.</exception>
    public static Task<StoreBackup> BackUpAsync(StoreUrl url, string file, IProgress<double>? progress, CancellationToken cancel) => url.Server is not null
        ? throw new StoreException($"{url} is backed up by 'pg_dump --schema belfry'; 'belfry migrate --to sqlite://{file}' makes a SQLite log of it.")
        : OnFileAsync(url, database => Backup.Write(database, file, progress, cancel), cancel);

    /// <summary>Makes the figures of the hours anew whose runs are all still there; a server that writes the store waits meanwhile.</summary>
    public static Task<RollupRepair> RepairRollupsAsync(StoreUrl url, CancellationToken cancel) =>
        RebuildAsync(url, mend: true, cancel);

    /// <summary>Tells what <see cref="RepairRollupsAsync"/> would mend, and changes nothing: figures are those of the rows when it is nothing.</summary>
    public static Task<RollupRepair> CheckRollupsAsync(StoreUrl url, CancellationToken cancel) =>
        RebuildAsync(url, mend: false, cancel);

    /// <summary>
    /// Copies a log as it is at one moment into another store, whatever engines the two have, and compares both. What another try copied
    /// of it already stays: it goes on there.
    /// </summary>
    /// <param name="from">The log. One that a server writes is refused; what others write into it meanwhile is not copied.</param>
    /// <param name="to">A store that is new, or the half-done copy of this log; until the copy is whole nobody can open it as a log.</param>
    /// <param name="rooms">The rooms that keep tables in these stores.</param>
    /// <param name="clock">The time.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancel">Stops it; the next try goes on.</param>
    /// <exception cref="StoreException">One of them cannot be opened, read or written.</exception>
    /// <exception cref="CopyRefusedException">The target holds something else, or the copy is not what was to be copied.</exception>
    public static Task<StoreCopy> CopyAsync(StoreUrl from, StoreUrl to, IReadOnlyList<TableScripts> rooms, TimeProvider clock, IProgress<CopyProgress>? progress, CancellationToken cancel) => Task.Run(
        () =>
        {
            if (from.Text == "memory:" || to.Text == "memory:" || from.Place == to.Place)
            {
                throw new CopyRefusedException(from.Place == to.Place ? $"{from} cannot be copied into itself." : "A log in memory is copied neither from nor to.");
            }
            if (to.Folder is not null)
            {
                throw new CopyRefusedException($"{to} is a log of CSV, which an application writes: nothing is copied into one. Name a sqlite:// or postgresql:// store.");
            }
            try
            {
                using ServerClaim? alone = File.Exists(from.Path) ? ServerClaim.Take(from, clock) : null;
                using ILogReader source = from.Server is null ? SqliteSource(from) : PostgresSource(from);
                using ILogTarget target = to.Server is null ? SqliteTarget.Open(to, from.Text) : PostgresTarget.Open(to, from.Text);
                return new StoreCopy(new LogCopy(source, target, rooms, progress, cancel).Run());
            }
            catch (Exception refused) when (refused is SqliteException or NpgsqlException or IOException or UnauthorizedAccessException)
            {
                string problem = refused switch { NpgsqlException said => PostgresStore.ProblemOf(said), SqliteException said => said.Problem, _ => refused.Message };
                throw new StoreException($"{from} cannot be copied to {to}: {problem}. What is copied stays; the next try goes on.", refused);
            }
        },
        cancel);

    /// <summary>What a server writes while its log is copied would be missing in the copy.</summary>
    static PostgresReader PostgresSource(StoreUrl url)
    {
        PostgresStore store = PostgresStore.OpenForReading(url);
        try
        {
            return LeaseTable.AnyHolder(store) is not { } host
                ? new PostgresReader(store, owned: true)
                : throw new StoreException($"{url} is in use by a server ({host}). Stop it, then copy; one that was killed is known as gone some seconds later.");
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    static SqliteReader SqliteSource(StoreUrl url)
    {
        using (Store.OpenForReading(url)) // it is there, and of this version
        {
        }
        return new SqliteReader(Database.Open(url.Path, create: false), owned: true);
    }

    static Task<RollupRepair> RebuildAsync(StoreUrl url, bool mend, CancellationToken cancel) => url.Server is null
        ? OnFileAsync(url, database => Sqlite.Keeping.RollupRebuild.Run(database, mend, cancel), cancel)
        : OnServerAsync(url, store => Postgres.Keeping.RollupRebuild.Run(store, mend, cancel), cancel);

    static Task<T> OnServerAsync<T>(StoreUrl url, Func<PostgresStore, T> work, CancellationToken cancel) => Task.Run(
        () =>
        {
            using PostgresStore store = PostgresStore.OpenForReading(url);
            try
            {
                return work(store);
            }
            catch (NpgsqlException refused)
            {
                throw new StoreException($"{url}: {PostgresStore.ProblemOf(refused)}", refused);
            }
        },
        cancel);

    static Task<T> OnFileAsync<T>(StoreUrl url, Func<Database, T> work, CancellationToken cancel) => Task.Run(
        () =>
        {
            if (url.Path is null || !File.Exists(url.Path))
            {
                throw new StoreException(url.Path is null ? $"{url} is no file: this works on sqlite://PATH" : $"{url} is not there.");
            }
            try
            {
                using Database database = Database.Open(url.Path, create: false);
                if (Migrations.VersionOf(database) == 0)
                {
                    throw new StoreException($"{url} is no log of Belfry's.");
                }
                Migrations.RefuseHalfCopy(database, url);
                return work(database);
            }
            catch (SqliteException refused)
            {
                throw new StoreException($"{url}: {refused.Problem}", refused);
            }
        },
        cancel);
}

/// <summary>A log that was copied into another store.</summary>
/// <param name="Tables">Its tables, compared with those it was copied from.</param>
public sealed record StoreCopy(IReadOnlyList<CopiedTable> Tables);

/// <summary>What became of a schema.</summary>
/// <param name="From">Its version before.</param>
/// <param name="To">Its version now.</param>
public sealed record SchemaChange(int From, int To);

/// <summary>A copy of a store.</summary>
/// <param name="File">Where it is.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="EndedRuns">Ended runs in it, as many as in the store at that moment.</param>
/// <param name="OpenRuns">Open runs in it.</param>
public sealed record StoreBackup(string File, long Bytes, long EndedRuns, long OpenRuns);

/// <summary>What became of the figures.</summary>
/// <param name="Hours">Hours that were made anew.</param>
/// <param name="Mended">Cells that were wrong or missing.</param>
/// <param name="LeftAlone">Hours of which runs are deleted already, so their figures stay as they are; oldest first.</param>
public sealed record RollupRepair(long Hours, long Mended, IReadOnlyList<Instant> LeftAlone);
