using System.Net;
using System.Text.Json;
using Belfry.Storage.Definitions;

namespace Belfry.Server.Tests.Api;

/// <summary><c>GET /api/v1/tasks</c>, <c>/tasks/{name}</c> and <c>/reports/{name}</c>.</summary>
public sealed class TasksTests
{
    static readonly Instant Begin = Instant.Now(TimeProvider.System) - TimeSpan.FromHours(3);

    [Fact]
    public async Task Tasks_are_listed_by_name_with_their_figures_and_latest_run()
    {
        await using ServerHost server = await FilledAsync();
        JsonElement first = await server.JsonAsync("/api/v1/tasks?limit=2"), second = await server.JsonAsync($"/api/v1/tasks?limit=2&cursor={first.GetProperty("next")}");
        JsonElement[] tasks = [.. first.GetProperty("items").EnumerateArray(), .. second.GetProperty("items").EnumerateArray()];
        Assert.Equal(["a/b", "load", "send"], tasks.Select(task => Text(task, "task")));
        Assert.Equal(JsonValueKind.Null, second.GetProperty("next").ValueKind);
        Assert.Equal((10, 2, 8), (tasks[1].GetProperty("runs").GetInt32(), tasks[1].GetProperty("failed").GetInt32(), tasks[1].GetProperty("completed").GetInt32()));
        Assert.Equal(("load-9", "Completed"), (Text(tasks[1].GetProperty("last"), "id"), Text(tasks[1].GetProperty("last"), "state")));
        Assert.Equal(0, tasks[2].GetProperty("runs").GetInt32()); // it only began
        Assert.Equal(HttpStatusCode.BadRequest, (await server.GetAsync("/api/v1/tasks?limit=0")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await server.GetAsync("/api/v1/tasks?what=1")).StatusCode);
    }

    [Fact]
    public async Task A_page_of_tasks_goes_on_behind_a_name_that_ends_in_a_blank()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync([.. new[] { "a ", "b" }.Select(task => new TaskEvent { Source = "s", Id = task, Kind = EventKind.Succeeded, At = Begin, Task = task })]);
        JsonElement first = await server.JsonAsync("/api/v1/tasks?limit=1");
        JsonElement second = await server.JsonAsync($"/api/v1/tasks?limit=1&cursor={Uri.EscapeDataString(Text(first, "next")!)}");
        Assert.Equal(["a ", "b"], new[] { first, second }.Select(page => Text(page.GetProperty("items")[0], "task")));
    }

    [Fact]
    public async Task A_task_tells_its_last_ends_and_what_is_open()
    {
        await using ServerHost server = await FilledAsync();
        JsonElement load = await server.JsonAsync("/api/v1/tasks/load?source=s");
        Assert.Equal(("load-9", "load-9", "load-5"), (Text(load.GetProperty("last"), "id"), Text(load.GetProperty("last_ends").GetProperty("Completed"), "id"), Text(load.GetProperty("last_ends").GetProperty("Failed"), "id")));
        Assert.Equal(["s"], load.GetProperty("sources").EnumerateArray().Select(source => source.GetString()));
        Assert.Empty(load.GetProperty("open").EnumerateArray());
        Assert.Equal("send-1", Text(Assert.Single((await server.JsonAsync("/api/v1/tasks/send")).GetProperty("open").EnumerateArray()), "id"));
        Assert.Equal("a/b", Text(await server.JsonAsync("/api/v1/tasks/a%2Fb"), "task"));
        await server.JsonAsync("/api/v1/tasks/load?source=other", HttpStatusCode.NotFound);
        await server.JsonAsync("/api/v1/tasks/nothing", HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_report_has_bars_and_the_exceptions()
    {
        await using ServerHost server = await FilledAsync();
        JsonElement report = await server.JsonAsync("/api/v1/reports/load");
        Assert.Equal((10, 2, 3600), (report.GetProperty("runs").GetInt32(), report.GetProperty("failed").GetInt32(), report.GetProperty("bar_seconds").GetInt32()));
        Assert.Equal(10, report.GetProperty("bars").EnumerateArray().Sum(bar => bar.GetProperty("runs").GetInt32()));
        JsonElement exception = Assert.Single(report.GetProperty("exceptions").EnumerateArray());
        Assert.Equal(("ValueError", 2), (Text(exception, "exception"), exception.GetProperty("runs").GetInt32()));
        Assert.Equal(1, report.GetProperty("runtime").GetProperty("p50").GetDouble(), 0.02);
        Assert.Equal(0, (await server.JsonAsync("/api/v1/reports/nothing")).GetProperty("runs").GetInt32());
        await server.JsonAsync("/api/v1/reports/load?bar=5", HttpStatusCode.BadRequest);
        await server.JsonAsync("/api/v1/reports/load?from=tomorrow", HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Why_and_next_are_told_of_tasks_that_an_application_registered()
    {
        await using ServerHost server = await FilledAsync();
        using var book = new TaskBook(server.Log);
        await book.RegisterAsync(
            [
                new BookedTask
                {
                    Name = "a/report", Source = "local", Start = "daily & after task 'load'", Options = "{}", Parameters = "[]", Process = "app-1@host", Registered = Begin, Seen = Begin,
                },
            ],
            TestContext.Current.CancellationToken);
        JsonElement why = await server.JsonAsync("/api/v1/tasks/a%2Freport/why");
        Assert.Equal(("a/report", "app-1@host", true), (Text(why, "task"), Text(why, "process"), why.GetProperty("why").GetProperty("holds").GetBoolean()));
        Assert.Equal(["daily", "after task 'load'"], why.GetProperty("why").GetProperty("parts").EnumerateArray().Select(part => Text(part, "text")));
        Assert.Single((await server.JsonAsync("/api/v1/tasks/a%2Freport/next?n=3")).GetProperty("next").EnumerateArray()); // load has ended once since its last start
        JsonElement only = Assert.Single((await server.JsonAsync("/api/v1/tasks?registered=true")).GetProperty("items").EnumerateArray());
        Assert.Equal(("a/report", 0, "daily & after task 'load'"), (Text(only, "task"), only.GetProperty("runs").GetInt32(), Text(only.GetProperty("registered"), "condition")));
        Assert.Equal(["a/b", "a/report", "load", "send"], (await server.JsonAsync("/api/v1/tasks")).GetProperty("items").EnumerateArray().Select(task => Text(task, "task")));
        await server.JsonAsync("/api/v1/tasks?registered=maybe", HttpStatusCode.BadRequest);
        await server.JsonAsync("/api/v1/tasks/load/why", HttpStatusCode.NotFound);
        await server.JsonAsync("/api/v1/tasks/a%2Freport/next?n=0", HttpStatusCode.BadRequest);
    }

    static async Task<ServerHost> FilledAsync()
    {
        ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync([.. Enumerable.Range(0, 10).SelectMany(n => Run("load", n, n % 5 == 0)), .. Run("a/b", 0, fails: false), .. Run("send", 1, fails: false).Take(1)]);
        return server;
    }

    static IEnumerable<TaskEvent> Run(string task, int n, bool fails)
    {
        var started = new TaskEvent { Source = "s", Id = $"{task}-{n}", Kind = EventKind.Started, At = Begin + TimeSpan.FromMinutes(n), Task = task, Worker = "w" };
        return [started, started with { Kind = fails ? EventKind.Failed : EventKind.Succeeded, At = started.At + TimeSpan.FromSeconds(1), Exception = fails ? "ValueError('x')" : null }];
    }

    static string? Text(JsonElement json, string field) => json.GetProperty(field).ToString();
}
