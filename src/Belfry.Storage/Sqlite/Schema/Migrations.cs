namespace Belfry.Storage.Sqlite.Schema;

/// <summary>Brings a store to the schema of this version: numbered scripts, each in a transaction, never edited after they landed.</summary>
static class Migrations
{
    /// <summary>The number of the newest script.</summary>
    public static int Newest { get; } = SchemaScripts.Of("Sqlite").Max(script => script.Number);

    /// <summary>The schema of a store; 0 for an empty file.</summary>
    public static int VersionOf(Database database) => (int)database.Number("PRAGMA user_version");

    /// <summary>Runs what is missing.</summary>
    /// <exception cref="StoreException">The store is newer than this program, or no log of Belfry's.</exception>
    public static void Run(Database database, string store)
    {
        int version = VersionOf(database);
        if (version > Newest)
        {
            throw new StoreException($"{store} has schema {version}; this version of Belfry knows up to {Newest}. Use a newer Belfry.");
        }
        if (version == 0 && database.Number("SELECT count(*) FROM sqlite_master") > 0)
        {
            throw new StoreException($"{store} is a database, but no log of Belfry's. Name another file.");
        }
        foreach ((int number, string text) in SchemaScripts.Of("Sqlite").Where(script => script.Number > version))
        {
            database.Execute($"BEGIN IMMEDIATE; {text}; PRAGMA user_version = {number}; COMMIT");
        }
    }
}
