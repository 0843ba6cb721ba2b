namespace Belfry.Storage.Tests;

/// <summary>The suite on SQLite, and what only it can do.</summary>
public sealed class SqliteRunLogTests : RunLogTests
{
    [Fact]
    public async Task A_store_in_memory_does_the_same()
    {
        await using RunLog log = await RunLog.OpenAsync(StoreUrl.Parse("memory:"), new RunLogOptions(), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, Cancel);
        TaskEvent[] life = [.. Plain(1)];
        await log.AppendAsync(life, Cancel);
        Assert.Equal(Fold.Rows(life), (await log.Queries.PageAsync(new RunFilter(), 10, null, null, Cancel)).Items);
    }

    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());
}

/// <summary>The large logs on SQLite.</summary>
public sealed class SqliteLargeLogTests : LargeLogTests
{
    protected override int Runs => 70_000; // two written segments of keys and a tail

    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());
}

/// <summary>Retention on SQLite.</summary>
public sealed class SqliteRetentionTests : RetentionTests
{
    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());
}
