using Belfry.Storage.Sqlite;
using Belfry.Storage.Sqlite.Schema;
using Belfry.Tests.Folding;

namespace Belfry.Storage.Tests;

/// <summary>What an operator does to a store.</summary>
public sealed class StoreUpkeepTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Figures_kept_from_event_to_event_are_those_made_of_the_rows_and_damaged_ones_are_mended()
    {
        await using var folder = new LogFolder();
        await FillAsync(folder);
        Assert.Equal(0, (await StoreUpkeep.RepairRollupsAsync(folder.Url, Cancel)).Mended);
        List<string> right = Cells(folder);
        using (Database database = Database.Open(folder.File, create: false))
        {
            database.Execute("UPDATE hour SET completed = completed + 5, hist = NULL WHERE cell % 3 = 0; DELETE FROM hour WHERE cell % 7 = 0; DELETE FROM minute WHERE cell % 2 = 0");
        }
        Assert.NotEqual(right, Cells(folder));
        RollupRepair repair = await StoreUpkeep.RepairRollupsAsync(folder.Url, Cancel);
        Assert.True(repair.Mended > 0);
        Assert.Empty(repair.LeftAlone);
        Assert.Equal(right, Cells(folder));
    }

    [Fact]
    public async Task Hours_of_which_runs_are_deleted_keep_their_figures_and_are_named()
    {
        await using var folder = new LogFolder();
        var clock = new ManualClock(new DateTimeOffset(2026, 6, 1, 12, 30, 0, TimeSpan.Zero));
        Instant old = clock.Now - TimeSpan.FromDays(40), young = clock.Now - TimeSpan.FromDays(1);
        await using (RunLog log = await folder.OpenAsync(clock: clock))
        {
            await log.AppendAsync([.. new[] { old, old + TimeSpan.FromMinutes(1), young }.Select((at, n) => new TaskEvent { Source = "s", Id = $"{n}", Kind = EventKind.Succeeded, At = at, Task = "t" })], Cancel);
            Assert.Equal(2, (await log.RetainAsync(new RetentionPolicy { Age = TimeSpan.FromDays(30) }, Cancel)).Deleted);
        }
        RollupRepair repair = await StoreUpkeep.RepairRollupsAsync(folder.Url, Cancel);
        Assert.Equal([Instant.From(new DateTimeOffset(2026, 4, 22, 12, 0, 0, TimeSpan.Zero))], repair.LeftAlone);
        await using RunLog again = await folder.OpenAsync(clock: clock);
        Assert.Equal(3, (await again.Queries.FiguresAsync(old - TimeSpan.FromDays(1), clock.Now, [], Cancel)).Runs);
    }

    [Fact]
    public async Task A_backup_of_a_store_that_is_being_written_is_whole_and_never_overwrites()
    {
        await using var folder = new LogFolder();
        await FillAsync(folder);
        string file = Path.Combine(folder.Folder, "copy.db");
        await using RunLog log = await folder.OpenAsync();
        using var stop = new CancellationTokenSource();
        Task writing = Task.Run(async () =>
        {
            for (int n = 0; !stop.IsCancellationRequested; n++)
            {
                await log.AppendAsync([new() { Source = "s", Id = $"more-{n}", Kind = EventKind.Succeeded, At = new Instant(n), Task = "t" }], Cancel);
            }
        }, Cancel);
        StoreBackup made = await StoreUpkeep.BackUpAsync(folder.Url, file, null, Cancel);
        await stop.CancelAsync();
        await writing;
        using (RunQueries copy = await RunQueries.OpenAsync(StoreUrl.Parse("sqlite://" + file), TimeProvider.System, Cancel))
        {
            StoreStatus status = await copy.StatusAsync(Cancel);
            Assert.Equal((made.EndedRuns, made.OpenRuns), (status.EndedRuns, status.OpenRuns));
            Assert.True(made.EndedRuns > 50);
            Assert.Empty(await copy.DamageAsync(Cancel));
        }
        await Assert.ThrowsAsync<StoreException>(() => StoreUpkeep.BackUpAsync(folder.Url, file, null, Cancel));
        Assert.Equal(made.Bytes, new FileInfo(file).Length);
    }

    [Fact]
    public async Task A_backup_that_cannot_be_written_is_said_of_its_own_file_and_not_of_the_store()
    {
        await using var folder = new LogFolder();
        await FillAsync(folder);
        string file = Path.Combine(folder.Folder, "nowhere", "copy.db");
        StoreException refused = await Assert.ThrowsAsync<StoreException>(() => StoreUpkeep.BackUpAsync(folder.Url, file, null, Cancel));
        Assert.StartsWith($"{file} cannot be written: ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_each_task_takes_is_counted_and_its_bytes_are_estimated()
    {
        await using var folder = new LogFolder();
        await using RunLog log = await folder.OpenAsync();
        await log.AppendAsync([.. Enumerable.Range(0, 300).Select(n => new TaskEvent { Source = "s", Id = $"{n}", Kind = n == 0 ? EventKind.Started : EventKind.Succeeded, At = new Instant(n), Task = n < 100 ? "large" : "small", Result = n < 100 ? new string('x', 1000) : null })], Cancel);
        LogUsage usage = await log.Queries.UsageAsync(Cancel);
        Assert.Equal(300, usage.Runs);
        Assert.Equal([("large", 99L), ("small", 200L)], usage.Tasks.Select(task => (task.Task, task.Runs)));
        Assert.InRange(usage.Tasks[0].Bytes, 99_000, 130_000);
        Assert.InRange(usage.Tasks[1].Bytes, 20_000, 40_000);
    }

    [Fact]
    public async Task A_store_is_brought_up_to_date_once_and_then_is()
    {
        await using var folder = new LogFolder();
        using (Database database = Database.Open(folder.File, create: true))
        {
            foreach ((int number, string text) in SchemaScripts.Of("Sqlite").Take(2))
            {
                database.Execute($"{text}; PRAGMA user_version = {number}");
            }
        }
        Assert.Equal(new SchemaChange(2, Migrations.Newest), await StoreUpkeep.MigrateAsync(folder.Url, Cancel));
        Assert.Equal(new SchemaChange(Migrations.Newest, Migrations.Newest), await StoreUpkeep.MigrateAsync(folder.Url, Cancel));
        await Assert.ThrowsAsync<StoreException>(() => StoreUpkeep.MigrateAsync(StoreUrl.Parse($"sqlite://{folder.Folder}/none.db"), Cancel));
    }

    /// <summary>Lives in any order, with doubles, in small batches.</summary>
    static async Task FillAsync(LogFolder folder)
    {
        var random = new Random(11);
        TaskEvent[] told = [.. Enumerable.Range(0, 120).SelectMany(n => Lives.Random(random, $"plain-{n}")), .. Enumerable.Range(0, 20).SelectMany(n => Lives.Random(random, $"again-{n}"))];
        random.Shuffle(told);
        await using RunLog log = await folder.OpenAsync();
        foreach (TaskEvent[] batch in told.Chunk(25))
        {
            await log.AppendAsync(batch, Cancel);
        }
    }

    static List<string> Cells(LogFolder folder)
    {
        var cells = new List<string>();
        using Database database = Database.Open(folder.File, create: false);
        using Statement read = database.PrepareOnce("""
            SELECT cell || ' ' || first || ' ' || completed || ' ' || failed || ' ' || retried || ' ' || cancelled || ' ' || skipped || ' ' || lost || ' ' || timed || ' ' || sum || ' ' || hex(coalesce(hist, x''))
            FROM (SELECT * FROM minute UNION ALL SELECT * FROM hour) WHERE first + completed + failed + retried + cancelled + skipped + lost > 0
            """);
        while (read.Step())
        {
            cells.Add(read.Text(0)!);
        }
        cells.Sort(StringComparer.Ordinal);
        return cells;
    }
}
