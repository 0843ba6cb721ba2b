using System.Text.Json;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>Workers on RabbitMQ, inspected and told what to do by the command, straight and by a server.</summary>
public sealed class RabbitWorkersTests(SharedRabbit shared)
{
    [Fact]
    [Trait("row", "77")]
    [Trait("row", "78")]
    [Trait("row", "79")]
    public async Task Workers_are_inspected_told_and_missed()
    {
        using var folder = new TempFolder();
        await using CeleryCluster cluster = CeleryCluster.StartOn((await shared.ServerAsync()).NewUrl());
        await cluster.StartWorkerAsync();
        await using CeleryWorker solo = await cluster.StartWorkerAsync(new CeleryWorkerOptions { Name = "solo@lab", Pool = "solo", Queues = "solo", Concurrency = 1 });
        string straight = $"--broker {cluster.Url}";
        foreach ((string line, int code, string wanted) in new[]
        {
            ("inspect workers", 0, "w1@lab    online"), ("inspect stats", 0, "solo"), ("inspect active", 0, "TASK"), ("inspect queues", 0, "direct"), ("inspect registered", 0, "lab.ok"),
            ("inspect conf -d w1@lab", 0, "broker_url"), ("inspect report -d w1@lab", 0, "transport:amqp"), ("inspect facts", 0, "lab-lag"), ("inspect bindings", 0, "RabbitMQ tells bindings to its own tools only"),
            ("graph", 0, "\"queue celery\" -> \"worker w1@lab\";"), ("control add-consumer more -d w1@lab", 0, "add consumer more"), ("control rate-limit lab.add 5/s", 0, "new rate limit set"),
            ("control rate-limit lab.none 5/s", 1, "unknown task"), ("inspect ping -d w9@lab -t 0.3", 69, "w9@lab did not answer within 0.3 s and is not connected to its broker."),
        })
        {
            Finished told = await RunAsync(folder, $"{line} {straight}");
            Assert.True(told.Code == code && (told.Output + told.Errors).Contains(wanted, StringComparison.Ordinal), $"{line}: {told.Code}\n{told.Output}{told.Errors}");
        }

        await cluster.SendAsync("lab.sleep", [60], new { queue = "solo" });
        Finished ping = await Eventually.GetAsync("the worker is busy", async () =>
            await RunAsync(folder, $"inspect ping -d solo@lab -t 0.3 {straight}") is { } said && said.Output.Contains("busy", StringComparison.Ordinal) ? said : null);
        Assert.Equal(0, ping.Code);

        string token = await BelfryProcess.NewTokenAsync(folder.Path, "--scope", "manage", "--scope", "read");
        await using BelfryProcess server = await BelfryProcess.ServeAsync(["--broker", cluster.Url], folder.Path, token);
        await Eventually.HoldsAsync("the server knows the worker", async () => (await server.Http.GetStringAsync("api/v1/workers")).Contains("w1@lab", StringComparison.Ordinal));
        Finished asked = await RunAsync(folder, $"inspect queues -d w1@lab --json --server {server.Address} --token {token}");
        Assert.Equal(["celery", "more"], JsonElement.Parse(asked.Output).GetProperty("replies").GetProperty("w1@lab").EnumerateArray().Select(queue => queue.GetProperty("name").GetString()).Order());
        Assert.Contains("no longer consuming from more", (await RunAsync(folder, $"control cancel-consumer more -d w1@lab --server {server.Address} --token {token}")).Output, StringComparison.Ordinal);
    }

    static Task<Finished> RunAsync(TempFolder folder, string line) => BelfryProcess.RunAsync(line.Split(' '), folder.Path);
}
