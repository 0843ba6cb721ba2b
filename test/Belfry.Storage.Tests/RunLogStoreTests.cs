using Belfry.Tests.Logs;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Storage.Tests;

/// <summary>A log on SQLite is what tasks expect of any.</summary>
public sealed class SqliteRunLogStoreTests : RunLogStoreTests, IAsyncDisposable
{
    readonly LogFolder _folder = new();

    public ValueTask DisposeAsync() => _folder.DisposeAsync();

    protected override async Task<IRunLogStore> OpenAsync() => await Stores.OpenAsync(_folder);
}

/// <summary>A log on PostgreSQL is what tasks expect of any.</summary>
public sealed class PostgresRunLogStoreTests(PostgresFixture postgres) : RunLogStoreTests
{
    protected override async Task<IRunLogStore> OpenAsync() => await Stores.OpenAsync(await postgres.NewStoreAsync());
}

static class Stores
{
    public static Task<RunLogStore> OpenAsync(LogStore store) => RunLogStore.OpenAsync(
        store.Url, new RunLogOptions { GroupWait = TimeSpan.FromMilliseconds(5) }, TimeProvider.System, NullLoggerFactory.Instance, TestContext.Current.CancellationToken);
}
