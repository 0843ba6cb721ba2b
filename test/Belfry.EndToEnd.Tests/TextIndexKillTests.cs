using System.Text;
using System.Text.Json.Nodes;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>The full-text index of a server that is killed while it builds and follows.</summary>
public sealed class TextIndexKillTests
{
    static readonly Dictionary<string, string?> Settings = new() { ["BELFRY__Log__FullTextIndex"] = "true", ["BELFRY__Retention__Age"] = "" };

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task On_SQLite_it_goes_on_after_every_kill_and_finds_what_was_acknowledged()
    {
        using var folder = new TempFolder();
        await KillAsync(folder, $"sqlite://{folder.File("log.db")}", Soak.Count(3, 30));
    }

    [Fact]
    public async Task On_PostgreSQL_it_goes_on_after_every_kill_and_finds_what_was_acknowledged()
    {
        await using PostgresServer postgres = await PostgresServer.StartAsync();
        await postgres.SqlAsync("postgres", "CREATE DATABASE log");
        using var folder = new TempFolder();
        await KillAsync(folder, postgres.UrlOf("log"), Soak.Count(2, 20));
    }

    static async Task KillAsync(TempFolder folder, string store, int kills)
    {
        string token = await BelfryProcess.NewTokenAsync(folder.Path, "--store", store, "--scope", "write", "--scope", "read");
        int runs = 0;
        for (int kill = 0; kill < kills; kill++)
        {
            await using BelfryProcess server = await BelfryProcess.ServeAsync(["--store", store], folder.Path, token, Settings);
            for (int request = 0; request < 10 + kill; request++)
            {
                var lines = new StringBuilder();
                for (int n = runs; n < runs + 100; n++)
                {
                    lines.Append($"{{\"id\": \"run-{n}\", \"kind\": \"succeeded\", \"at\": {1_780_000_000 + (n * 977 % 2_000_000)}, \"task\": \"import\", \"args\": \"invoice {n % 7} of number {n}!\"}}\n");
                }
                using var body = new StringContent(lines.ToString());
                using HttpResponseMessage answer = await server.Http.PostAsync(new Uri("/api/v1/events", UriKind.Relative), body, Cancel);
                Assert.True((int)answer.StatusCode == 202, await answer.Content.ReadAsStringAsync(Cancel));
                runs += 100;
            }
            server.Process.Signal(9);
            await server.Process.ExitAsync();
        }
        await using BelfryProcess last = await BelfryProcess.ServeAsync(["--store", store], folder.Path, token, Settings);
        await FindsAllAsync(last, runs); // while it is still behind, perhaps
        await Eventually.HoldsAsync("the index has followed", async () => (await DoctorAsync(folder.Path, store)).Contains("up to date", StringComparison.Ordinal), TimeSpan.FromMinutes(2));
        await FindsAllAsync(last, runs);
    }

    static async Task<string> DoctorAsync(string folder, string store)
    {
        Finished doctor = await BelfryProcess.RunAsync(["doctor", "--store", store], folder, Settings);
        return doctor.Output + doctor.Errors;
    }

    static async Task FindsAllAsync(BelfryProcess server, int runs)
    {
        foreach (int n in Enumerable.Range(0, runs).Where(n => n % 97 == 0))
        {
            Assert.Equal([$"run-{n}"], await SearchAsync(server, $"\"number {n}!\""));
        }
        var found = new List<string>();
        foreach (int n in Enumerable.Range(0, 7))
        {
            found.AddRange(await SearchAsync(server, $"\"invoice {n} of\""));
        }
        Assert.Equal(runs, found.Distinct().Count());
        Assert.Equal(runs, found.Count);
    }

    static async Task<List<string>> SearchAsync(BelfryProcess server, string text)
    {
        var ids = new List<string>();
        for (string? cursor = ""; cursor is not null;)
        {
            string path = $"/api/v1/runs?limit=1000&q={Uri.EscapeDataString(text)}{(cursor.Length == 0 ? "" : $"&cursor={cursor}")}";
            JsonNode page = JsonNode.Parse(await server.Http.GetStringAsync(new Uri(path, UriKind.Relative), Cancel))!;
            ids.AddRange(page["items"]!.AsArray().Select(run => run!["id"]!.GetValue<string>()));
            cursor = page["next"]?.GetValue<string>();
        }
        return ids;
    }
}
