using Belfry.Storage.Tests;
using Belfry.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

namespace Belfry.Storage.Tests;

/// <summary>One PostgreSQL for all tests of a run, started when the first asks for it.</summary>
public sealed class PostgresFixture : IAsyncDisposable
{
    static int _databases;
    readonly Lazy<Task<PostgresServer>> _server = new(PostgresServer.StartAsync);

    /// <summary>An empty store in a database of its own.</summary>
    public async Task<LogStore> NewStoreAsync() => await NewDatabaseAsync(await _server.Value);

    /// <summary>An empty store on a server of the test's own.</summary>
    public static async Task<PostgresDatabase> NewDatabaseAsync(PostgresServer server)
    {
        string name = $"log{Interlocked.Increment(ref _databases)}";
        await server.SqlAsync("postgres", $"CREATE DATABASE {name}");
        return new PostgresDatabase(server, name);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server.IsValueCreated)
        {
            await (await _server.Value).DisposeAsync();
        }
    }
}

/// <summary>A database of its own with a store in it.</summary>
public sealed class PostgresDatabase(PostgresServer server, string name) : LogStore
{
    static readonly string[] Payloads = ["run_open", "run_kept", "run_done"];

    public override StoreUrl Url => StoreUrl.Parse(server.UrlOf(name));

    public override string FullUrl => server.UrlOf(name);

    /// <summary>Runs SQL in it.</summary>
    public Task<string> SqlAsync(string sql) => server.SqlAsync(name, sql);

    public override async Task<int> CountOfAsync(byte[] bytes)
    {
        string[] counts = [.. Payloads.Select(table => $"(SELECT count(*) FROM belfry.{table} WHERE position('\\x{Convert.ToHexStringLower(bytes)}'::bytea IN payload) > 0)")];
        return int.Parse(await SqlAsync("SELECT " + string.Join(" + ", counts)), System.Globalization.CultureInfo.InvariantCulture);
    }

    public override Task ExecuteAsync(string sql) => SqlAsync($"SET search_path = belfry; {sql}");

    public override async ValueTask DisposeAsync() => await server.SqlAsync("postgres", $"DROP DATABASE {name} WITH (FORCE)");
}
