using Belfry.Storage.Moving;
using Npgsql;

namespace Belfry.Storage.Postgres.Schema;

/// <summary>Brings a database to the schema of this version: numbered scripts within PostgreSQL's schema <c>belfry</c>, never edited after they landed.</summary>
static class Migrations
{
    /// <summary>The number of the newest script.</summary>
    public static int Newest { get; } = SchemaScripts.Of("Postgres").Max(script => script.Number);

    /// <summary>The schema of a store; 0 where there is none, null where the schema is somebody else's.</summary>
    public static int? VersionOf(NpgsqlConnection connection)
    {
        if (Scalar(connection, "SELECT to_regclass('belfry.schema_version')::text") is not null)
        {
            return (int)(Scalar(connection, "SELECT coalesce(max(number), 0) FROM belfry.schema_version") ?? 0);
        }
        bool taken = Scalar(connection, "SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace('belfry') LIMIT 1") is not null;
        return taken ? null : 0;
    }

    /// <summary>Of which store it is a copy that is not whole yet; null when it is none.</summary>
    public static string? CopyOf(NpgsqlConnection connection) =>
        Scalar(connection, $"SELECT to_regclass('belfry.{CopyMark.Table}')::text") is null ? null : Scalar(connection, $"SELECT source FROM belfry.{CopyMark.Table} LIMIT 1") as string;

    /// <summary>A copy that is not whole yet is no log.</summary>
    public static void RefuseHalfCopy(NpgsqlConnection connection, StoreUrl url)
    {
        if (CopyOf(connection) is { } source)
        {
            throw HalfCopy.NotALog(url, source);
        }
    }

    /// <summary>Runs what is missing; of several processes that start together one does, and the others wait.</summary>
    /// <exception cref="StoreException">The store is newer than this program, or no log of Belfry's.</exception>
    public static void Run(NpgsqlConnection connection, StoreUrl url)
    {
        using NpgsqlTransaction transaction = connection.BeginTransaction();
        Execute(connection, $"SELECT pg_advisory_xact_lock({PostgresStore.LockSpace}, {PostgresStore.SchemaLock})");
        int version = VersionOf(connection) ?? throw new StoreException($"{url} has a schema 'belfry', but it is no log of Belfry's. Name another database.");
        if (version > Newest)
        {
            throw new StoreException($"{url} has schema {version}; this version of Belfry knows up to {Newest}. Use a newer Belfry.");
        }
        if (version == 0)
        {
            // Even with IF NOT EXISTS the right to create schemas is asked for; whoever has none may have been given this one.
            bool isThere = Scalar(connection, "SELECT to_regnamespace('belfry')::text") is not null;
            Execute(connection, (isThere ? "" : "CREATE SCHEMA belfry; ") + "CREATE TABLE belfry.schema_version(number int4 PRIMARY KEY)");
        }
        foreach ((int number, string text) in SchemaScripts.Of("Postgres").Where(script => script.Number > version))
        {
            Execute(connection, text);
            Execute(connection, $"INSERT INTO schema_version(number) VALUES({number})");
        }
        transaction.Commit();
    }

    static object? Scalar(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar() is { } value and not DBNull ? value : null;
    }

    /// <summary>A large log takes its time, and so does whoever was first.</summary>
    static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        command.ExecuteNonQuery();
    }
}
