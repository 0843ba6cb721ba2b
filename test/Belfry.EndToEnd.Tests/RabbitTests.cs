using System.Diagnostics;
using Belfry.Testing;

[assembly: AssemblyFixture(typeof(SharedRabbit))]

namespace Belfry.EndToEnd.Tests;

/// <summary>A real cluster on RabbitMQ and a real <c>belfry serve</c>, in times that are not easy.</summary>
public sealed class RabbitTests(SharedRabbit shared)
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(Soak.Count(2, 20));

    [Fact]
    public async Task A_kill_of_Belfry_while_thousands_run_leaves_a_whole_log()
    {
        await using CeleryCluster cluster = CeleryCluster.StartOn((await shared.ServerAsync()).NewUrl());
        await using Watched belfry = await Watched.StartAsync(cluster.Url);
        await belfry.ReadsQueueAsync();
        await cluster.StartWorkerAsync(new CeleryWorkerOptions { Concurrency = 4 });
        var ids = new List<string>();
        for (int kill = 0; kill < 3; kill++)
        {
            ids.AddRange(await cluster.SendManyAsync("lab.sleep", [0.02], Soak.Count(150, 3_400)));
            belfry.Server.Process.Signal(9);
            await belfry.Server.Process.ExitAsync();
            ids.AddRange(await cluster.SendManyAsync("lab.ok", [], 20));
            await belfry.StartAgainAsync();
        }
        await AllCompletedAsync(belfry, ids);
        Assert.Empty((await belfry.Log.GetAsync("/api/v1/runs?state=lost"))["items"]!.AsArray());
        Assert.DoesNotContain("gaps", await belfry.DoctorAsync(), StringComparison.Ordinal);
        Finished repair = await belfry.AskAsync("migrate", "--repair-rollups", "--json");
        Assert.Contains("\"mended\":0", repair.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_network_that_is_cut_delays_the_log_and_takes_nothing_from_it()
    {
        RabbitServer rabbit = await shared.ServerAsync();
        string virtualHost = rabbit.NewVirtualHost();
        await using TcpProxy proxy = TcpProxy.Start(rabbit.Port);
        await using CeleryCluster cluster = CeleryCluster.StartOn(rabbit.UrlOf(virtualHost));
        await using Watched belfry = await Watched.StartAsync(rabbit.UrlOf(virtualHost, port: proxy.Port));
        await belfry.ReadsQueueAsync();
        await cluster.StartWorkerAsync();
        var ids = new List<string>(await cluster.SendManyAsync("lab.ok", [], 50));
        await belfry.Log.UntilAsync(ids[^1], "Completed");
        proxy.Cut();
        long cut = Stopwatch.GetTimestamp();
        ids.AddRange(await cluster.SendManyAsync("lab.ok", [], 100));
        await Eventually.HoldsAsync("the cut is over", () => Stopwatch.GetElapsedTime(cut) > TimeSpan.FromSeconds(Soak.Count(6, 30)));
        proxy.Mend();
        await AllCompletedAsync(belfry, ids);
        Assert.DoesNotContain("gaps", await belfry.DoctorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_server_on_the_store_takes_over_and_misses_nothing()
    {
        await using PostgresServer postgres = await PostgresServer.StartAsync();
        await using CeleryCluster cluster = CeleryCluster.StartOn((await shared.ServerAsync()).NewUrl());
        using var folder = new TempFolder();
        string store = postgres.UrlOf("postgres"), token = await BelfryProcess.NewTokenAsync(folder.Path, "--store", store);
        Task<BelfryProcess> ServeAsync() => BelfryProcess.ServeAsync(["--broker", cluster.Url, "--store", store], folder.Path, token);
        await using BelfryProcess first = await ServeAsync();
        await first.Process.LineAsync(line => line.Contains("messages wait in", StringComparison.Ordinal));
        await using BelfryProcess second = await ServeAsync();
        await second.Process.LineAsync(line => line.Contains("is read by another server", StringComparison.Ordinal));
        await cluster.StartWorkerAsync();
        List<string> ids = [.. await cluster.SendManyAsync("lab.ok", [], 100)];
        first.Process.Signal(9);
        ids.AddRange(await cluster.SendManyAsync("lab.ok", [], 100));
        await AllCompletedAsync(new LogReader(second.Http), ids);
        Assert.Equal("0", await postgres.SqlAsync("postgres", "SELECT count(*) FROM belfry.gap"));
    }

    [Fact]
    public async Task The_doctor_names_the_broker_and_what_it_refuses()
    {
        RabbitServer rabbit = await shared.ServerAsync();
        string virtualHost = rabbit.NewVirtualHost();
        using var folder = new TempFolder();
        async Task<string> DoctorAsync(string url) =>
            (await BelfryProcess.RunAsync(["doctor", "--store", $"sqlite://{folder.File("log.db")}"], folder.Path, new Dictionary<string, string?> { ["BELFRY__Sources__0__Broker"] = url })).Output;
        Assert.Contains("RabbitMQ 3.10", await DoctorAsync(rabbit.UrlOf(virtualHost)), StringComparison.Ordinal);
        string wrong = await DoctorAsync(rabbit.UrlOf(virtualHost, password: "wrongword"));
        Assert.Contains("refused the login of belfry", wrong, StringComparison.Ordinal);
        Assert.DoesNotContain("wrongword", wrong, StringComparison.Ordinal);
        string powerless = await DoctorAsync(rabbit.UrlOf(virtualHost, RabbitServer.Powerless));
        Assert.Contains("access to queue 'celeryev.belfry.celery", powerless, StringComparison.Ordinal);
        Assert.Contains("rabbitmqctl set_permissions", powerless, StringComparison.Ordinal);
    }

    static Task AllCompletedAsync(Watched belfry, IReadOnlyList<string> ids) => AllCompletedAsync(belfry.Log, ids);

    static async Task AllCompletedAsync(LogReader log, IReadOnlyList<string> ids)
    {
        foreach (string id in ids)
        {
            IReadOnlyList<LoggedRun> attempts = await log.UntilAsync(id, "Completed", Patience);
            LoggedRun run = Assert.Single(attempts);
            Assert.True(run.Submitted is not null && run.Received is not null && run.Started is not null && run.Finished is not null, $"{run}");
        }
    }
}
