using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using AngleSharp.Html.Dom;
using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Server.Tests.Access;
using Belfry.Testing;

namespace Belfry.Server.Tests.Api;

/// <summary>A cluster of Debian's Celery and a server that watches it: started once for all tests of a class.</summary>
public sealed class CallableCluster : IAsyncLifetime
{
    internal CeleryCluster Cluster { get; private set; } = null!;

    internal ServerHost Server { get; private set; } = null!;

    internal HttpClient Api { get; private set; } = null!;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        Cluster = await CeleryCluster.StartAsync(results: CeleryResults.Extended);
        Server = await ServerHost.StartAsync(guarded: true, change: settings =>
            settings.Sources.Add(new SourceSettings { Name = "lab", Broker = Cluster.Url, ResultBackend = Cluster.ResultsUrl }));
        await Server.AddTokenAsync("caller", "caller_token", Scope.Read, Scope.Run, Scope.Manage);
        Api = new HttpClient { BaseAddress = Server.Client.BaseAddress };
        Api.DefaultRequestHeaders.Authorization = new("Bearer", "caller_token");
        await Cluster.StartWorkerAsync();
        await Eventually.HoldsAsync("the worker is known", async () => (await Server.Log.Queries.WorkersAsync(CancellationToken.None)).Any(worker => worker.Online));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        await Server.DisposeAsync();
        await Cluster.DisposeAsync();
    }
}

