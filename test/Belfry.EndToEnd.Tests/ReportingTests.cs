using System.Text.Json.Nodes;
using Belfry.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.EndToEnd.Tests;

/// <summary>An application without a store reports to a server that is away, killed, and there again.</summary>
public sealed class ReportingTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("row", "49")]
    public async Task Whatever_happens_to_the_server_it_has_every_run_once_in_the_end()
    {
        using var folder = new TempFolder();
        string store = $"sqlite://{folder.File("log.db")}";
        string token = await BelfryProcess.NewTokenAsync(folder.Path, "--store", store, "--scope", "write", "--scope", "read");
        int port = Machine.FreePort(), sent = 0;
        var options = new ServerLogOptions { Folder = folder.File("spool"), LongestPause = TimeSpan.FromSeconds(1), Timeout = TimeSpan.FromSeconds(5), EventsAtOnce = 100, Wait = TimeSpan.FromMilliseconds(20) };
        await using (var log = new ServerLog(new Uri($"http://127.0.0.1:{port}"), token, "shop", options, TimeProvider.System, NullLogger.Instance))
        {
            await AppendAsync(log, 300); // refused: nobody is there
            await Eventually.HoldsAsync("it is refused", () => log.Problem is not null);
            for (int kill = 0; kill < Soak.Count(3, 30); kill++)
            {
                await using BelfryProcess server = await BelfryProcess.ServeAsync(["--store", store], folder.Path, token, port: port);
                for (int i = 0; i < 20; i++)
                {
                    await AppendAsync(log, 25);
                    await Task.Delay(5 + (kill * 7 % 20), Cancel);
                }
                server.Process.Signal(9);
                await server.Process.ExitAsync();
                await AppendAsync(log, 50);
            }
            Assert.True(log.Waiting > 0);
        }
        await using BelfryProcess last = await BelfryProcess.ServeAsync(["--store", store], folder.Path, token, port: port);
        await using (var log = new ServerLog(new Uri($"http://127.0.0.1:{port}"), token, "shop", options, TimeProvider.System, NullLogger.Instance))
        {
            await Eventually.HoldsAsync("the spool is empty", () => log.Waiting == 0); // of the process before
            Assert.Equal((0, null), (log.Refused, log.Problem));
        }
        (List<string> ids, bool allEnded) = await RunsAsync(last.Http);
        Assert.Equal(Enumerable.Range(0, sent).Select(n => $"run-{n}").Order(StringComparer.Ordinal), ids.Order(StringComparer.Ordinal));
        Assert.True(allEnded);

        async Task AppendAsync(ServerLog log, int runs)
        {
            for (int i = 0; i < runs; i++)
            {
                int n = sent++;
                var start = new TaskEvent { Source = "shop", Id = $"run-{n}", Kind = EventKind.Started, At = Instant.Now(TimeProvider.System), Task = "import", Attempt = 1, Worker = "w" };
                await log.AppendAsync([start], Cancel);
                await log.AppendAsync([start with { Kind = EventKind.Succeeded, At = start.At + TimeSpan.FromMilliseconds(1), Result = $"{n}" }], Cancel);
            }
        }
    }

    static async Task<(List<string> Ids, bool AllEnded)> RunsAsync(HttpClient http)
    {
        var ids = new List<string>();
        bool ended = true;
        for (string? cursor = ""; cursor is not null;)
        {
            JsonNode page = JsonNode.Parse(await http.GetStringAsync(new Uri($"/api/v1/runs?source=shop&limit=1000{(cursor.Length == 0 ? "" : $"&cursor={cursor}")}", UriKind.Relative), Cancel))!;
            ids.AddRange(page["items"]!.AsArray().Select(run => run!["id"]!.GetValue<string>()));
            ended &= page["items"]!.AsArray().All(run => run!["state"]!.GetValue<string>() == "Completed");
            cursor = page["next"]?.GetValue<string>();
        }
        return (ids, ended);
    }
}
