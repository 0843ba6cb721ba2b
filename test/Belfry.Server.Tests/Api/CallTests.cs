using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Belfry.Server.Access;

namespace Belfry.Server.Tests.Api;

/// <summary>Calls over the API, on a log whose tasks other processes execute.</summary>
public sealed class CallTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_task_of_a_process_on_this_log_is_called_and_revoked_and_a_key_calls_it_once()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        await server.AddTokenAsync("operator", "operator_token", Scope.Read, Scope.Run, Scope.Manage);
        server.Client.DefaultRequestHeaders.Authorization = new("Bearer", "operator_token");
        await server.AppendAsync(new TaskEvent { Source = "local", Id = "past", Kind = EventKind.Succeeded, At = Now, Task = "send", Worker = "app-1@box" });
        string id = (await PostAsync(server, "/api/v1/tasks/send/call", new { kwargs = new { month = 11 }, countdown = 3600, queue = "mail", priority = 3, key = "november" })).GetProperty("id").GetString()!;
        Assert.Equal(id, (await PostAsync(server, "/api/v1/tasks/send/call", new { key = "november" })).GetProperty("id").GetString());
        TaskRun run = Assert.Single(await server.Log.Queries.FindAsync(id, null, Cancel));
        Assert.Equal((RunState.Pending, "{\"month\":11}", "mail", 3), (run.State, run.Kwargs, run.Queue, run.Priority));
        JsonElement queue = Assert.Single((await server.JsonAsync("/api/v1/queues")).GetProperty("items").EnumerateArray());
        Assert.Equal(("mail", 1), (queue.GetProperty("queue").GetString(), queue.GetProperty("waiting").GetInt32()));
        await PostAsync(server, $"/api/v1/runs/{id}/revoke", new { });
        Assert.Equal(RunState.Cancelled, Assert.Single(await server.Log.Queries.FindAsync(id, null, Cancel)).State);
        await PostAsync(server, $"/api/v1/runs/{id}/revoke", new { }, HttpStatusCode.Conflict);
        string again = (await PostAsync(server, $"/api/v1/runs/{id}/retry", new { })).GetProperty("id").GetString()!;
        await server.Get<AuditTrail>().WriteAsync(all: true, Cancel);
        IReadOnlyList<AuditEntry> audit = await server.Access.AuditAsync(new AuditQuery(Who: "operator"), 100, Cancel);
        Assert.Equal(
            ["run.retry " + id, "run.revoke " + id, "task.call send", "task.call send"],
            audit.Select(row => $"{row.What} {row.About}"));
        Assert.Equal("send as " + again, audit[0].Detail);
    }

    [Fact]
    public async Task A_run_at_work_in_another_process_is_told_to_end()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        await server.AddTokenAsync("operator", "operator_token", Scope.Manage);
        server.Client.DefaultRequestHeaders.Authorization = new("Bearer", "operator_token");
        await server.AppendAsync(new TaskEvent { Source = "local", Id = "slow", Kind = EventKind.Started, At = Now, Task = "import", Worker = "app-1@box" });
        await PostAsync(server, "/api/v1/runs/slow/revoke", new { });
        Assert.Equal("revoked", (await server.Get<ITaskBook>().StopsAsync(Cancel))["slow"]); // each process looks there
    }

    [Fact]
    public async Task A_task_of_a_process_that_only_reports_here_is_refused_by_name()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync([.. SampleEvents.Success("s1", 0)]);
        JsonElement refused = await PostAsync(server, "/api/v1/tasks/shop.orders.import/call", new { }, HttpStatusCode.Conflict);
        Assert.Contains("w1 of 'prod'", refused.GetProperty("detail").GetString(), StringComparison.Ordinal);
        await PostAsync(server, "/api/v1/runs/s1/retry", new { }, HttpStatusCode.Conflict);
        await PostAsync(server, "/api/v1/tasks/nothing/call", new { }, HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("{\"args\":{}}", "args")]
    [InlineData("{\"colour\":1}", "colour")]
    [InlineData("{\"priority\":\"high\"}", "priority")]
    [InlineData("{\"args\":[],\"kwargs\":{}}", "kwargs")]
    [InlineData("{\"expires\":\"2020-01-01T00:00:00Z\"}", "expires")]
    [InlineData("{\"countdown\":5,\"eta\":\"2030-01-01T00:00:00Z\"}", "eta")]
    [InlineData("{\"key\":\"\\ud800\"}", "key")]
    public async Task A_wrong_field_is_named(string body, string field)
    {
        await using ServerHost server = await ServerHost.StartAsync();
        using HttpResponseMessage answer = await server.Client.PostAsync(
            "/api/v1/tasks/send/call", new StringContent(body, System.Text.Encoding.UTF8, "application/json"), Cancel);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal(field, (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("field").GetString());
    }

    [Theory]
    [InlineData("/api/v1/tasks/send/call", "{\"args\":[\"\u00ff\"]}")]
    [InlineData("/api/v1/control/pool-grow", "{\"n\":\"\u00ff\"}")]
    [InlineData("/api/v1/control/pool-grow", "{\"n\":\"\\ud800\"}")]
    public async Task What_is_no_Unicode_is_refused_and_no_error_of_ours(string path, string body)
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        await server.AddTokenAsync("operator", "operator_token", Scope.Run, Scope.Manage);
        server.Client.DefaultRequestHeaders.Authorization = new("Bearer", "operator_token");
        await server.AppendAsync(new TaskEvent { Source = "local", Id = "past", Kind = EventKind.Succeeded, At = Now, Task = "send", Worker = "app-1@box" });
        using var content = new ByteArrayContent(System.Text.Encoding.Latin1.GetBytes(body)); // in which a ÿ is a byte that UTF-8 does not have
        using HttpResponseMessage answer = await server.Client.PostAsync(path, content, Cancel);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Empty(server.Told);
    }

    [Fact]
    public async Task A_misspelt_field_of_what_is_to_be_deleted_is_named()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        await server.AddTokenAsync("manager", "manager_token", Scope.Manage);
        server.Client.DefaultRequestHeaders.Authorization = new("Bearer", "manager_token");
        JsonElement wrong = await PostAsync(server, "/api/v1/runs/purge", new { tsak = "send" }, HttpStatusCode.BadRequest);
        Assert.Equal("tsak", wrong.GetProperty("field").GetString());
        Assert.Equal("all", (await PostAsync(server, "/api/v1/runs/purge", new { source = "s" }, HttpStatusCode.BadRequest)).GetProperty("field").GetString());
    }

    [Fact]
    [Trait("row", "88")]
    public async Task Progress_is_told_by_name_and_context()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        await server.AddTokenAsync("importer", "importer_token", Scope.Write);
        foreach (string file in new[] { "a", "b" })
        {
            await server.AppendAsync(
                new TaskEvent { Source = "local", Id = file, Kind = EventKind.Started, At = Now, Task = "import", Worker = "app-1@box" },
                new TaskEvent { Source = "local", Id = file, Kind = EventKind.Context, At = Now, Task = "import", Worker = "app-1@box", Context = new RunContext("File", null, file) });
        }
        server.Client.DefaultRequestHeaders.Authorization = new("Bearer", "importer_token");
        await PostAsync(server, "/api/v1/tasks/import/progress", new { percent = 40, text = "nearly half", context = new { model = "File", id = "a" } });
        await PostAsync(server, "/api/v1/tasks/import/progress", new { percent = 40, context = new { model = "File", id = "c" } }, HttpStatusCode.NotFound);
        await PostAsync(server, "/api/v1/tasks/import/progress", new { percent = 140 }, HttpStatusCode.BadRequest);
        TaskRun run = Assert.Single(await server.Log.Queries.FindAsync("a", null, Cancel));
        Assert.Equal((40, "nearly half", RunState.Running), (run.Percent, run.Text, run.State));
        Assert.Null(Assert.Single(await server.Log.Queries.FindAsync("b", null, Cancel)).Percent);
        await PostAsync(server, "/api/v1/tasks/import/call", new { }, HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task A_dead_letter_is_listed_until_it_is_called_again()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        TaskEvent called = new() { Source = "local", Id = "killer", Kind = EventKind.Submitted, At = Now, Attempt = 5, Task = "kill", Args = "[1]", Queue = "default" };
        await server.AppendAsync(
            called,
            new TaskEvent { Source = "local", Id = "killer", Kind = EventKind.Started, At = Now + TimeSpan.FromSeconds(1), Attempt = 5, Worker = "app-1@box" },
            new TaskEvent { Source = "local", Id = "killer", Kind = EventKind.Lost, At = Now + TimeSpan.FromSeconds(2), Attempt = 5, Worker = "app-1@box", Reason = CallEvents.DeadLetter });
        Assert.Equal("killer", Assert.Single((await server.JsonAsync("/api/v1/queues/dead")).GetProperty("items").EnumerateArray()).GetProperty("id").GetString());
        string again = (await PostAsync(server, "/api/v1/runs/killer/retry", new { })).GetProperty("id").GetString()!;
        TaskRun run = Assert.Single(await server.Log.Queries.FindAsync(again, null, Cancel));
        Assert.Equal(("killer", "[1]", RunState.Pending), (run.Parent, run.Args, run.State));
        Assert.Empty((await server.JsonAsync("/api/v1/queues/dead")).GetProperty("items").EnumerateArray());
        await PostAsync(server, $"/api/v1/runs/{again}/retry", new { }, HttpStatusCode.Conflict);
    }

    static Instant Now => Instant.Now(TimeProvider.System) - TimeSpan.FromMinutes(1);

    static async Task<JsonElement> PostAsync(ServerHost server, string path, object body, HttpStatusCode wanted = HttpStatusCode.Accepted)
    {
        using HttpResponseMessage answer = await server.Client.PostAsJsonAsync(path, body, Cancel);
        string text = await answer.Content.ReadAsStringAsync(Cancel);
        Assert.True(answer.StatusCode == wanted, $"{path}: {answer.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement.Clone();
    }
}