/// <summary>Tasks of Celery, called over the API and by the command.</summary>
public sealed class CeleryCallTests(CallableCluster lab) : IClassFixture<CallableCluster>
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    ServerHost Server => lab.Server;

    [Fact]
    [Trait("row", "74")]
    public async Task A_task_is_called_its_result_waited_for_and_a_failed_run_called_again_with_what_it_was_called_with()
    {
        string id = await IdAsync("tasks/lab.add/call", new { args = new[] { 2, 3 } });
        JsonElement result = await JsonAsync($"/api/v1/runs/{id}/result?wait=30");
        Assert.Equal(("Completed", true, 5), (result.GetProperty("state").GetString(), result.GetProperty("ended").GetBoolean(), result.GetProperty("result").GetInt32()));
        string failed = await IdAsync("tasks/lab.fail/call", new { kwargs = new { text = new string('✗', 2000) } });
        Assert.StartsWith("ValueError('✗", (await JsonAsync($"/api/v1/runs/{failed}/result?wait=30")).GetProperty("exception").GetString(), StringComparison.Ordinal);
        await EndedAsync(failed, RunState.Failed);
        // The log has its arguments cut, the record has them whole.
        string again = await IdAsync($"runs/{failed}/retry", new { });
        TaskRun run = await EndedAsync(again, RunState.Failed);
        Assert.Equal((failed, failed, "lab.fail"), (run.Parent, run.Root, run.Task));
        Assert.Equal(2000, (await JsonAsync($"/api/v1/runs/{again}/result")).GetProperty("exception").GetString()!.Count(c => c == '✗'));
    }

    [Fact]
    [Trait("row", "100")]
    public async Task Runs_are_revoked_before_they_begin_and_terminated_at_work_and_it_is_audited()
    {
        string waiting = await IdAsync("tasks/lab.ok/call", new { countdown = 3600 }), working = await IdAsync("tasks/lab.sleep/call", new { args = new[] { 600 } });
        await Eventually.HoldsAsync("it runs", async () => (await RunAsync(working))?.State == RunState.Running);
        await IdAsync($"runs/{waiting}/revoke", new { });
        await IdAsync($"runs/{working}/revoke", new { terminate = true, signal = "KILL" });
        await EndedAsync(working, RunState.Cancelled);
        await IdAsync($"runs/{working}/revoke", new { }, HttpStatusCode.Conflict);
        await Server.Get<AuditTrail>().WriteAsync(all: true, Cancel);
        string[] audit = [.. (await Server.Access.AuditAsync(new AuditQuery(Who: "caller", What: "run"), 100, Cancel)).Select(row => $"{row.What} {row.About} {row.Detail}")];
        Assert.Contains($"run.terminate {working} lab.sleep with KILL", audit);
        Assert.Contains($"run.revoke {waiting} lab.ok", audit);
    }

    [Fact]
    [Trait("row", "100")]
    public async Task From_the_pages_one_run_or_many_are_called_off_after_a_question_and_an_ended_one_is_called_again()
    {
        string[] waiting = [await IdAsync("tasks/lab.echo/call", new { countdown = 3600 }), await IdAsync("tasks/lab.echo/call", new { countdown = 3600 })];
        string working = await IdAsync("tasks/lab.sleep/call", new { args = new[] { 601 } }), ended = await IdAsync("tasks/lab.ok/call", new { });
        await Eventually.HoldsAsync("it runs", async () => (await RunAsync(working))?.State == RunState.Running);
        await EndedAsync(ended, RunState.Completed);
        var mara = new Browsing(Server);
        using HttpResponseMessage _ = await mara.LogInAsync("mara");

        using (IHtmlDocument page = await mara.PageAsync($"/runs/{working}"))
        {
            Assert.Equal(["Revoke", "Terminate"], page.QuerySelectorAll(".b-head-actions a[href*='/act/']").Select(button => button.TextContent));
        }
        using (IHtmlDocument ask = await mara.PageAsync($"/act/terminate?run={working}&source=lab"))
        {
            Assert.Equal(("Terminate this run?", "lab.sleep1"), (ask.QuerySelector("h1")!.TextContent, ask.QuerySelector(".b-confirm li")!.TextContent));
        }
        using HttpResponseMessage terminated = await mara.SendFormAsync($"/act/terminate?run={working}&source=lab", "/act/terminate");
        Assert.Equal($"/runs/{working}?source=lab", terminated.Headers.Location!.OriginalString);
        await EndedAsync(working, RunState.Cancelled);

        using (IHtmlDocument ask = await mara.PageAsync("/act/revoke?task=lab.echo&last=all"))
        {
            Assert.Equal("Revoke 2 runs?", ask.QuerySelector("h1")!.TextContent);
            using HttpResponseMessage revoked = await mara.PostFieldsAsync("/act/revoke", ask.QuerySelectorAll(".b-confirm input").Select(input => KeyValuePair.Create(input.GetAttribute("name")!, input.GetAttribute("value")!)));
            Assert.Equal("/log", revoked.Headers.Location!.OriginalString);
        }
        string known = (await lab.Cluster.ControlAsync("revoked")).ToJsonString();
        Assert.All(waiting, id => Assert.Contains(id, known, StringComparison.Ordinal));

        using HttpResponseMessage again = await mara.SendFormAsync($"/act/retry?run={ended}&source=lab", "/act/retry");
        using IHtmlDocument made = await mara.PageAsync(again.Headers.Location!.OriginalString);
        Assert.Contains("lab.ok", made.QuerySelector(".b-family")!.TextContent, StringComparison.Ordinal);
        await Server.Get<AuditTrail>().WriteAsync(all: true, Cancel);
        string[] audit = [.. (await Server.Access.AuditAsync(new AuditQuery(Who: "mara", What: "run"), 100, Cancel)).Select(row => $"{row.What} {row.About}")];
        Assert.Equal([$"run.retry {ended}", $"run.revoke {waiting[0]}", $"run.revoke {waiting[1]}", $"run.terminate {working}"], audit.OrderBy(line => line.Split(' ')[0], StringComparer.Ordinal).ThenBy(line => Array.IndexOf(waiting, line.Split(' ')[1])));
    }

    [Fact]
    public async Task What_cannot_be_called_is_told_why()
    {
        JsonElement unknown = await PostAsync("tasks/lab.ad/call", new { }, HttpStatusCode.NotFound);
        Assert.Equal("No worker knows a task 'lab.ad' (1 answered). They know lab.add.", unknown.GetProperty("detail").GetString());
        Assert.Equal("source", (await PostAsync("tasks/lab.ok/call", new { source = "elsewhere" }, HttpStatusCode.BadRequest)).GetProperty("field").GetString());
        Assert.Equal("signal", (await PostAsync($"runs/{await IdAsync("tasks/lab.ok/call", new { })}/revoke", new { signal = "LOUD" }, HttpStatusCode.BadRequest)).GetProperty("field").GetString());
        await JsonAsync("/api/v1/runs/nothing/result", HttpStatusCode.NotFound);
        Assert.Equal("wait", (await JsonAsync("/api/v1/runs/nothing/result?wait=long", HttpStatusCode.BadRequest)).GetProperty("field").GetString());
    }

    [Fact]
    [Trait("row", "74")]
    public async Task The_command_calls_and_waits_straight_to_the_broker_and_through_a_server()
    {
        string[] direct = ["--broker", lab.Cluster.Url, "--result-backend", lab.Cluster.ResultsUrl], asked = ["--server", $"{Server.Client.BaseAddress}", "--token", "caller_token"];
        foreach (string[] way in new[] { direct, asked })
        {
            await SaysAsync(0, "112\n", "", ["call", "lab.add", "--args", "[12, 100]", "--wait", .. way]);
            await SaysAsync(1, "ValueError('boom')\n", "", ["call", "lab.fail", "--wait", .. way]);
            await SaysAsync(1, "", "belfry: No worker knows a task 'lab.ad' (1 answered). They know lab.add.", ["call", "lab.ad", .. way]);
            await SaysAsync(2, "", "belfry: --args is not JSON: character 4: 'x' is an invalid start of a value.", ["call", "lab.add", "--args", "[1,x]", .. way]);
            string id = (await RunAsync(0, ["call", "lab.sleep", "--args", "[30]", .. way])).Output.Trim();
            await SaysAsync(69, "", $"belfry: run '{id}' ", ["result", id, "--wait", "--timeout", "0.2", .. way]);
            await lab.Cluster.RevokeAsync(id, terminate: true);
            Finished revoked = await RunAsync(1, ["result", id, "--wait", "--timeout", "30", "--json", .. way]);
            Assert.Equal("Cancelled", JsonDocument.Parse(revoked.Output).RootElement.GetProperty("state").GetString());
        }
        string failed = (await RunAsync(0, ["call", "lab.fail", .. direct])).Output.Trim();
        Assert.Contains("raise ValueError(text)", (await RunAsync(1, ["result", failed, "--wait", "--traceback", .. direct])).Output, StringComparison.Ordinal);
        await SaysAsync(69, "", "", ["call", "lab.ok", "--broker", "redis://127.0.0.1:1/0"]);
        await SaysAsync(69, "", "belfry: No worker answered, so nobody can say whether 'lab.ok' is a task.", ["call", "lab.ok", "--broker", lab.Cluster.Url[..^1] + "9"]);
    }

    static async Task SaysAsync(int code, string output, string errors, string[] arguments)
    {
        Finished said = await RunAsync(code, arguments);
        Assert.Equal(output, said.Output);
        Assert.Contains(errors, said.Errors, StringComparison.Ordinal);
    }

    static async Task<Finished> RunAsync(int code, string[] arguments)
    {
        using var folder = new TempFolder();
        Finished said = await BelfryProcess.RunAsync(arguments, folder.Path);
        Assert.True(said.Code == code, $"{string.Join(' ', arguments)}: {said}");
        return said;
    }

    async Task<TaskRun?> RunAsync(string id) => (await Server.Log.Queries.FindAsync(id, "lab", Cancel)).MaxBy(run => run.Attempt);

    async Task<TaskRun> EndedAsync(string id, RunState state)
    {
        await Eventually.HoldsAsync($"{id} is {state}", async () => (await RunAsync(id))?.State == state);
        return (await RunAsync(id))!;
    }

    async Task<string> IdAsync(string path, object body, HttpStatusCode wanted = HttpStatusCode.Accepted) =>
        (await PostAsync(path, body, wanted)).TryGetProperty("id", out JsonElement id) ? id.GetString()! : "";

    async Task<JsonElement> JsonAsync(string path, HttpStatusCode wanted = HttpStatusCode.OK)
    {
        using HttpResponseMessage answer = await lab.Api.GetAsync(path, Cancel);
        string text = await answer.Content.ReadAsStringAsync(Cancel);
        Assert.True(answer.StatusCode == wanted, $"{path}: {answer.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement.Clone();
    }

    async Task<JsonElement> PostAsync(string path, object body, HttpStatusCode wanted)
    {
        using HttpResponseMessage answer = await lab.Api.PostAsJsonAsync($"/api/v1/{path}", body, Cancel);
        string text = await answer.Content.ReadAsStringAsync(Cancel);
        Assert.True(answer.StatusCode == wanted, $"{path}: {answer.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement.Clone();
    }
}
