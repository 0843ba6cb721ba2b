using Belfry.Testing;

namespace Belfry.Tests.Logs;

public sealed class CsvLogTests : RunLogStoreTests, IDisposable
{
    readonly TempFolder _folder = new();

    string File => Path.Combine(_folder.Path, "events.csv");

    [Fact]
    [Trait("row", "46")]
    [Trait("row", "50")]
    public async Task What_was_written_is_there_when_it_is_opened_again()
    {
        TaskEvent odd = Start("a;\"b\"\nc €😀", 1) with { Kwargs = "", Args = "[\"x;y\"]", Parent = "p", Priority = 3, Eta = Minute(3), Context = new RunContext(null, "", "7") };
        IReadOnlyList<TaskRun> written;
        await using (CsvLog log = Open())
        {
            await log.AppendAsync([odd, odd with { Kind = EventKind.Succeeded, At = Minute(2), Result = "1,5", Runtime = 0.1 + 0.2 }, .. Run("load", 5, EventKind.Failed)], Cancel);
            written = await log.ListAsync(new RunQuery(), Cancel);
        }
        await using CsvLog again = Open();
        Assert.Equal(written, await again.ListAsync(new RunQuery(), Cancel));
        Assert.StartsWith("at;action;task;id;attempt;", await System.IO.File.ReadAllTextAsync(File, Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_end_that_was_torn_off_is_cut_off_and_all_else_is_kept()
    {
        await using (CsvLog log = Open())
        {
            await log.AppendAsync([.. Run("load", 1, EventKind.Succeeded), Start("größe", 2)], Cancel);
        }
        byte[] whole = await System.IO.File.ReadAllBytesAsync(File, Cancel);
        for (int cut = 1; cut < 60; cut++)
        {
            await System.IO.File.WriteAllBytesAsync(File, whole[..^cut], Cancel);
            await using CsvLog log = Open();
            Assert.Equal(["load"], (await log.ListAsync(new RunQuery(), Cancel)).Select(run => run.Task));
            await log.AppendAsync([Start("größe", 2)], Cancel);
            await log.DisposeAsync();
            Assert.Equal(whole, await System.IO.File.ReadAllBytesAsync(File, Cancel));
        }
    }

    [Fact]
    public async Task A_file_that_is_no_log_and_a_folder_that_is_open_elsewhere_are_refused()
    {
        await using (CsvLog log = Open())
        {
            IOException taken = Assert.Throws<IOException>(Open);
            Assert.Contains("is open in another process", taken.Message, StringComparison.Ordinal);
        }
        await System.IO.File.WriteAllTextAsync(File, "at;action\nyesterday;started\n", Cancel);
        Assert.Equal("line 2 of the log is not understood: 'yesterday' is no instant", Assert.Throws<FormatException>(Open).Message);
        await using CsvLog empty = CsvLog.Open(_folder.Path, new MemoryLogOptions(), TimeProvider.System, deleteExisting: true);
        Assert.Equal(0, await empty.CountAsync(new RunQuery(), Cancel));
    }

    [Fact]
    [Trait("row", "48")]
    public async Task A_file_of_which_most_is_let_go_is_written_anew()
    {
        await using (CsvLog log = CsvLog.Open(_folder.Path, new MemoryLogOptions { MostRuns = 100 }, TimeProvider.System))
        {
            foreach (int n in Enumerable.Range(0, 2000))
            {
                await log.AppendAsync(Run("load", n, n == 7 ? EventKind.Failed : EventKind.Succeeded), Cancel);
            }
        }
        Assert.InRange((await System.IO.File.ReadAllLinesAsync(File, Cancel)).Length, 200, 1300);
        await using CsvLog again = Open();
        Assert.Equal("load-7", (await again.LastAsync("load", RunAction.Failed, Cancel))!.Id);
        Assert.Equal("load-1999", (await again.LastAsync("load", RunAction.Succeeded, Cancel))!.Id);
    }

    public void Dispose() => _folder.Dispose();

    protected override Task<IRunLogStore> OpenAsync() => Task.FromResult<IRunLogStore>(Open());

    CsvLog Open() => CsvLog.Open(_folder.Path, new MemoryLogOptions(), TimeProvider.System);
}
