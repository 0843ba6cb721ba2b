using Belfry.Storage.Sqlite.Schema;
using Belfry.Storage.Sqlite;
using Belfry.Testing;

namespace Belfry.Storage.Tests;

/// <summary>Opening what is there, what is not, and what is full.</summary>
public sealed class StoreTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_store_of_a_newer_Belfry_is_refused_by_name()
    {
        await using var folder = new LogFolder();
        await using (await folder.OpenAsync())
        {
        }
        using (Database database = Database.Open(folder.File, create: false))
        {
            database.Execute("PRAGMA user_version = 999");
        }
        StoreException refused = await Assert.ThrowsAsync<StoreException>(() => folder.OpenAsync());
        Assert.Contains("schema 999", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"{Migrations.Newest}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_that_make_one_new_file_at_once_all_find_it_made()
    {
        for (int time = 0; time < 10; time++)
        {
            await using var folder = new LogFolder();
            RunLog[] logs = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => folder.OpenAsync(), Cancel)));
            foreach (RunLog log in logs)
            {
                await log.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task A_file_that_is_no_log_is_refused_and_left_as_it_is()
    {
        await using var folder = new LogFolder();
        await File.WriteAllTextAsync(folder.File, "this is a shopping list, not a database, and long enough to look at", Cancel);
        await Assert.ThrowsAsync<StoreException>(() => folder.OpenAsync());
        Assert.StartsWith("this is a shopping list", await File.ReadAllTextAsync(folder.File, Cancel), StringComparison.Ordinal);
        File.Delete(folder.File);
        using (Database database = Database.Open(folder.File, create: true))
        {
            database.Execute("CREATE TABLE shopping(item TEXT)");
        }
        byte[] before = await File.ReadAllBytesAsync(folder.File, Cancel);
        await using var log = new LogFolder();
        await using (await log.OpenAsync())
        {
        }
        foreach (Func<Task> open in (Func<Task>[])[() => folder.OpenAsync(), () => StoreUpkeep.CopyAsync(log.Url, folder.Url, [], TimeProvider.System, null, Cancel)])
        {
            Assert.Contains("no log of Belfry's", (await Assert.ThrowsAsync<StoreException>(open)).Message, StringComparison.Ordinal);
            Assert.Equal(before, await File.ReadAllBytesAsync(folder.File, Cancel)); // with the journal that its owner chose
        }
    }

    [Fact]
    public async Task Opening_for_reading_creates_nothing()
    {
        await using var folder = new LogFolder();
        await Assert.ThrowsAsync<StoreException>(() => RunQueries.OpenAsync(folder.Url, TimeProvider.System, Cancel));
        Assert.Empty(Directory.GetFiles(folder.Folder));
        await using RunLog log = await folder.OpenAsync();
        await log.AppendAsync([new() { Source = "s", Id = "i", Kind = EventKind.Succeeded, At = new Instant(5), Task = "t" }], Cancel);
        using RunQueries beside = await RunQueries.OpenAsync(folder.Url, TimeProvider.System, Cancel);
        Assert.Equal("i", (await beside.PageAsync(new RunFilter(), 5, null, null, Cancel)).Items.Single().Id);
    }

    [Theory]
    [InlineData("sqlite://x.db", "x.db")]
    [InlineData("sqlite:///var/lib/belfry/log.db", "/var/lib/belfry/log.db")]
    [InlineData("memory:", null)]
    public void A_store_url_names_a_file_or_memory(string url, string? path) => Assert.Equal(path, StoreUrl.Parse(url).Path);

    [Theory]
    [InlineData("mysql://x")]
    [InlineData("sqlite://")]
    [InlineData("")]
    public void What_is_no_store_is_refused(string url) => Assert.Throws<FormatException>(() => StoreUrl.Parse(url));

    [Fact]
    public async Task A_full_disk_loses_nothing_and_is_over_when_there_is_room()
    {
        Assert.SkipUnless(Machine.IsRoot, "only root can mount a small disk");
        await using SmallDisk disk = await SmallDisk.MountAsync(megabytes: 6);
        await using RunLog log = await RunLog.OpenAsync(
            StoreUrl.Parse($"sqlite://{disk.File("log.db")}"), new RunLogOptions(), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, Cancel);
        disk.Fill();
        Task[] appends = [.. Enumerable.Range(0, 20).Select(n => log.AppendAsync(
            [new() { Source = "s", Id = $"run-{n}", Kind = EventKind.Succeeded, At = new Instant(n), Task = "t", Result = new string('x', 60_000) }], Cancel))];
        await Eventually.HoldsAsync("it is told", () => log.Problem is not null);
        Assert.Equal("the disk is full", log.Problem);
        Assert.Contains(appends, append => !append.IsCompleted);
        disk.Empty();
        await Task.WhenAll(appends).WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        Assert.Equal(20, (await log.Queries.PageAsync(new RunFilter(), 100, null, null, Cancel)).Items.Count);
    }
}
