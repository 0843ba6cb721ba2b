using Belfry.Tests.Logs;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Storage.Tests;

/// <summary>A log on SQLite is what tasks expect of any.</summary>
public sealed class SqliteRunLogStoreTests : RunLogStoreTests, IAsyncDisposable
{
    readonly LogFolder _folder = new();

    public ValueTask DisposeAsync() => _folder.DisposeAsync();

    [Fact]
    public async Task A_claim_that_is_made_again_is_granted_again_and_no_other()
    {
        await using IRunLogStore log = await OpenAsync();
        var claim = new RunClaim(new TaskEvent { Source = "local", Id = "a", Kind = EventKind.Started, At = new Instant(1_000_000), Attempt = 1, Task = "load", Worker = "w" }, null);
        Assert.Equal([true], await log.ClaimAsync([claim], Cancel));
        Assert.Equal([true, false], await log.ClaimAsync([claim, claim with { Started = claim.Started with { Id = "b" } }], Cancel));
        Assert.Equal("a", (await log.FirstAsync(RunQuery.Where(RunFields.Task == "load"), Cancel))?.Id);
        Assert.Equal(1, await log.CountAsync(RunQuery.Where(RunFields.Task == "load"), Cancel));
    }

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
