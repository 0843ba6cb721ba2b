using Belfry.Storage.Sqlite;

namespace Belfry.Storage.Tests;

/// <summary>Files that are damaged, locked or served by somebody else. What is not damaged goes on.</summary>
public sealed class DamageTests
{
    const int Runs = 40_000; // more than are read again at the start
    const int PageBytes = 4096;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Damaged_rows_are_told_and_cost_nothing_but_themselves()
    {
        await using var folder = new LogFolder();
        await FillAsync(folder);
        Damage(folder, "run", pages: 3);
        await using RunLog log = await folder.OpenAsync();

        // What is beside the damage is read and written as before.
        Assert.Equal(IdOf(Runs - 1), (await log.Queries.PageAsync(new RunFilter(), 1, null, null, Cancel)).Items.Single().Id);
        await log.AppendAsync(Event(Runs + 1, EventKind.Succeeded), Cancel);
        Assert.Null(log.Problem);

        // Of what is in it, each question and each event says so.
        int[] hit = [.. await HitAsync(log)];
        Assert.InRange(hit.Length, 1, 400);
        StoreException told = await Assert.ThrowsAsync<StoreException>(() => log.Queries.FindAsync(IdOf(hit[0]), null, Cancel));
        Assert.Contains("the file is damaged", told.Message, StringComparison.Ordinal);
        Assert.Contains("go on with a backup", told.Message, StringComparison.Ordinal);
        TaskEvent[] both = [.. Event(hit[0], EventKind.Submitted), .. Event(Runs + 2, EventKind.Succeeded)];
        await Assert.ThrowsAsync<StoreException>(() => log.AppendAsync(both, Cancel));
        Assert.Equal(IdOf(Runs + 2), (await log.Queries.FindAsync(IdOf(Runs + 2), null, Cancel)).Single().Id);
        await log.AppendAsync(Event(Runs + 3, EventKind.Succeeded), Cancel);
        Assert.Contains("the file is damaged", log.Problem, StringComparison.Ordinal); // until somebody mends it
        Assert.Contains(await log.Queries.RefusalsAsync(Cancel), refusal => refusal.What.Contains("damaged", StringComparison.Ordinal) && refusal.Times == 1);

        Assert.NotEmpty(await log.Queries.DamageAsync(Cancel));
        StoreException backup = await Assert.ThrowsAsync<StoreException>(() => StoreUpkeep.BackUpAsync(folder.Url, Path.Combine(folder.Folder, "copy.db"), null, Cancel));
        Assert.Contains("doctor", backup.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(folder.Folder, "copy.db")));
    }

    [Fact]
    public async Task A_damaged_index_costs_only_what_needs_it()
    {
        await using var folder = new LogFolder();
        await FillAsync(folder);
        Damage(folder, "run_name", pages: 3);
        await using RunLog log = await folder.OpenAsync();
        Assert.Equal(IdOf(7), (await log.Queries.FindAsync(IdOf(7), null, Cancel)).Single().Id);
        Assert.Equal(100, (await log.Queries.PageAsync(new RunFilter(), 100, null, null, Cancel)).Items.Count);
        await log.AppendAsync(Event(Runs + 1, EventKind.Succeeded), Cancel);
        Assert.NotEmpty(await log.Queries.DamageAsync(Cancel));
    }

    [Fact]
    public async Task A_first_page_of_garbage_and_a_file_cut_off_are_refused_and_left_as_they_are()
    {
        await using var folder = new LogFolder();
        await FillAsync(folder);
        byte[] whole = await File.ReadAllBytesAsync(folder.File, Cancel);
        byte[] garbage = [.. whole];
        new Random(1).NextBytes(garbage.AsSpan(0, 100));
        foreach ((byte[] bytes, string why) in ((byte[], string)[])[(garbage, "no SQLite database"), (whole[..(whole.Length / 2)], "damaged")])
        {
            await File.WriteAllBytesAsync(folder.File, bytes, Cancel);
            Assert.Contains(why, (await Assert.ThrowsAsync<StoreException>(() => folder.OpenAsync())).Message, StringComparison.Ordinal);
            Assert.Contains(why, (await Assert.ThrowsAsync<StoreException>(() => RunQueries.OpenAsync(folder.Url, TimeProvider.System, Cancel))).Message, StringComparison.Ordinal);
            Assert.Equal(bytes, await File.ReadAllBytesAsync(folder.File, Cancel));
        }
    }

    [Fact]
    public async Task Without_its_write_ahead_log_a_file_has_what_was_checkpointed_and_goes_on()
    {
        await using var folder = new LogFolder();
        await using (RunLog log = await folder.OpenAsync())
        {
            await log.AppendAsync(Event(1, EventKind.Succeeded), Cancel);
        }
        await using (RunLog log = await folder.OpenAsync())
        {
            await log.AppendAsync(Event(2, EventKind.Succeeded), Cancel);
            File.Copy(folder.File, folder.File + ".left", overwrite: true); // as a crash left it, and without what lay beside
        }
        File.Move(folder.File + ".left", folder.File, overwrite: true);
        await using RunLog again = await folder.OpenAsync();
        Assert.Single(await again.Queries.FindAsync(IdOf(1), null, Cancel));
        Assert.Empty(await again.Queries.FindAsync(IdOf(2), null, Cancel));
        await again.AppendAsync(Event(2, EventKind.Succeeded), Cancel);
        Assert.Single(await again.Queries.FindAsync(IdOf(2), null, Cancel));
        Assert.Empty(await again.Queries.DamageAsync(Cancel));
    }

    [Fact]
    public async Task A_lock_that_another_process_holds_is_waited_out_and_nothing_is_lost()
    {
        await using var folder = new LogFolder();
        await using RunLog log = await folder.OpenAsync();
        await log.AppendAsync(Event(1, EventKind.Succeeded), Cancel);
        Task append;
        using (Database other = Database.Open(folder.File, create: false))
        {
            other.Execute("BEGIN IMMEDIATE");
            append = log.AppendAsync(Event(2, EventKind.Succeeded), Cancel);
            while (log.Problem is null)
            {
                await Task.Delay(100, Cancel);
            }
            Assert.Contains("another process holds it locked", log.Problem, StringComparison.Ordinal);
            Assert.Single(await log.Queries.FindAsync(IdOf(1), null, Cancel)); // readers do not wait
            Assert.False(append.IsCompleted);
            other.Execute("ROLLBACK");
        }
        await append.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        Assert.Null(log.Problem);
        Assert.Single(await log.Queries.FindAsync(IdOf(2), null, Cancel));
    }

    static async Task FillAsync(LogFolder folder)
    {
        await using RunLog log = await folder.OpenAsync();
        foreach (int[] chunk in Enumerable.Range(0, Runs).Chunk(8000))
        {
            await log.AppendAsync([.. chunk.SelectMany(n => Event(n, EventKind.Succeeded))], Cancel);
        }
    }

    /// <summary>Overwrites leaf pages in the first fifth of a table or index.</summary>
    static void Damage(LogFolder folder, string table, int pages)
    {
        var found = new List<long>();
        using (Database database = Database.Open(folder.File, create: false))
        {
            database.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
            using Statement read = database.PrepareOnce("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path");
            read.Bind(1, table);
            while (read.Step())
            {
                found.Add(read.Int64(0));
            }
        }
        using FileStream file = File.OpenWrite(folder.File);
        foreach (long page in found.Skip(found.Count / 10).Take(pages))
        {
            file.Position = (page - 1) * PageBytes;
            file.Write(Enumerable.Repeat((byte)0xA5, PageBytes).ToArray());
        }
    }

    static async Task<List<int>> HitAsync(RunLog log)
    {
        var hit = new List<int>();
        for (int n = 3000; n < 6000; n += 5)
        {
            try
            {
                await log.Queries.FindAsync(IdOf(n), null, Cancel);
            }
            catch (StoreException)
            {
                hit.Add(n);
            }
        }
        return hit;
    }

    static TaskEvent[] Event(int n, EventKind kind) =>
        [new() { Source = "s", Id = IdOf(n), Kind = kind, At = new Instant(1_795_000_000_000_000 + (n * 10) - (kind == EventKind.Submitted ? 3 : 0)), Task = $"t{n % 7}" }];

    static string IdOf(int n)
    {
        var bytes = new byte[16];
        new Random(n).NextBytes(bytes);
        return new Guid(bytes).ToString();
    }
}
