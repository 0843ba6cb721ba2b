using System.Text.Json.Nodes;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary><c>belfry migrate --to</c>: a log moves into another store, and whoever kills the copy only delays it.</summary>
public sealed class MoveTests : IDisposable
{
    const int Runs = 100_000;

    readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    string From => $"sqlite://{_folder.File("log.db")}";

    [Fact]
    public async Task A_copy_on_SQLite_that_is_killed_goes_on_and_is_served_when_it_is_whole() => await MoveAsync($"sqlite://{_folder.File("copy.db")}");

    [Fact]
    public async Task A_copy_on_PostgreSQL_that_is_killed_goes_on_and_is_served_when_it_is_whole()
    {
        await using PostgresServer postgres = await PostgresServer.StartAsync();
        await postgres.SqlAsync("postgres", "CREATE DATABASE log");
        await MoveAsync(postgres.UrlOf("log"));
    }

    [Fact]
    public async Task A_copy_shows_how_far_it_is_on_a_terminal_and_nowhere_else()
    {
        await BelfryProcess.NewTokenAsync(_folder.Path, "--store", From);
        Finished quiet = await BelfryProcess.RunAsync(["migrate", "--store", From, "--to", $"sqlite://{_folder.File("quiet.db")}"], _folder.Path);
        Assert.Equal(0, quiet.Code);
        Assert.DoesNotContain("%", quiet.Output + quiet.Errors, StringComparison.Ordinal);
        Finished shown = await ChildProcess.RunAsync(
            "script", ["-qec", $"'{BelfryProcess.Command}' migrate --store '{From}' --to 'sqlite://{_folder.File("shown.db")}'", "/dev/null"], _folder.Path,
            new Dictionary<string, string?> { ["TERM"] = "xterm", ["CI"] = null });
        Assert.Equal(0, shown.Code);
        foreach (string part in (string[])["copying", "comparing", "%"])
        {
            Assert.Contains(part, shown.Output, StringComparison.Ordinal);
        }
    }

    async Task MoveAsync(string to)
    {
        string token = await FillAsync();
        await KillAsync(to);

        Finished refused = await BelfryProcess.RunAsync(["inspect", "logs", "--store", to], _folder.Path);
        // On a machine under load even the last may have been killed before it began.
        string[] states = ["not whole yet", "no log of Belfry's", "is not there"];
        Assert.True(refused.Code == 69 && Array.Exists(states, state => refused.Errors.Contains(state, StringComparison.Ordinal)), refused.Errors);

        Finished copy = await CopyAsync(to);
        Assert.True(copy.Code == 0, copy.Errors);
        JsonNode told = JsonNode.Parse(copy.Output)!;
        Dictionary<string, long> rows = told["tables"]!.AsArray().ToDictionary(table => table!["name"]!.GetValue<string>(), table => table!["rows"]!.GetValue<long>());
        Assert.Equal(Runs, rows["ended runs"]);
        Assert.Equal(1, rows["access_token"]);
        Assert.DoesNotContain(PostgresServer.Password, copy.Output, StringComparison.Ordinal);

        // The same token opens the moved log, and a copy over it is refused.
        Finished again = await CopyAsync(to);
        Assert.Equal(1, again.Code);
        Assert.Contains("holds a log already", again.Errors, StringComparison.Ordinal);
        await using BelfryProcess server = await BelfryProcess.ServeAsync(["--store", to], _folder.Path, token);
        var log = new LogReader(server.Http);
        Assert.Equal(10, (await log.ListAsync("limit=10")).Count);
        Assert.Equal("Completed", Assert.Single(await log.AttemptsAsync(IdOf(77_777))).State);
        Assert.Equal(0, await server.StopAsync());
    }

    /// <summary>Starts the copy and kills it a little later each time, so that it is killed while it writes, and always before it is whole.</summary>
    async Task KillAsync(string to)
    {
        for (int n = 0; n < 3; n++)
        {
            await using ChildProcess copy = ChildProcess.Start(BelfryProcess.Command, ["migrate", "--store", From, "--to", to], _folder.Path);
            await Task.Delay(500 + (n * 40), TestContext.Current.CancellationToken);
            copy.Signal(9);
            await copy.ExitAsync();
        }
    }

    Task<Finished> CopyAsync(string to) => ChildProcess.RunAsync(
        BelfryProcess.Command, ["migrate", "--store", From, "--to", to, "--json"], _folder.Path, limit: TimeSpan.FromMinutes(5));

    /// <summary>A log as a server leaves it, with a token, and so many runs written past it: as many as would take minutes to send.</summary>
    async Task<string> FillAsync()
    {
        string token = await BelfryProcess.NewTokenAsync(_folder.Path, "--store", From);
        Finished filled = await ChildProcess.RunAsync(Machine.Python, ["-c", """
            import sqlite3, sys, uuid
            log = sqlite3.connect(sys.argv[1])
            names = {kind: log.execute('INSERT INTO name(kind, text) VALUES(?, ?) RETURNING id', (kind, text)).fetchone()[0] for kind, text in ((6, 'lab'), (1, 'lab.moved'), (2, 'w1@lab'))}
            rows = ((1795000000000000 + n * 1000000, uuid.UUID(int=n + 2**100).bytes, names[6], names[1], names[2]) for n in range(int(sys.argv[2])))
            log.executemany('INSERT INTO run(at, uid, source, name, state, attempt, worker, redeliveries, bump, started, ended, flags) VALUES(?, ?, ?, ?, 1, 1, ?, 0, 0, 0, 5000, 0)', rows)
            log.commit()
            """, _folder.File("log.db"), $"{Runs}"]);
        return filled.Code == 0 ? token : throw new InvalidOperationException(filled.Errors);
    }

    static string IdOf(int n) => $"00000010-0000-0000-0000-{n:x12}";
}
