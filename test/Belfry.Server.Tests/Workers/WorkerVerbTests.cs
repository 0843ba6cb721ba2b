using System.Text.Json;
using Belfry.Server.Access;
using Belfry.Testing;

namespace Belfry.Server.Tests.Workers;

/// <summary><c>belfry inspect</c> and <c>belfry control</c> with real workers, over the broker and by a server.</summary>
public sealed class WorkerVerbTests(WorkerLab lab) : IClassFixture<WorkerLab>
{
    [Theory, Trait("row", "77")]
    [InlineData("ping", "pong")]
    [InlineData("stats", "prefork")]
    [InlineData("queues", "direct")]
    [InlineData("registered max_retries", "lab.add [max_retries=3]")]
    [InlineData("conf", "task_send_sent_event")]
    [InlineData("report", "software -> celery:5")]
    [InlineData("clock", "CLOCK")]
    [InlineData("facts", "lab-lag    0.25")]
    [InlineData("active", "TASK")]
    [InlineData("reserved", "TASK")]
    [InlineData("scheduled", "ETA")]
    [InlineData("revoked", "ID")]
    [InlineData("query nobody", "STATE")]
    [InlineData("memsample", "WORKER")]
    public async Task Workers_are_inspected(string line, string wanted)
    {
        Finished told = await RunAsync($"inspect {line} --broker {lab.Url}");
        Assert.True(told is { Code: 0, Errors: "" or "belfry: 2 workers answered, and have none.\n" }, told.Errors);
        Assert.Contains(wanted, told.Output, StringComparison.Ordinal);
    }

    [Theory, Trait("row", "78")]
    [InlineData("rate-limit lab.add 10/m -d w1@lab", 0, "new rate limit set successfully")]
    [InlineData("rate-limit lab.none 10/m", 1, "unknown task")]
    [InlineData("rate-limit lab.add often", 2, "'rate' is how often")]
    [InlineData("rate-limit lab.add", 2, "RATE")]
    [InlineData("time-limit lab.sleep 60 --soft 30 -d w1@lab", 0, "time limits set successfully")]
    [InlineData("pool-grow 1 -d w1@lab", 0, "pool will grow")]
    [InlineData("autoscale 5 2 -d auto@lab", 0, "autoscale now max=5 min=2")]
    [InlineData("add-consumer more -d w1@lab", 0, "add consumer more")]
    [InlineData("cancel-consumer more -d w1@lab", 0, "no longer consuming from more")]
    [InlineData("enable-events", 0, "task events already enabled")]
    [InlineData("revoke a-run another", 0, "flagged as revoked")]
    [InlineData("terminate a-run --signal KILL", 0, "terminate: tasks unknown")]
    [InlineData("shutdown -d w9@lab -t 0.2", 69, "w9@lab did not answer within 0.2 s and is not connected to its broker.")]
    [InlineData("shutdown -d w9@lab -t soon", 2, "soon")]
    public async Task Workers_are_told_what_to_do(string line, int code, string wanted)
    {
        Finished told = await RunAsync($"control {line} --broker {lab.Url}");
        Assert.True(told.Code == code, $"{told.Code} {told.Errors}");
        Assert.Contains(wanted, told.Output + told.Errors, StringComparison.Ordinal);
    }

    [Fact, Trait("row", "80")]
    public async Task The_cluster_is_shown_as_a_whole_and_drawn()
    {
        Finished workers = await RunAsync($"inspect workers --broker {lab.Url}");
        Assert.Equal(0, workers.Code);
        Assert.Matches(@"w1@lab +online +[0-9]+ +prefork [0-9] +celery", workers.Output);
        JsonElement json = JsonElement.Parse((await RunAsync($"inspect workers --json --broker {lab.Url}")).Output);
        Assert.Equal(["auto@lab", "w1@lab"], json.GetProperty("workers").EnumerateArray().Select(worker => worker.GetProperty("worker").GetString()));
        Finished bindings = await RunAsync($"inspect bindings --broker {lab.Url}");
        Assert.Equal(0, bindings.Code);
        Assert.Matches(@"(?m)^celery +celery +celery$", bindings.Output);
        Finished graph = await RunAsync($"graph --broker {lab.Url}");
        Assert.Equal(0, graph.Code);
        Assert.StartsWith("digraph \"celery\" {", graph.Output, StringComparison.Ordinal);
        foreach (string part in (string[])[$"\"broker\" [label=\"redis://127.0.0.1:{lab.Cluster.Redis.Port}/0\", shape=cylinder];", "\"queue celery\" -> \"worker w1@lab\";", "\"broker\" -> \"queue other\";"])
        {
            Assert.Contains(part, graph.Output, StringComparison.Ordinal);
        }
        await using RedisServer empty = await RedisServer.StartAsync();
        Assert.Equal(69, (await RunAsync($"inspect workers --broker {empty.Url} -t 0.2")).Code);
        Assert.Equal(69, (await RunAsync($"graph --broker {empty.Url} -t 0.2")).Code);
    }

    [Fact]
    public async Task A_server_is_asked_to_with_the_same_words()
    {
        await using ServerHost host = await lab.ServeAsync();
        await host.AddTokenAsync("manager", "belfry_test_manager", Scope.Manage, Scope.Read);
        string server = $"--server {host.Client.BaseAddress} --token belfry_test_manager";
        Finished here = await RunAsync($"inspect queues --json --broker {lab.Url}"), there = await RunAsync($"inspect queues --json {server}");
        Assert.Equal(0, there.Code);
        Assert.Equal(JsonElement.Parse(here.Output).GetProperty("replies").GetRawText(), JsonElement.Parse(there.Output).GetProperty("replies").GetRawText());
        Assert.Matches(@"(?m)^celery +celery +celery$", (await RunAsync($"inspect bindings {server}")).Output);
        Assert.Contains("\"queue celery\" -> \"worker w1@lab\";", (await RunAsync($"graph {server}")).Output, StringComparison.Ordinal);
        Assert.Contains("add consumer told", (await RunAsync($"control add-consumer told -d w1@lab {server}")).Output, StringComparison.Ordinal);
        Assert.Equal(69, (await RunAsync($"inspect ping -d w9@lab -t 0.2 {server}")).Code);
        Assert.Equal(2, (await RunAsync($"control rate-limit t often {server}")).Code);
        Assert.Equal(2, (await RunAsync($"inspect ping --broker {lab.Url} {server}")).Code);
    }

    [Fact, Trait("row", "79")]
    public async Task Without_workers_or_a_broker_the_command_ends_with_69_and_a_sentence()
    {
        await using RedisServer empty = await RedisServer.StartAsync();
        Finished nobody = await RunAsync($"inspect ping --broker {empty.Url} -t 0.2");
        Assert.Equal((69, "belfry: Nobody answered within 0.2 s: no worker of celery is connected to its broker.\n"), (nobody.Code, nobody.Errors));
        Finished away = await RunAsync($"inspect ping --broker redis://127.0.0.1:{Machine.FreePort()}/0");
        Assert.Equal(69, away.Code);
        Assert.Contains("cannot be reached", away.Errors, StringComparison.Ordinal);
        Finished which = await RunAsync("inspect ping");
        Assert.Equal(2, which.Code);
        Assert.Contains("which Celery cluster?", which.Errors, StringComparison.Ordinal);
    }

    static async Task<Finished> RunAsync(string line)
    {
        using var folder = new TempFolder();
        return await BelfryProcess.RunAsync(line.Split(' '), folder.Path);
    }
}
