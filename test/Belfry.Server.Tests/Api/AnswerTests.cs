using System.Text.Json;
using Belfry.Server.Sources;
using Belfry.Server.Tests.Workers;
using Belfry.Testing;

namespace Belfry.Server.Tests.Api;

/// <summary>What the API answers about a real cluster, and about runs of all kinds, is as it is described.</summary>
public sealed class AnswerTests(WorkerLab lab) : IClassFixture<WorkerLab>
{
    static readonly Instant Now = Instant.Now(TimeProvider.System);

    /// <summary>Addresses to ask, by path; one that has none here is asked as it stands.</summary>
    static readonly Dictionary<string, string[]> Asked = new()
    {
        ["/api/v1/runs"] = ["", "?limit=1", "?state=nothing"],
        ["/api/v1/runs/{id}"] = ["failed?source=s", "child", "failed", "nobody", "both"],
        ["/api/v1/runs/{id}/result"] = ["CALLED/result?wait=5", "failed/result", "nobody/result", "both/result", "failed/result?wait=soon"],
        ["/api/v1/tasks"] = ["", "?limit=1", "?registered=true"],
        ["/api/v1/tasks/{name}"] = ["shop.orders.import", "nobody"],
        ["/api/v1/tasks/{name}/why"] = ["load/why", "nobody/why"],
        ["/api/v1/tasks/{name}/next"] = ["load/next?n=2"],
        ["/api/v1/reports/{name}"] = ["shop.orders.import"],
        ["/api/v1/statistics"] = ["", "?by=worker&bar=3600", "?by=exception", "?by=colour"],
        ["/api/v1/workers/{name}"] = ["w1%40lab", "nobody"],
        ["/api/v1/inspect/{command}"] = [.. Celery.Control.WorkerCommand.Inspections.Select(command => command.Name == "query" ? "query?id=CALLED" : command.Name), "ping?worker=nobody&timeout=0.1", "colour"],
        ["/api/v1/bindings"] = ["?source=lab", "?source=nobody", "?source=gone", ""],
        ["/api/v1/queues/{name}/messages"] = ["waiting/messages?source=lab", "waiting/messages?source=gone", "waiting/messages?source=nobody"],
        ["/api/v1/audit"] = ["", "?limit=1"],
        ["/api/v1/events"] = [],
    };

    [Fact]
    public async Task Every_answer_is_as_it_is_described()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true, change: settings => settings.Sources =
            [new SourceSettings { Name = "lab", Broker = lab.Url }, new SourceSettings { Name = "gone", Broker = $"redis://127.0.0.1:{Machine.FreePort()}/0" }]);
        await server.AddTokenAsync("all", "token of all", Belfry.Server.Access.Scope.Admin);
        server.Client.DefaultRequestHeaders.Add("Authorization", "Bearer token of all");
        string called = await FillAsync(server);
        var problems = new List<string>();
        foreach ((string method, string path, _) in OpenApiTests.Operations().Where(one => one.Method == "GET"))
        {
            foreach (string rest in Asked.GetValueOrDefault(path, [""]))
            {
                string address = (path.Contains('{', StringComparison.Ordinal) ? path[..path.IndexOf('{', StringComparison.Ordinal)] : path) + rest.Replace("CALLED", called, StringComparison.Ordinal);
                if (address.StartsWith("/api/v1/inspect/", StringComparison.Ordinal))
                {
                    address += address.Contains('?', StringComparison.Ordinal) ? "&source=lab" : "?source=lab";
                }
                using HttpResponseMessage answer = await server.GetAsync(address);
                problems.AddRange(OpenApiTests.Problems(method, path, answer, await answer.Content.ReadAsStringAsync(ServerHost.Cancel)).Select(problem => $"{address}: {problem}"));
            }
        }
        Assert.Empty(problems);
    }

    async Task<string> FillAsync(ServerHost server)
    {
        await server.AppendAsync(
        [
            .. SampleEvents.Success("good", 0), .. SampleEvents.Failure("failed", 10), SampleEvents.New("child", EventKind.Submitted, 20) with { Parent = "failed", Root = "failed" },
            .. SampleEvents.Success("both", 30), .. SampleEvents.Success("both", 30, "other"),
            New("now", EventKind.Started, 3600 * 7) with { Percent = 40, Text = "half", Context = new RunContext("shop", "order", "7"), Extra = """{"colour": "red"}""", Priority = 3, Eta = Now },
            New("now-2", EventKind.Succeeded, 60) with { Runtime = 1.5, Reconciled = true, Until = Now },
            New("now-3", EventKind.Failed, 50) with { Exception = "ValueError('x')" },
        ]);
        await server.Get<ITaskBook>().RegisterAsync(
            [new BookedTask { Name = "load", Source = "local", Start = "every 10 minutes", Options = "{}", Parameters = "[]", Process = "app-1@host", Registered = Now, Seen = Now }], ServerHost.Cancel);
        await lab.Cluster.SendAsync("lab.add", [1, 2], new { queue = "waiting", priority = 6 });
        string called = await lab.Cluster.SendAsync("lab.add", [1, 2]);
        await Eventually.HoldsAsync("the log knows it", async () => (await server.Log.Queries.FindAsync(called, "lab", ServerHost.Cancel)).Any(run => run.State == RunState.Completed));
        await Eventually.HoldsAsync("facts are noted", async () => (await server.JsonAsync("/api/v1/facts")).GetProperty("items").GetArrayLength() > 0);
        return called;
    }

    static TaskEvent New(string id, EventKind kind, double secondsAgo) => new()
    {
        Source = "s", Id = id, Kind = kind, At = Now - TimeSpan.FromSeconds(secondsAgo), Task = "shop.orders.import", Worker = "w1", Queue = "imports",
    };
}
