using Belfry.Testing;

namespace Belfry.Storage.Tests;

/// <summary>What only one of several servers on a store may do.</summary>
public sealed class LeaseTests(PostgresFixture postgres)
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lease_is_held_by_one_and_passes_to_the_next_when_that_one_stops()
    {
        await using LogStore store = await postgres.NewStoreAsync();
        await using RunLog one = await store.OpenAsync(), other = await store.OpenAsync();
        using CancellationTokenSource stopOne = CancellationTokenSource.CreateLinkedTokenSource(Cancel), stopOther = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        (int ones, int others) = (0, 0);
        var told = new List<string>();
        Task holding = one.LeaseOf("x").WhileHeldAsync(cancel => HoldAsync(() => ones++, cancel), told.Add, stopOne.Token);
        await Eventually.HoldsAsync("the first holds it", () => ones == 1);
        Task waiting = other.LeaseOf("x").WhileHeldAsync(cancel => HoldAsync(() => others++, cancel), told.Add, stopOther.Token);
        await Eventually.HoldsAsync("the second stands by", () => told.Count == 1);
        Assert.Contains(Environment.MachineName, told.Single(), StringComparison.Ordinal);
        Assert.Equal(0, others);

        await stopOne.CancelAsync();
        await holding;
        await Eventually.HoldsAsync("the second holds it", () => others == 1);
        await stopOther.CancelAsync();
        await waiting;
        Assert.Equal((1, 1), (ones, others));
        Assert.Equal("0", await ((PostgresDatabase)store).SqlAsync("SELECT count(*) FROM belfry.lease"));
    }

    [Fact]
    public async Task A_lease_that_another_took_stops_the_work_and_a_store_that_cannot_be_asked_does_not()
    {
        await using PostgresServer server = await PostgresServer.StartAsync();
        await using PostgresDatabase store = await PostgresFixture.NewDatabaseAsync(server);
        await using RunLog log = await store.OpenAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        (int begun, int ended) = (0, 0);
        Task holding = log.LeaseOf("x").WhileHeldAsync(
            async cancel =>
            {
                await HoldAsync(() => begun++, cancel);
                ended++;
            },
            _ => { },
            stop.Token);
        await Eventually.HoldsAsync("it is held", () => begun == 1);

        await server.CrashAsync();
        await Task.Delay(Lease.Term + TimeSpan.FromSeconds(1), Cancel);
        await server.StartAgainAsync();
        Assert.Equal(0, ended);

        await store.SqlAsync("UPDATE belfry.lease SET holder = gen_random_uuid(), host = 'elsewhere', until = until + 5000000");
        await Eventually.HoldsAsync("the work stops", () => ended == 1);
        await Eventually.HoldsAsync("it is held again when the other is gone", () => begun == 2);
        await stop.CancelAsync();
        await holding;
    }

    [Fact]
    public async Task On_SQLite_a_lease_is_held_at_once()
    {
        await using var folder = new LogFolder();
        await using RunLog log = await folder.OpenAsync();
        int begun = 0;
        await log.LeaseOf("x").WhileHeldAsync(
            _ =>
            {
                begun++;
                return Task.CompletedTask;
            },
            _ => { },
            Cancel);
        Assert.Equal(1, begun);
    }

    static async Task HoldAsync(Action begun, CancellationToken cancel)
    {
        begun();
        await Task.Delay(Timeout.InfiniteTimeSpan, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
