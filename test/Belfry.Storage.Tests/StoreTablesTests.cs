using System.Reflection;

namespace Belfry.Storage.Tests;

/// <summary>Tables of rooms: the same on both engines.</summary>
public sealed class StoreTablesTests(PostgresFixture postgres)
{
    static readonly TableScripts Scripts = new("bells", Assembly.GetExecutingAssembly(), ".data.bells.");

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_one_process_writes_the_other_reads_and_a_change_that_fails_leaves_nothing(bool onPostgres)
    {
        await using LogStore store = await NewStoreAsync(onPostgres);
        await using RunLog log = await store.OpenAsync();
        StoreTables here = await log.TablesAsync(Scripts, Cancel);
        using StoreTables there = await StoreTables.OpenAsync(store.Url, Scripts, Cancel);
        Assert.Equal(1, await here.WriteAsync(session => session.Run("INSERT INTO bell(name, weight, note) VALUES($1, $2, $3)", "Emmanuel", 13_271, null), Cancel));
        Assert.Equal(0, await there.WriteAsync(session => session.Run("INSERT INTO bell(weight, name) VALUES($2, $1) ON CONFLICT DO NOTHING", "Emmanuel", 1), Cancel));
        await Assert.ThrowsAsync<InvalidOperationException>(() => here.WriteAsync<int>(
            session =>
            {
                session.Run("DELETE FROM bell");
                throw new InvalidOperationException("thought better of it");
            },
            Cancel));
        await Assert.ThrowsAsync<StoreException>(() => there.WriteAsync(session => session.Run("INSERT INTO bell(name, weight) VALUES($1, $2)", null, 1), Cancel));
        (string, long?, string?) bell = Assert.Single(await there.ReadAsync(
            session => session.Read("SELECT name, weight, note FROM bell WHERE weight > $1", row => (row.Text(0), row.NumberOrNull(1), row.TextOrNull(2)), 13_000L), Cancel));
        Assert.Equal(("Emmanuel", 13_271L, null), bell);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task They_are_there_again_after_a_restart_and_a_newer_schema_is_refused(bool onPostgres)
    {
        await using LogStore store = await NewStoreAsync(onPostgres);
        await using (RunLog log = await store.OpenAsync())
        {
            StoreTables tables = await log.TablesAsync(Scripts, Cancel);
            await tables.WriteAsync(session => session.Run("INSERT INTO bell(name) VALUES('Gabriel')"), Cancel);
        }
        using (StoreTables? again = await StoreTables.OpenForReadingAsync(store.Url, Scripts, Cancel))
        {
            Assert.Equal(["Gabriel"], await again!.ReadAsync(session => session.Read("SELECT name FROM bell", row => row.Text(0)), Cancel));
        }
        using (StoreTables tables = await StoreTables.OpenAsync(store.Url, Scripts, Cancel))
        {
            await tables.WriteAsync(session => session.Run("UPDATE room_schema SET number = 7 WHERE room = 'bells'"), Cancel);
        }
        StoreException newer = await Assert.ThrowsAsync<StoreException>(() => StoreTables.OpenAsync(store.Url, Scripts, Cancel));
        Assert.Contains("Use a newer Belfry", newer.Message);
    }

    [Fact]
    public async Task A_store_without_them_reads_as_nothing()
    {
        await using LogStore store = new LogFolder();
        await using RunLog log = await store.OpenAsync();
        Assert.Null(await StoreTables.OpenForReadingAsync(store.Url, Scripts, Cancel));
    }

    [Fact]
    public async Task A_log_that_is_closed_refuses_instead_of_waiting()
    {
        await using LogStore store = new LogFolder();
        RunLog log = await store.OpenAsync();
        StoreTables tables = await log.TablesAsync(Scripts, Cancel);
        await log.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => tables.WriteAsync(session => session.Run("DELETE FROM bell"), Cancel));
    }

    async Task<LogStore> NewStoreAsync(bool onPostgres) => onPostgres ? await postgres.NewStoreAsync() : new LogFolder();
}
