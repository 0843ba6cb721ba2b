using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Belfry.Server.Access;
using Belfry.Storage;
using Belfry.Testing;

namespace Belfry.Server.Tests.Workers;

/// <summary>Real workers, asked and told over the API.</summary>
public sealed class ControlApiTests(WorkerLab lab) : IClassFixture<WorkerLab>
{
    const string Manager = "belfry_test_manager";

    [Fact, Trait("row", "71")]
    public async Task What_components_of_a_worker_tell_of_their_health_is_noted_and_stays_when_it_is_silent()
    {
        await using ServerHost host = (await lab.ServeAsync()).WithToken();
        JsonElement noted = await Eventually.GetAsync("the facts are noted", async () =>
            (await host.JsonAsync("/api/v1/workers/w1%40lab")).GetProperty("noted_facts") is var facts && facts.GetArrayLength() > 0 ? (object)facts : null) is JsonElement all ? all : default;
        Assert.Equal(
            ["lab-feeds.password=‹hidden›", "lab-feeds.topics=[\"alerts\",\"notices\"]", "lab-feeds.up=1", "lab-lag=0.25"],
            noted.EnumerateArray().Select(fact => $"{fact.GetProperty("fact").GetString()}={(fact.TryGetProperty("value", out JsonElement value) ? value : fact.GetProperty("text"))}").Order(StringComparer.Ordinal));
        Assert.Equal("w1@lab", (await host.JsonAsync("/api/v1/facts?source=lab&worker=w1@lab")).GetProperty("items")[0].GetProperty("worker").GetString());
        Instant now = Instant.Now(TimeProvider.System);
        Assert.NotEmpty(await host.Log.Queries.SamplesAsync("lab", SampleKinds.WorkerFact, "w1@lab lab-lag", now - TimeSpan.FromHours(1), now + TimeSpan.FromHours(1), TimeSpan.FromMinutes(1), ServerHost.Cancel));
    }

    [Fact, Trait("row", "77")]
    public async Task Every_inspection_is_answered_by_real_workers_with_secrets_hidden()
    {
        await using ServerHost host = (await lab.ServeAsync()).WithToken();
        await lab.Cluster.SendAsync("lab.sleep", [3], new { argsrepr = "(3)" });
        string later = await lab.Cluster.SendAsync("lab.add", [1, 2], new { countdown = 600 });
        foreach ((string command, string wanted) in new[]
        {
            ("ping", """{"ok":"pong"}"""), ("active", "["), ("reserved", "["), ("revoked", "["), ("registered", "\"lab.ok\""), ("registered?attributes=max_retries", "lab.add [max_retries=3]"),
            ("stats", "\"prefetch_count\""), ("queues", "\"routing_key\":\"celery\""), ("conf", "\"task_send_sent_event\":true"), ("conf?defaults=true", "\"worker_concurrency\""),
            ("report", "software -\\u003E celery:5"), ("clock", "\"clock\""), ("memsample", ""), ("facts", "\"topics\":[\"alerts\",\"notices\"]"),
        })
        {
            JsonElement said = await host.JsonAsync($"/api/v1/inspect/{command}");
            Assert.Equal(("lab", 2, 0), (said.GetProperty("source").GetString(), said.GetProperty("replies").EnumerateObject().Count(), said.GetProperty("silent").GetArrayLength()));
            Assert.Contains(wanted, JsonSerializer.Serialize(said.GetProperty("replies").GetProperty("w1@lab")), StringComparison.Ordinal);
            Assert.DoesNotContain("hunter2", said.GetRawText(), StringComparison.Ordinal);
        }
        await Eventually.HoldsAsync("the run is held until its time comes", async () => (await host.JsonAsync("/api/v1/inspect/scheduled?worker=w1@lab")).GetRawText().Contains(later, StringComparison.Ordinal));
        await lab.Cluster.RevokeAsync(later);
    }

