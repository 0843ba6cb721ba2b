using System.Diagnostics;
using System.Text.Json.Nodes;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>Two servers on one PostgreSQL, which watch the same broker.</summary>
public sealed class TwoServersTests
{
    [Fact]
    public async Task One_server_reads_a_source_and_the_other_takes_over_within_seconds_when_it_dies_and_at_once_when_it_stops()
    {
        await using PostgresServer postgres = await PostgresServer.StartAsync();
        await using RedisServer redis = await RedisServer.StartAsync();
        using var folder = new TempFolder();
        string store = postgres.UrlOf("postgres"), token = await BelfryProcess.NewTokenAsync(folder.Path, "--store", store);
        Task<BelfryProcess> ServeAsync() => BelfryProcess.ServeAsync(["--broker", redis.Url, "--store", store], folder.Path, token);

        await using BelfryProcess first = await ServeAsync();
        await ReadersAsync(redis, 1);
        await using BelfryProcess second = await ServeAsync();
        await StandsByAsync(second);
        await ShowsWhatTheOtherReadAsync(second, redis);
        using var end = new CancellationTokenSource();
        Task<List<string>> publishing = PublishAsync(redis, end.Token);
        await new LogReader(second.Http).UntilAsync(await WireEvent.PublishSuccessAsync(redis), "Completed");
        Assert.Equal(1, await ReadersAsync(redis));

        first.Process.Signal(9);
        await ReadersAsync(redis, 0);
        long killed = Stopwatch.GetTimestamp();
        await ReadersAsync(redis, 1);
        Assert.InRange(Stopwatch.GetElapsedTime(killed), TimeSpan.Zero, TimeSpan.FromSeconds(12));
        string after = await WireEvent.PublishSuccessAsync(redis);
        await new LogReader(second.Http).UntilAsync(after, "Completed");

        await using BelfryProcess third = await ServeAsync();
        await StandsByAsync(third);
        Assert.Equal(0, await second.StopAsync());
        long stopped = Stopwatch.GetTimestamp();
        await ReadersAsync(redis, 1);
        Assert.InRange(Stopwatch.GetElapsedTime(stopped), TimeSpan.Zero, TimeSpan.FromSeconds(5));
        string last = await WireEvent.PublishSuccessAsync(redis);
        var log = new LogReader(third.Http);
        await log.UntilAsync(last, "Completed");

        await end.CancelAsync();
        List<string> published = await publishing;
        await log.UntilAsync(published[^1], "Completed");
        int known = 0;
        foreach (string id in published)
        {
            int rows = (await log.AttemptsAsync(id)).Count;
            Assert.InRange(rows, 0, 1); // 0 where nobody listened
            known += rows;
        }
        Assert.InRange(known, 1, published.Count);
        Assert.Equal("0", await postgres.SqlAsync("postgres", "SELECT count(*) - count(DISTINCT id) FROM belfry.run_done"));
        Assert.NotEqual("0", await postgres.SqlAsync("postgres", "SELECT count(*) FROM belfry.gap"));
        Finished repair = await BelfryProcess.RunAsync(["migrate", "--repair-rollups", "--json", "--store", store], folder.Path);
        Assert.Equal(0, JsonNode.Parse(repair.Output)!["rollups"]!["mended"]!.GetValue<long>());
        Assert.DoesNotContain("deadlock", third.Process.Story(), StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The stream of events of the server that stands by has what the other reads.</summary>
    static async Task ShowsWhatTheOtherReadAsync(BelfryProcess standby, RedisServer redis)
    {
        await using Stream stream = await standby.Http.GetStreamAsync(new Uri("/api/v1/events", UriKind.Relative));
        using var lines = new StreamReader(stream);
        string id = await WireEvent.PublishSuccessAsync(redis);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!(await lines.ReadLineAsync(patience.Token))!.Contains(id, StringComparison.Ordinal))
        {
        }
    }

    static Task<string> StandsByAsync(BelfryProcess server) =>
        server.Process.LineAsync(line => line.Contains("is read by another server", StringComparison.Ordinal));

    static async Task<int> ReadersAsync(RedisServer redis) => int.Parse(await redis.AskAsync("PUBSUB", "NUMPAT"), System.Globalization.CultureInfo.InvariantCulture);

    static Task ReadersAsync(RedisServer redis, int wanted) =>
        Eventually.HoldsAsync($"{wanted} servers listen to the events", async () => await ReadersAsync(redis) == wanted);

    static async Task<List<string>> PublishAsync(RedisServer redis, CancellationToken end)
    {
        var ids = new List<string>();
        while (!end.IsCancellationRequested)
        {
            ids.Add(await WireEvent.PublishSuccessAsync(redis));
            await Task.Delay(20, CancellationToken.None);
        }
        return ids;
    }
}
