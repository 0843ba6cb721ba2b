using Belfry.Server.Tests;
using Belfry.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

namespace Belfry.Server.Tests;

/// <summary>One PostgreSQL for all tests of a run, started when the first asks for it.</summary>
public sealed class PostgresFixture : IAsyncDisposable
{
    int _databases;
    readonly Lazy<Task<PostgresServer>> _server = new(PostgresServer.StartAsync);

    /// <summary>The URL of an empty database.</summary>
    public async Task<string> NewDatabaseAsync()
    {
        PostgresServer server = await _server.Value;
        string name = $"belfry{Interlocked.Increment(ref _databases)}";
        await server.SqlAsync("postgres", $"CREATE DATABASE {name}");
        return server.UrlOf(name);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server.IsValueCreated)
        {
            await (await _server.Value).DisposeAsync();
        }
    }
}