    [Fact]
    public async Task A_run_at_work_is_found_and_its_secret_arguments_are_hidden()
    {
        await using ServerHost host = (await lab.ServeAsync()).WithToken();
        string id = await lab.Cluster.SendAsync("lab.sleep", [5]);
        JsonElement state = await Eventually.GetAsync("the run is at work", async () =>
            (await host.JsonAsync($"/api/v1/inspect/query?id={id}")).GetProperty("replies").GetProperty("w1@lab") is { } runs && runs.TryGetProperty(id, out JsonElement run) && run[0].GetString() == "active" ? (object)run : null) is JsonElement found ? found : default;
        Assert.Equal("lab.sleep", state[1].GetProperty("name").GetString());
        JsonElement worker = await host.JsonAsync("/api/v1/workers/w1%40lab");
        Assert.Contains(worker.GetProperty("runs").EnumerateArray(), run => run.GetProperty("id").GetString() == id);
        Assert.Equal(("lab", "connected", true), (worker.GetProperty("source").GetString(), worker.GetProperty("presence").GetString(), worker.GetProperty("online").GetBoolean()));
        Assert.Equal("celery", worker.GetProperty("queues")[0].GetProperty("name").GetString());
        Assert.Equal((1, "‹hidden›"), (worker.GetProperty("facts").GetProperty("lab-feeds").GetProperty("up").GetInt32(), worker.GetProperty("facts").GetProperty("lab-feeds").GetProperty("password").GetString()));
    }

    [Fact, Trait("row", "78")]
    public async Task Every_command_is_obeyed_by_real_workers_and_stands_in_the_audit()
    {
        await using ServerHost host = await lab.ServeAsync();
        await host.AddTokenAsync("manager", Manager, Scope.Manage);
        foreach ((string command, object body, string wanted) in new (string, object, string)[]
        {
            ("rate-limit", new { task = "lab.add", rate = "10/m", workers = "w1@lab" }, "new rate limit set successfully"),
            ("rate-limit", new { task = "lab.add", rate = "0", workers = "w1@lab" }, "new rate limit set successfully"),
            ("time-limit", new { task = "lab.sleep", hard = 600, soft = 300, workers = "w1@lab" }, "time limits set successfully"),
            ("pool-grow", new { n = 1, workers = "w1@lab" }, "pool will grow"),
            ("pool-shrink", new { workers = "w1@lab" }, "pool will shrink"),
            ("pool-restart", new { workers = "w1@lab" }, "reload started"),
            ("autoscale", new { max = 4, min = 1, workers = "auto@lab" }, "autoscale now max=4 min=1"),
            ("autoscale", new { max = 4, min = 1, workers = "w1@lab" }, "Autoscale not enabled"),
            ("add-consumer", new { queue = "extra", workers = new[] { "w1@lab" } }, "add consumer extra"),
            ("cancel-consumer", new { queue = "extra", workers = new[] { "w1@lab" } }, "no longer consuming from extra"),
            ("disable-events", new { workers = "auto@lab" }, "task events "),
            ("enable-events", new { workers = "auto@lab" }, "task events "),
            ("revoke", new { id = new[] { "no-such-run", "nor-this" } }, "flagged as revoked"),
            ("terminate", new { id = "no-such-run", signal = "KILL" }, "terminate: tasks unknown"),
        })
        {
            JsonElement said = await PostAsync(host, command, body, HttpStatusCode.OK);
            Assert.Contains(wanted, said.GetProperty("replies").GetRawText(), StringComparison.Ordinal);
        }
        string[] audited = [.. await Eventually.GetAsync("the audit", async () =>
            (await host.Access.AuditAsync(new AuditQuery(What: "control"), 100, ServerHost.Cancel)) is { Count: 14 } rows ? rows.Select(row => $"{row.Actor.Name} {row.What} {row.About} {row.Detail}").ToArray() : null)];
        Assert.Contains("manager control.rate-limit w1@lab task lab.add, rate 10/m, 1 answered", audited);
        Assert.Contains("manager control.revoke all workers of lab id no-such-run nor-this, 2 answered", audited);
    }

