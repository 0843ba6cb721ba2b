using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using AngleSharp.Html.Dom;
using Belfry.Server.Access;
using Belfry.Server.Tests.Access;
using Belfry.Storage;
using Belfry.Testing;

namespace Belfry.Server.Tests.Api;

/// <summary>Tasks of Celery, called over the API and by the command; the same on each broker.</summary>
public abstract class CeleryCallTests(CallableCluster lab)
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
        // When Celery's result_expires is over the log still knows the end.
        Assert.Equal("celery", (await EndedAsync(id, RunState.Completed)).Queue);
        await lab.Results.AskAsync("PEXPIRE", $"celery-task-meta-{id}", "1");
        await Eventually.HoldsAsync("its record is gone", async () => (await JsonAsync($"/api/v1/runs/{id}/result")).TryGetProperty("result_text", out JsonElement text) && text.GetString() == "5");
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
    [Trait("row", "74")]
    public async Task Who_calls_while_the_log_cannot_write_is_told_that_it_is_called()
    {
        using var disk = new ManualResetEventSlim();
        StoreTables tables = await Server.Log.TablesAsync(AccessStore.Scripts, Cancel);
        Task<bool> hanging = tables.WriteAsync(_ => disk.Wait(TimeSpan.FromSeconds(20)), Cancel);
        string id = await IdAsync("tasks/lab.ok/call", new { });
        Assert.False(hanging.IsCompleted);
        disk.Set();
        await EndedAsync(id, RunState.Completed);
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
    [Trait("row", "87")]
    public async Task Chains_groups_and_chords_are_a_family_with_states_in_the_API_and_on_the_page()
    {
        string fan = await IdAsync("tasks/lab.fan/call", new { args = new[] { 4 } });
        await EndedAsync(fan, RunState.Completed);
        string member = "";
        await Eventually.HoldsAsync("its group ended", async () =>
        {
            IReadOnlyList<TaskRun> called = await Server.Log.Queries.ChildrenAsync("lab", fan, 10, Cancel);
            member = called.Count > 0 ? called[0].Id : "";
            return called.Count == 4 && called.All(run => run.State.IsFinal());
        });
        JsonElement found = await JsonAsync($"/api/v1/runs/{member}");
        JsonElement group = found.GetProperty("group");
        Assert.Equal((4, 4, 3), (group.GetProperty("size").GetInt32(), group.GetProperty("known").GetInt32(), group.GetProperty("succeeded").GetInt32()));
        Assert.Equal(["Completed", "Completed", "Completed", "Failed"], group.GetProperty("members").EnumerateArray().Select(one => one.GetProperty("state").GetString()).Order());
        Assert.Equal((fan, fan), (found.GetProperty("parent").GetProperty("id").GetString(), found.GetProperty("root").GetProperty("id").GetString()));
        var mara = new Browsing(Server);
        using HttpResponseMessage _ = await mara.LogInAsync("mara");
        using (IHtmlDocument page = await mara.PageAsync($"/runs/{member}"))
        {
            Assert.Equal(["2 runs", "3 of 4 succeeded"], page.QuerySelectorAll(".b-family header span").Select(words => words.TextContent));
            Assert.Equal(4, page.QuerySelectorAll(".b-family")[1].QuerySelectorAll("a[href*='/runs/']").Length);
        }
        using (IHtmlDocument page = await mara.PageAsync($"/runs/{fan}"))
        {
            Assert.Equal("5 runs, 3 of the called succeeded", page.QuerySelector(".b-family header span")!.TextContent);
        }

        string last = (string)(await lab.Cluster.EvaluateAsync("chain(add.s(1, 1), add.s(10), add.s(100))().id"))!;
        TaskRun end = await EndedAsync(last, RunState.Completed);
        JsonElement chain = await JsonAsync($"/api/v1/runs/{last}");
        Assert.Equal((end.Parent, end.Root), (chain.GetProperty("parent").GetProperty("id").GetString(), chain.GetProperty("root").GetProperty("id").GetString()));
        using (IHtmlDocument page = await mara.PageAsync($"/runs/{last}"))
        {
            Assert.Equal(3, page.QuerySelectorAll(".b-family a").Length);
        }

        // Of what a client calls nobody is the parent.
        JsonNode chord = (await lab.Cluster.EvaluateAsync("(lambda r: [r.id, r.parent.id, r.parent.children[0].id])(chord([add.s(i, i) for i in range(3)])(total.s()))"))!;
        await EndedAsync((string)chord[0]!, RunState.Completed);
        await EndedAsync((string)chord[2]!, RunState.Completed);
        JsonElement header = (await JsonAsync($"/api/v1/runs/{chord[2]}")).GetProperty("group");
        Assert.Equal(((string?)chord[1], 3, 3), (header.GetProperty("id").GetString(), header.GetProperty("known").GetInt32(), header.GetProperty("succeeded").GetInt32()));

        JsonNode saved = (await lab.Cluster.EvaluateAsync("(lambda r: [r.save() and None, r.children[0].id])(group(add.s(i, i) for i in range(3))())"))!;
        await EndedAsync((string)saved[1]!, RunState.Completed);
        Assert.Equal(3, (await JsonAsync($"/api/v1/runs/{saved[1]}")).GetProperty("group").GetProperty("size").GetInt32());
    }

    [Fact]
    public async Task A_run_whose_message_still_waits_is_called_again_with_what_stands_there()
    {
        string waiting = (string)(await lab.Cluster.EvaluateAsync("echo.apply_async(('✗' * 2000,), {'n': None}, queue='aside').id"))!;
        await Eventually.HoldsAsync("it is known", async () => await RunAsync(waiting) is { Queue: "aside" });
        await IdAsync($"runs/{waiting}/retry", new { }, HttpStatusCode.Conflict);
        await Server.AppendAsync(new TaskEvent { Source = "lab", Id = waiting, Kind = EventKind.Cancelled, At = Instant.Now(TimeProvider.System), Attempt = 1, Reason = "revoked" });
        // Of its arguments the log has the begin only; nobody listens in that queue, so the new one waits there as well.
        string again = await IdAsync($"runs/{waiting}/retry", new { });
        await lab.Cluster.ControlAsync("add_consumer", new { queue = "aside" });
        await EndedAsync(again, RunState.Completed);
        JsonElement echo = (await JsonAsync($"/api/v1/runs/{again}/result")).GetProperty("result");
        Assert.Equal((2000, waiting), (echo.GetProperty("args")[0].GetString()!.Length, echo.GetProperty("parent").GetString()));
        await lab.Cluster.ControlAsync("cancel_consumer", new { queue = "aside" });

        string gone = (string)(await lab.Cluster.EvaluateAsync("silent.apply_async(queue='nobody').id"))!;
        await Server.AppendAsync(
            new TaskEvent { Source = "lab", Id = "cut", Kind = EventKind.Submitted, At = Instant.Now(TimeProvider.System), Attempt = 1, Task = "lab.ok", Args = "('xxx...',)", Queue = "nobody" },
            new TaskEvent { Source = "lab", Id = "cut", Kind = EventKind.Failed, At = Instant.Now(TimeProvider.System), Attempt = 1 });
        Assert.Contains("are not known whole", (await PostAsync("runs/cut/retry", new { }, HttpStatusCode.Conflict)).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Messages_that_nobody_can_read_are_counted_with_the_reason_on_the_page_and_in_the_API()
    {
        const string messages = """
            [('[[], {}, {}]', 'application/json', 'utf-8', {'task': 'lab.ok', 'id': 'good'}), ('[[1', 'application/json', 'utf-8', {'task': 'lab.ok', 'id': 'cut'}),
             ('7', 'application/json', 'utf-8', {'task': 'lab.ok', 'id': 'type'}), ('[' * 9999 + ']' * 9999, 'application/json', 'utf-8', {'task': 'lab.ok', 'id': 'deep'}),
             ('- [1]', 'application/x-yaml', 'utf-8', {'task': 'lab.ok', 'id': 'yaml'}), (b'\x93\x90\x80', 'application/x-msgpack', 'binary', {'task': 'lab.ok', 'id': 'msgpack'}),
             (b'\x80\x04cos\nsystem\n', 'application/x-python-serialize', 'binary', {'task': 'lab.ok', 'id': 'pickle'}), ('{}', 'application/json', 'utf-8', {})]
            """;
        await lab.Cluster.EvaluateAsync($"(lambda p: [p.publish(b, routing_key='bad', exchange='', content_type=t, content_encoding=e, headers=h, declare=[Queue('bad')]) and None for b, t, e, h in {messages}])(app.amqp.Producer(app.connection_for_write().default_channel))");
        JsonElement told = default;
        await Eventually.HoldsAsync("they are there", async () => (told = await JsonAsync("/api/v1/queues/bad/messages")).GetProperty("found").GetInt32() == 8, TimeSpan.FromSeconds(30));
        Assert.Equal(
            """{"body that is not JSON":2,"arguments as YAML, which is never read":1,"arguments as msgpack, which is never read":1,"arguments as pickle, which is never read":1,"body without arguments":1,"message of no task":1}""",
            told.GetProperty("problems").GetRawText());
        Assert.Equal("arguments as pickle, which is never read", told.GetProperty("items").EnumerateArray().Single(item => item.TryGetProperty("id", out JsonElement id) && id.GetString() == "pickle").GetProperty("problem").GetString());
        var mara = new Browsing(Server);
        using HttpResponseMessage _ = await mara.LogInAsync("mara");
        using IHtmlDocument page = await mara.PageAsync("/queues/one?source=lab&name=bad&look=yes");
        Assert.StartsWith("7 of these cannot be read whole: body that is not JSON (2), ", page.QuerySelector(".b-note")!.TextContent.Trim(), StringComparison.Ordinal);
        Assert.Contains("arguments as YAML, which is never read", page.QuerySelector(".b-waiting")!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_that_nobody_can_read_are_counted_with_the_reason_on_the_page_and_in_the_API()
    {
        const string events = """
            [('[[1', 'application/json', 'utf-8'), ('{"uuid": "x"}', 'application/json', 'utf-8'), ('- a', 'application/x-yaml', 'utf-8'),
             (b'\x91\x80', 'application/x-msgpack', 'binary'), (b'\x80\x04cos\nsystem\n', 'application/x-python-serialize', 'binary')]
            """;
        await lab.Cluster.EvaluateAsync(
            "(lambda c, p, x: [p.publish(b, exchange=x, routing_key='task.multi', content_type=t, content_encoding=e, declare=[x]) and None for b, t, e in " + events
            + "])(*(lambda c: [c, app.amqp.Producer(c.default_channel), __import__('celery.events.event', fromlist=['event']).get_exchange(c)])(app.connection_for_write()))");
        string[] reasons = ["body that is not JSON", "event without a type", "content type application/x-yaml", "content type application/x-msgpack", "content type application/x-python-serialize"];
        await Eventually.HoldsAsync("they are counted", async () =>
        {
            JsonElement refused = (await JsonAsync("/api/v1/sources")).GetProperty("items").EnumerateArray().Single(source => source.GetProperty("source").GetString() == "lab").GetProperty("refused");
            return reasons.All(reason => refused.EnumerateArray().Any(one => one.GetProperty("what").GetString() == reason && one.GetProperty("times").GetInt32() == 1));
        });
        var mara = new Browsing(Server);
        using HttpResponseMessage _ = await mara.LogInAsync("mara");
        using IHtmlDocument page = await mara.PageAsync("/health");
        Assert.All(reasons, reason => Assert.Contains(reason, page.QuerySelector("main")!.TextContent, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_cannot_be_called_is_told_why()
    {
        JsonElement unknown = await PostAsync("tasks/lab.ad/call", new { }, HttpStatusCode.NotFound);
        Assert.Equal("No worker knows a task 'lab.ad' (1 answered). They know lab.add.", unknown.GetProperty("detail").GetString());
        Assert.Equal("source", (await PostAsync("tasks/lab.ok/call", new { source = "elsewhere" }, HttpStatusCode.BadRequest)).GetProperty("field").GetString());
        Assert.Equal("signal", (await PostAsync($"runs/{await IdAsync("tasks/lab.ok/call", new { })}/revoke", new { signal = "LOUD" }, HttpStatusCode.BadRequest)).GetProperty("field").GetString());
        Assert.Equal("exchange", (await PostAsync("tasks/lab.ok/call", new { exchange = "shop", queue = "mail" }, HttpStatusCode.BadRequest)).GetProperty("field").GetString());
        JsonElement taken = await PostAsync("tasks/lab.ok/call", new { headers = new { id = "mine" } }, HttpStatusCode.BadRequest);
        Assert.Equal(("headers", "'id' is a header of Celery's own."), (taken.GetProperty("field").GetString(), taken.GetProperty("detail").GetString()));
        Assert.Equal("priority", (await PostAsync("tasks/lab.ok/call", new { priority = 256 }, HttpStatusCode.BadRequest)).GetProperty("field").GetString());
        Assert.Equal("routing_key", (await PostAsync("tasks/lab.ok/call", new { routing_key = "shop" }, HttpStatusCode.BadRequest)).GetProperty("field").GetString());
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
            await SaysAsync(0, "fine\n", "", ["call", "lab.ok", "--exchange", "celery", "--routing-key", "celery", "--wait", .. way]);
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
        await lab.Results.AskAsync("SET", "celery-task-meta-odd", "status: SUCCESS");
        await SaysAsync(1, "", "belfry: run 'odd' cannot be told: record that is neither JSON nor a pickle", ["result", "odd", .. direct]);
        await SaysAsync(1, "", "belfry: run 'nobody' has no result", ["result", "nobody", .. direct]);
        await SaysAsync(69, "", "", ["call", "lab.ok", "--broker", "redis://127.0.0.1:1/0"]);
        await SaysAsync(69, "", "belfry: No worker answered, so nobody can say whether 'lab.ok' is a task.", ["call", "lab.ok", "--broker", lab.EmptyUrl]);
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

/// <summary>Over Redis.</summary>
public sealed class CeleryCallsOverRedisTests(RedisCallableCluster lab) : CeleryCallTests(lab), IClassFixture<RedisCallableCluster>;

/// <summary>Over RabbitMQ.</summary>
public sealed class CeleryCallsOverRabbitTests(RabbitCallableCluster lab) : CeleryCallTests(lab), IClassFixture<RabbitCallableCluster>;
