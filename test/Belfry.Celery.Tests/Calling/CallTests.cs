using System.Text.Json.Nodes;
using Belfry.Celery.Calling;
using Belfry.Celery.Control;
using Belfry.Celery.Messages;
using Belfry.Celery.Queues;
using Belfry.Celery.Results;
using Belfry.Testing;

namespace Belfry.Celery.Tests.Calling;

/// <summary>Debian's Celery runs what we call and its client reads the result; the same on each broker.</summary>
public abstract class CallTests(CallLab lab)
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_worker_runs_what_is_called_and_gets_what_was_given()
    {
        var call = new TaskCall
        {
            Task = "lab.echo", Args = """["ünïcode ✗ 😀", 1, 2.5, null, true, {"a": [NaN]}]""", Kwargs = """{"it's": "quoted \"so\""}""", Priority = 4, Queue = "reports",
            Parent = "the-parent", Root = "the-root", Headers = new Dictionary<string, string> { ["tenant"] = "acme" },
        };
        JsonNode echo = JsonNode.Parse((await CalledAsync(call)).PlainResult!)!;
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""["ünïcode ✗ 😀", 1, 2.5, null, true, {"a": [null]}]"""), echo["args"]), echo["args"]!.ToJsonString());
        Assert.Equal("quoted \"so\"", (string?)echo["kwargs"]!["it's"]);
        Assert.Equal((call.Id, "the-parent", "the-root", "acme", 4, "reports"), ((string?)echo["id"], (string?)echo["parent"], (string?)echo["root"], (string?)echo["tenant"], (int?)echo["priority"], (string?)echo["queue"]));
        // As Python itself would have written it.
        Assert.Equal("('ünïcode ✗ 😀', 1, 2.5, None, True, {'a': [nan]})", (string?)echo["argsrepr"]);
        Assert.Equal("""{"it's": 'quoted "so"'}""", (string?)echo["kwargsrepr"]);
        Assert.Equal("ünïcode ✗ 😀", (string?)await lab.Celery.EvaluateAsync($"result('{call.Id}').get(timeout=10)['args'][0]"));
    }

    [Fact]
    public async Task A_megabyte_passes_and_a_failure_is_told()
    {
        string text = new('✗', 350_000);
        var call = new TaskCall { Task = "lab.echo", Args = $"[\"{text}\"]" };
        Assert.Equal(text, (string?)JsonNode.Parse((await CalledAsync(call)).Result!)!["args"]![0]);
        Assert.Equal(350_000, (int?)await lab.Celery.EvaluateAsync($"len(result('{call.Id}').get(timeout=10)['args'][0])"));
        ResultRecord failed = await CalledAsync(new TaskCall { Task = "lab.fail", Kwargs = """{"text": "it's ✗"}""" });
        Assert.Equal(("FAILURE", "ValueError", "ValueError(\"it's ✗\")"), (failed.Status, failed.ExceptionType, failed.Exception));
        Assert.Contains("raise ValueError(text)", failed.Traceback, StringComparison.Ordinal);
        Assert.Equal(("lab.fail", "[]", """{"text": "it's \u2717"}"""), (failed.Task, failed.Args, failed.Kwargs));
        Assert.Equal("FAILURE ValueError(\"it's ✗\")", await ClientSeesAsync(failed.Id));
    }

    [Fact]
    public async Task What_is_due_later_runs_later_and_what_expired_does_not_run()
    {
        Instant now = Instant.Now(TimeProvider.System);
        var later = new TaskCall { Task = "lab.ok", Eta = now + TimeSpan.FromSeconds(2) };
        var late = new TaskCall { Task = "lab.ok", Eta = now + TimeSpan.FromSeconds(3), Expires = now + TimeSpan.FromSeconds(1) };
        ResultRecord[] both = await Task.WhenAll(CalledAsync(later), CalledAsync(late));
        Assert.True(both[0].Done > later.Eta, $"{both[0].Done} is not after {later.Eta}");
        Assert.Equal(("REVOKED", "TaskRevokedError('expired')"), (both[1].Status, both[1].Exception));
        Assert.Equal("SUCCESS 'fine'", await ClientSeesAsync(later.Id));
        Assert.Equal("REVOKED TaskRevokedError('expired')", await ClientSeesAsync(late.Id));
    }

    [Fact]
    public async Task What_is_revoked_does_not_run_whoever_called_it_and_whoever_revoked_it()
    {
        var ours = new TaskCall { Task = "lab.ok", Eta = Instant.Now(TimeProvider.System) + TimeSpan.FromSeconds(3) };
        var working = new TaskCall { Task = "lab.sleep", Args = "[600]" };
        await lab.Caller.CallAsync(ours, Cancel);
        await lab.Caller.CallAsync(working, Cancel);
        string theirs = await lab.Celery.SendAsync("lab.ok", [], new { countdown = 3 });
        await Eventually.HoldsAsync("it works", async () => (await lab.Control.AskAsync("query_task", new JsonObject { ["ids"] = new JsonArray(working.Id) }, [], RemoteControl.UsualTimeout, ["w1@lab"], Cancel)).Replies["w1@lab"].ToString().Contains("active", StringComparison.Ordinal));
        Assert.Single((await lab.Control.AskAsync("revoke", new JsonObject { ["task_id"] = theirs }, [], RemoteControl.UsualTimeout, ["w1@lab"], Cancel)).Replies);
        await lab.Celery.RevokeAsync(ours.Id);
        await lab.Control.AskAsync("revoke", new JsonObject { ["task_id"] = working.Id, ["terminate"] = true, ["signal"] = "SIGKILL" }, [], RemoteControl.UsualTimeout, ["w1@lab"], Cancel);
        foreach ((string id, string reason) in new[] { (ours.Id, "revoked"), (theirs, "revoked"), (working.Id, "terminated") })
        {
            ResultRecord record = await EndAsync(id);
            Assert.Equal(("REVOKED", $"TaskRevokedError('{reason}')"), (record.Status, record.Exception));
            Assert.Equal($"REVOKED TaskRevokedError('{reason}')", await ClientSeesAsync(id));
        }
    }

    [Fact]
    public async Task Urgent_calls_are_run_first()
    {
        // Celery's own client makes the queue, as an application's first call does.
        string theirs = await lab.Celery.SendAsync("lab.ok", [], new { queue = "urgent", priority = 3 });
        int[] priorities = [9, 6, 0];
        List<string> ids = [theirs];
        foreach (int priority in priorities)
        {
            var call = new TaskCall { Task = "lab.ok", Priority = priority, Queue = "urgent" };
            await lab.Caller.CallAsync(call, Cancel);
            ids.Add(call.Id);
        }
        await Eventually.HoldsAsync("all wait", async () => (await lab.Queues.ReadAsync(["urgent"], Cancel))[0].Length == 4);
        await using CeleryWorker worker = await lab.Celery.StartWorkerAsync(new CeleryWorkerOptions { Name = "urgent@lab", Queues = "urgent", Pool = "solo", Concurrency = 1, More = ["--prefetch-multiplier", "1"] });
        Instant?[] done = await Task.WhenAll(ids.Select(async id => (await EndAsync(id)).Done));
        int[] order = [.. Enumerable.Range(0, 4).OrderBy(i => done[i]).Select(i => i == 0 ? 3 : priorities[i - 1])];
        Assert.Equal(lab.HighestIsFirst ? [9, 6, 3, 0] : [0, 3, 6, 9], order);
    }

    [Fact]
    public async Task A_call_through_an_exchange_reaches_the_queues_that_are_bound_to_it()
    {
        // As an application's own routes declare it.
        await lab.Celery.EvaluateAsync("(lambda c: [Exchange('shop', type='topic')(c).declare(), Queue('reports', Exchange('shop', type='topic'), routing_key='shop.*.done')(c).queue_bind()] and None)(app.connection_for_write().default_channel)");
        JsonNode echo = JsonNode.Parse((await CalledAsync(new TaskCall { Task = "lab.echo", Exchange = "shop", RoutingKey = "shop.orders.done" })).Result!)!;
        Assert.Equal("shop.orders.done", (string?)echo["queue"]);
        BrokerException nowhere = await Assert.ThrowsAnyAsync<BrokerException>(() => lab.Caller.CallAsync(new TaskCall { Task = "lab.ok", Exchange = "shop", RoutingKey = "shop.orders" }, Cancel));
        Assert.Contains("no queue is bound to exchange 'shop' for 'shop.orders': nothing was called", nowhere.Message, StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<BrokerException>(() => lab.Caller.CallAsync(new TaskCall { Task = "lab.ok", Exchange = "nothing", RoutingKey = "x" }, Cancel));
    }

    [Fact]
    public async Task What_Celery_calls_is_read_as_it_meant_it()
    {
        await lab.Celery.EvaluateAsync("echo.apply_async(('ünïcode ✗',), {'n': 1}, queue='plain', priority=3, countdown=60, expires=120, headers={'tenant': 'acme'}).id");
        TaskMessage queued = Assert.Single(await WaitingAsync("plain", 1));
        Assert.Equal(("lab.echo", """["\u00fcn\u00efcode \u2717"]""", """{"n": 1}""", 3, null), (queued.Task, queued.Args, queued.Kwargs, queued.Priority, queued.Problem));
        Assert.Equal("acme", (string?)JsonNode.Parse(queued.Extra!)!["tenant"]);
        Assert.InRange((queued.Expires!.Value - queued.Eta!.Value).TotalSeconds, 59, 61);

        await lab.Celery.EvaluateAsync("[echo.apply_async(('x' * 2**20,), queue='large', retries=2).id, echo.apply_async((), queue='large', compression='zlib', time_limit=30, soft_time_limit=20).id]");
        TaskMessage[] large = await WaitingAsync("large", 2);
        Assert.Equal(((1 << 20) + 4, 2, null), (large[0].Args!.Length, large[0].Retries, large[0].Problem));
        Assert.Contains("xxx...'", large[0].ArgsRepr, StringComparison.Ordinal);
        Assert.Equal(("[]", "application/x-gzip", 30, 20, null), (large[1].Args, large[1].Compression, large[1].TimeLimit, large[1].SoftTimeLimit, large[1].Problem));
    }

    [Fact]
    public async Task The_parts_of_chains_groups_and_chords_that_Celery_calls_tell_what_they_belong_to()
    {
        string last = (string)(await lab.Celery.EvaluateAsync("chain(add.s(1, 1).set(queue='chains'), add.s(10), add.s(100))().id"))!;
        TaskMessage first = Assert.Single(await WaitingAsync("chains", 1));
        JsonArray rest = JsonNode.Parse(first.Embed!)!["chain"]!.AsArray();
        Assert.Equal((last, "[100]", "[10]"), ((string?)rest[0]!["options"]!["task_id"], rest[0]!["args"]!.ToJsonString(), rest[1]!["args"]!.ToJsonString()));
        Assert.Equal((first.Id, null), (first.Root, first.Parent));

        JsonNode group = (await lab.Celery.EvaluateAsync("(lambda r: [r.id, [c.id for c in r.children]])(group(add.s(i, i).set(queue='groups') for i in range(3))())"))!;
        TaskMessage[] members = await WaitingAsync("groups", 3);
        Assert.Equal(group[1]!.AsArray().Select(id => (string?)id).Order(), members.Select(member => member.Id).Order());
        Assert.All(members, member => Assert.Equal((string?)group[0], member.Group));

        JsonNode chord = (await lab.Celery.EvaluateAsync("(lambda r: [r.id, r.parent.id])(chord([add.s(i, i).set(queue='chords') for i in range(2)])(total.s()))"))!;
        foreach (TaskMessage header in await WaitingAsync("chords", 2))
        {
            JsonNode body = JsonNode.Parse(header.Embed!)!["chord"]!;
            Assert.Equal(("lab.total", (string?)chord[0], (string?)chord[1]), ((string?)body["task"], (string?)body["options"]!["task_id"], header.Group));
        }
    }

    [Fact]
    public async Task Chains_groups_chords_and_retries_are_told_by_their_records()
    {
        string last = (string)(await lab.Celery.EvaluateAsync("chain(add.s(1, 1), add.s(10), add.s(100))().id"))!;
        ResultRecord end = await EndAsync(last);
        Assert.Equal(("112", "[12, 100]"), (end.Result, end.Args));
        ResultRecord middle = (await lab.Results.ReadAsync([end.Parent!], Cancel))[end.Parent!];
        Assert.Equal(("12", last), (middle.Result, Assert.Single(middle.Children)));

        JsonNode chord = (await lab.Celery.EvaluateAsync("(lambda r: [r.id, r.parent.id, [c.id for c in r.parent.children]])(chord([add.s(i, i) for i in range(3)])(total.s()))"))!;
        Assert.Equal("6", (await EndAsync((string)chord[0]!)).Result);
        IReadOnlyDictionary<string, ResultRecord> parts = await lab.Results.ReadAsync([.. chord[2]!.AsArray().Select(id => (string)id!)], Cancel);
        Assert.Equal(3, parts.Count);
        Assert.All(parts.Values, part => Assert.Equal((string)chord[1]!, part.Group));

        JsonNode group = (await lab.Celery.EvaluateAsync("(lambda r: [r.save() and None, r.id, [c.id for c in r.children]])(group(add.s(i, i) for i in range(3))())"))!;
        Assert.Equal(group[2]!.AsArray().Select(id => (string)id!), (await lab.Results.GroupAsync((string)group[1]!, Cancel)).Members);

        ResultRecord retried = await EndAsync(await lab.Celery.SendAsync("lab.retry", [1]));
        Assert.Equal(("SUCCESS", "1", 1), (retried.Status, retried.Result, retried.Retries));
        ResultRecord ours = await CalledAsync(new TaskCall { Task = "lab.retry", Args = "[2]" });
        Assert.Equal(("SUCCESS", "2", 2), (ours.Status, ours.Result, ours.Retries));
        Assert.Equal("SUCCESS 2", await ClientSeesAsync(ours.Id));
    }

    [Fact]
    public async Task A_run_that_we_called_and_those_that_it_called_know_each_other()
    {
        ResultRecord parent = await CalledAsync(new TaskCall { Task = "lab.parent" });
        string child = JsonNode.Parse(parent.Result!)!.GetValue<string>();
        Assert.Equal(child, Assert.Single(parent.Children));
        Assert.Equal((parent.Id, "3"), ((await EndAsync(child)).Parent, (await EndAsync(child)).Result));
        Assert.Equal(child, (string?)await lab.Celery.EvaluateAsync($"result('{parent.Id}').children[0].id"));
    }

    [Fact]
    public async Task A_name_is_known_to_the_workers_or_not_and_nobody_may_answer()
    {
        var empty = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(lab.EmptyUrl) };
        await using IBrokerQueues queues = BrokerQueues.Of(empty, TimeProvider.System);
        var caller = new TaskCaller(empty, queues, new RemoteControl(empty, TimeProvider.System));
        Assert.Equal("No worker answered, so nobody can say whether 'lab.ok' is a task.", (await caller.AskAsync("lab.ok", [], Cancel)).Refusal);
        Assert.Null((await lab.Caller.AskAsync("lab.ok", ["w1@lab"], Cancel)).Refusal);
        Assert.Equal("No worker knows a task 'shop.ok' (1 answered). They know lab.ok.", (await lab.Caller.AskAsync("shop.ok", ["w1@lab"], Cancel)).Refusal);
    }

    async Task<TaskMessage[]> WaitingAsync(string queue, int count)
    {
        TaskMessage[] messages = [];
        await Eventually.HoldsAsync($"{count} wait in {queue}", async () => (messages = [.. (await lab.Queues.PeekAsync(queue, 0, 10, Cancel)).Select(queued => queued.Message)]).Length == count);
        return messages;
    }

    async Task<ResultRecord> CalledAsync(TaskCall call)
    {
        await lab.Caller.CallAsync(call, Cancel);
        return await EndAsync(call.Id);
    }

    async Task<ResultRecord> EndAsync(string id)
    {
        ResultRecord? record = await lab.Results.WaitAsync(id, TimeSpan.FromSeconds(30), Cancel);
        Assert.True(record?.IsFinal == true, $"{id}: {record}");
        return record!;
    }

    /// <summary>State and result as Celery's own client reads them.</summary>
    async Task<string?> ClientSeesAsync(string id) => (string?)await lab.Celery.EvaluateAsync($"(lambda r: r.state + ' ' + repr(r.result))(result('{id}'))");
}

/// <summary>Over Redis.</summary>
public sealed class RedisCallTests(RedisCallLab lab) : CallTests(lab), IClassFixture<RedisCallLab>;

/// <summary>Over RabbitMQ.</summary>
public sealed class RabbitCallTests(RabbitCallLab lab) : CallTests(lab), IClassFixture<RabbitCallLab>;