    [Fact, Trait("row", "118")]
    public async Task Who_tells_workers_something_and_leaves_before_the_answer_stands_in_the_audit()
    {
        await using ServerHost host = await lab.ServeAsync();
        await host.AddTokenAsync("manager", Manager, Scope.Manage);
        host.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Manager);
        await host.AddTokenAsync("onlooker", "onlooker_token", Scope.Read);
        using var leaves = new CancellationTokenSource();
        Task<HttpResponseMessage> told = host.Client.PostAsJsonAsync("/api/v1/control/rate-limit", new { task = "lab.ok", rate = "7/m", workers = new[] { "auto@lab", "nobody@lab" }, timeout = 50 }, leaves.Token);
        await Eventually.HoldsAsync("the worker has heard it", async () => (await (await host.GetAsync("/api/v1/inspect/registered?worker=auto@lab&attributes=rate_limit", ("Authorization", "Bearer onlooker_token"))).Content.ReadAsStringAsync(ServerHost.Cancel)).Contains("7/m", StringComparison.Ordinal));
        await leaves.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => told);
        AuditEntry row = await Eventually.GetAsync("the audit", async () => (await host.Access.AuditAsync(new AuditQuery(What: "control"), 10, ServerHost.Cancel)) is [var one] ? one : null);
        Assert.Equal(("manager", "control.rate-limit", "auto@lab, nobody@lab"), (row.Actor.Name, row.What, row.About));
    }

    [Fact]
    public async Task A_run_is_ended_where_it_runs_and_a_worker_shuts_down()
    {
        await using CeleryWorker third = await lab.Cluster.StartWorkerAsync(new CeleryWorkerOptions { Name = "w3@lab", Queues = "third", Concurrency = 1 });
        await using ServerHost host = await lab.ServeAsync(workers: "w3@lab");
        await host.AddTokenAsync("manager", Manager, Scope.Manage);
        string id = await lab.Cluster.SendAsync("lab.sleep", [120], new { queue = "third" });
        await Eventually.HoldsAsync("the run is terminated", async () =>
            (await PostAsync(host, "revoke", new { id, terminate = true, workers = "w3@lab" }, HttpStatusCode.OK)).GetProperty("replies").GetRawText().Contains($"terminate: {id}", StringComparison.Ordinal));
        await Eventually.HoldsAsync("the log has it", async () => (await host.Log.Queries.FindAsync(id, "lab", ServerHost.Cancel)).Any(run => run.State == RunState.Cancelled));
        JsonElement said = await PostAsync(host, "shutdown", new { workers = "w3@lab" }, HttpStatusCode.OK);
        Assert.Equal("will stop when what runs has ended", said.GetProperty("replies").GetProperty("w3@lab").GetProperty("ok").GetString());
        Assert.Equal(0, await third.ExitAsync());
    }

    [Fact]
    public async Task What_is_wrong_is_refused_with_its_field_and_silence_is_no_success()
    {
        await using ServerHost host = await lab.ServeAsync();
        await host.AddTokenAsync("manager", Manager, Scope.Manage);
        foreach ((string command, object body, HttpStatusCode status, string? field) in new (string, object, HttpStatusCode, string?)[]
        {
            ("rate-limit", new { task = "t", rate = "often" }, HttpStatusCode.BadRequest, "rate"), ("rate-limit", new { rate = "1/s" }, HttpStatusCode.BadRequest, "task"),
            ("pool-grow", new { n = new { } }, HttpStatusCode.BadRequest, "n"), ("pool-grow", new { number = 1 }, HttpStatusCode.BadRequest, "number"),
            ("pool-grow", new { timeout = 1e6 }, HttpStatusCode.BadRequest, "timeout"), ("explode", new { }, HttpStatusCode.NotFound, null),
            ("pool-grow", new { source = "elsewhere" }, HttpStatusCode.NotFound, null), ("pool-grow", new { workers = "w9@lab", timeout = 0.2 }, HttpStatusCode.GatewayTimeout, null),
        })
        {
            JsonElement problem = await PostAsync(host, command, body, status);
            Assert.Equal(field, problem.TryGetProperty("field", out JsonElement named) ? named.GetString() : null);
        }
        host.WithToken();
        using HttpResponseMessage refused = await host.Client.PostAsJsonAsync("/api/v1/control/shutdown", new { }, ServerHost.Cancel);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await host.GetAsync("/api/v1/inspect/everything")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await host.GetAsync("/api/v1/workers/w9%40lab")).StatusCode);
        Assert.Equal("w9@lab did not answer within 0.2 s and is not connected to its broker.", (await host.JsonAsync("/api/v1/inspect/ping?worker=w9@lab&timeout=0.2", HttpStatusCode.GatewayTimeout)).GetProperty("detail").GetString());
    }

    [Fact, Trait("row", "79")]
    public async Task A_solo_worker_at_work_is_busy_and_not_dead()
    {
        await using CeleryWorker solo = await lab.Cluster.StartWorkerAsync(new CeleryWorkerOptions { Name = "solo@lab", Pool = "solo", Queues = "solo", Concurrency = 1 });
        await using ServerHost host = (await lab.ServeAsync(workers: "solo@lab")).WithToken();
        await lab.Cluster.SendAsync("lab.sleep", [60], new { queue = "solo" });
        JsonElement said = default;
        await Eventually.HoldsAsync("the worker is busy", async () =>
            (said = await host.JsonAsync("/api/v1/inspect/ping?timeout=0.3")).GetProperty("silent").GetArrayLength() == 1);
        Assert.Equal(("solo@lab", "connected"), (said.GetProperty("silent")[0].GetProperty("worker").GetString(), said.GetProperty("silent")[0].GetProperty("presence").GetString()));
        Assert.Contains("is busy, not gone", said.GetProperty("remarks")[0].GetString(), StringComparison.Ordinal);
        Assert.Equal("connected", (await host.JsonAsync("/api/v1/workers/solo%40lab")).GetProperty("presence").GetString());
        Assert.Equal("nobody@lab did not answer within 0.3 s; whether it is connected cannot be told.", (await host.JsonAsync("/api/v1/inspect/ping?worker=nobody@lab&timeout=0.3", HttpStatusCode.GatewayTimeout)).GetProperty("detail").GetString());
        Finished ping = await BelfryProcess.RunAsync(["inspect", "ping", "--broker", lab.Url, "--destination", "solo@lab", "--timeout", "0.3"]);
        Assert.Equal((0, true), (ping.Code, ping.Output.Contains("solo@lab  busy", StringComparison.Ordinal)));
        Finished active = await BelfryProcess.RunAsync(["inspect", "active", "--broker", lab.Url, "--destination", "solo@lab", "--timeout", "0.3"]);
        Assert.Equal(69, active.Code);
        Assert.Contains("is busy, not gone", active.Errors, StringComparison.Ordinal);
    }

    static async Task<JsonElement> PostAsync(ServerHost host, string command, object body, HttpStatusCode wanted)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/v1/control/{command}") { Content = JsonContent.Create(body), Headers = { Authorization = new AuthenticationHeaderValue("Bearer", Manager) } };
        using HttpResponseMessage answer = await host.Client.SendAsync(request, ServerHost.Cancel);
        string text = await answer.Content.ReadAsStringAsync(ServerHost.Cancel);
        Assert.True(answer.StatusCode == wanted, $"{command}: {answer.StatusCode} {text}");
        return JsonElement.Parse(text);
    }
}
