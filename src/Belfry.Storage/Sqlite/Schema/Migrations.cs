using Belfry.Storage.Moving;

namespace Belfry.Storage.Sqlite.Schema;

/// <summary>Brings a store to the schema of this version: numbered scripts, all that are missing in one transaction, never edited after they landed.</summary>
static class Migrations
{
    /// <summary>The number of the newest script.</summary>
    public static int Newest { get; } = SchemaScripts.Of("Sqlite").Max(script => script.Number);

    /// <summary>The schema of a store; 0 for an empty file.</summary>
    public static int VersionOf(Database database) => (int)database.Number("PRAGMA user_version");

    /// <summary>Of which store it is a copy that is not whole yet; null when it is none.</summary>
    public static string? CopyOf(Database database)
    {
        if (database.Number($"SELECT EXISTS(SELECT 1 FROM sqlite_master WHERE name = '{CopyMark.Table}')") == 0)
        {
            return null;
        }
        using Statement read = database.PrepareOnce($"SELECT source FROM {CopyMark.Table}");
        return read.Step() ? read.Text(0) : null;
    }

    /// <summary>A copy that is not whole yet is no log.</summary>
    public static void RefuseHalfCopy(Database database, StoreUrl url)
    {
        if (CopyOf(database) is { } source)
        {
            throw HalfCopy.NotALog(url, source);
        }
    }

    /// <summary>Somebody else's database stays as it is, journal and all. Tables first: who makes a new log at this moment commits them together with its version.</summary>
    public static void RefuseForeign(Database database, string store)
    {
        if (database.Number("SELECT count(*) FROM sqlite_master") > 0 && VersionOf(database) == 0)
        {
            throw new StoreException($"{store} is a database, but no log of Belfry's. Name another file.");
        }
    }

    /// <summary>Runs what is missing; of several processes that start together one does, and the others wait.</summary>
    /// <exception cref="StoreException">The store is newer than this program, or no log of Belfry's.</exception>
    public static void Run(Database database, string store)
    {
        if (VersionOf(database) == Newest)
        {
            return;
        }
        database.Execute("BEGIN IMMEDIATE");
        int version = VersionOf(database);
        if (version > Newest)
        {
            throw new StoreException($"{store} has schema {version}; this version of Belfry knows up to {Newest}. Use a newer Belfry.");
        }
        RefuseForeign(database, store);
        foreach ((int number, string text) in SchemaScripts.Of("Sqlite").Where(script => script.Number > version))
        {
            database.Execute($"{text}; PRAGMA user_version = {number}");
        }
        database.Execute("COMMIT");
    }
}
