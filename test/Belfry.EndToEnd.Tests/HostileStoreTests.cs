using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>Stores that cannot be what a server needs: the command says why in one line, and what to do.</summary>
public sealed class HostileStoreTests : IDisposable
{
    readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    string Store => $"sqlite://{_folder.File("log.db")}";

    [Fact]
    public async Task A_second_server_on_a_SQLite_log_is_refused_by_name_until_the_first_is_killed()
    {
        await using (BelfryProcess first = await BelfryProcess.ServeAsync(["--store", Store], _folder.Path))
        {
            Finished second = await ServeAsync();
            Assert.Equal(69, second.Code);
            Assert.Contains($"in use by process {first.Process.Id} on", second.Errors, StringComparison.Ordinal);
            Finished copy = await BelfryProcess.RunAsync(["migrate", "--store", Store, "--to", $"sqlite://{_folder.File("copy.db")}"], _folder.Path);
            Assert.Equal(69, copy.Code);
            Assert.Equal(0, (await BelfryProcess.RunAsync(["backup", _folder.File("backup.db"), "--store", Store], _folder.Path)).Code); // while it runs
            first.Process.Signal(9);
            await first.Process.ExitAsync();
        }
        await using BelfryProcess again = await BelfryProcess.ServeAsync(["--store", Store], _folder.Path);
        Assert.Equal(0, await again.StopAsync());
    }

    [Fact]
    public async Task A_file_that_is_no_database_and_a_folder_that_is_not_there_are_named()
    {
        await File.WriteAllTextAsync(_folder.File("log.db"), string.Concat(Enumerable.Repeat("a shopping list\n", 1000)), TestContext.Current.CancellationToken);
        foreach (string[] verb in (string[][])[["serve", "--urls", "http://127.0.0.1:0"], ["inspect", "logs"], ["migrate"], ["backup", _folder.File("copy.db")]])
        {
            Finished refused = await BelfryProcess.RunAsync([.. verb, "--store", Store], _folder.Path);
            Assert.Equal((69, ""), (refused.Code, refused.Output));
            Assert.Contains("no SQLite database", OneLine(refused), StringComparison.Ordinal);
        }
        Finished doctor = await BelfryProcess.RunAsync(["doctor", "--store", Store], _folder.Path);
        Assert.Equal(1, doctor.Code);
        Assert.Contains("no SQLite database", doctor.Output, StringComparison.Ordinal);
        Finished missing = await BelfryProcess.RunAsync(["inspect", "logs", "--store", $"sqlite://{_folder.File("no/such.db")}"], _folder.Path);
        Assert.Equal(69, missing.Code);
        Assert.Contains("is not there", OneLine(missing), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_or_folder_that_may_only_be_read_is_refused_at_the_start()
    {
        Assert.SkipUnless(Machine.IsRoot && !OperatingSystem.IsWindows(), "only root can become somebody who may not write");
        await using (BelfryProcess server = await BelfryProcess.ServeAsync(["--store", Store], _folder.Path))
        {
            Assert.Equal(0, await server.StopAsync());
        }
        await ChildProcess.RunAsync("chmod", ["404", _folder.File("log.db")]);
        foreach (string folder in (string[])["707", "705"]) // the file alone, then the folder as well
        {
            await ChildProcess.RunAsync("chmod", [folder, _folder.Path]);
            Finished refused = await ChildProcess.RunAsync(
                "setpriv", ["--reuid", "nobody", "--regid", "nogroup", "--clear-groups", BelfryProcess.Command, "serve", "--store", Store, "--urls", "http://127.0.0.1:0"], "/",
                new Dictionary<string, string?> { ["HOME"] = "/nowhere", ["DOTNET_CLI_HOME"] = null });
            Assert.Equal(69, refused.Code);
            Assert.Contains("right to write", OneLine(refused), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_log_that_another_process_locks_is_waited_for_and_then_refused()
    {
        await using (BelfryProcess server = await BelfryProcess.ServeAsync(["--store", Store], _folder.Path))
        {
            Assert.Equal(0, await server.StopAsync());
        }
        await using ChildProcess holder = ChildProcess.Start(Machine.Python, ["-c", """
            import sqlite3, sys, time
            log = sqlite3.connect(sys.argv[1], isolation_level=None)
            log.execute('PRAGMA locking_mode = EXCLUSIVE')
            log.execute('BEGIN EXCLUSIVE')
            print('held', flush=True)
            time.sleep(120)
            """, _folder.File("log.db")]);
        await holder.LineAsync(line => line == "held");
        Finished refused = await ServeAsync();
        Assert.Equal(69, refused.Code);
        Assert.Contains("another process holds it locked", OneLine(refused), StringComparison.Ordinal);
    }

    Task<Finished> ServeAsync() => BelfryProcess.RunAsync(["serve", "--store", Store, "--urls", "http://127.0.0.1:0"], _folder.Path);

    static string OneLine(Finished refused)
    {
        string line = refused.Errors.Trim();
        Assert.StartsWith("belfry: ", line, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', line);
        return line;
    }
}
