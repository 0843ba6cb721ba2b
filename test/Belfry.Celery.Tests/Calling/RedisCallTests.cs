using System.Text.Json.Nodes;
using Belfry.Celery.Calling;
using Belfry.Celery.Control;
using Belfry.Celery.Queues;
using Belfry.Celery.Results;
using Belfry.Testing;
using Lab = Belfry.Testing.CeleryCluster;

namespace Belfry.Celery.Tests.Calling;

/// <summary>Debian's Celery runs what we call, and we read what it calls.</summary>
public sealed class RedisCallTests : IAsyncLifetime
{
    Lab _lab = null!;
    CeleryCluster _cluster = null!;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    RedisResults Results => new(BrokerUrl.Parse(_lab.ResultsUrl), "", TimeProvider.System);

    public async ValueTask InitializeAsync()
    {
        _lab = await Lab.StartAsync(prefix: "app:", results: CeleryResults.Extended);
        _cluster = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(_lab.Url), KeyPrefix = "app:" };
    }

    public ValueTask DisposeAsync() => _lab.DisposeAsync();

    [Fact]
    public async Task A_worker_runs_what_is_called_and_gets_what_was_given()
    {
        await _lab.StartWorkerAsync(new CeleryWorkerOptions { Queues = "celery,reports" });
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
        // Celery's own client reads the same result.
        Assert.Equal("ünïcode ✗ 😀", (string?)await _lab.EvaluateAsync($"result('{call.Id}').get(timeout=10)['args'][0]"));
    }

    [Fact]
    public async Task A_megabyte_passes_and_a_failure_is_told()
    {
        await _lab.StartWorkerAsync();
        string text = new('✗', 350_000);
        ResultRecord large = await CalledAsync(new TaskCall { Task = "lab.echo", Args = $"[\"{text}\"]" });
        Assert.Equal(text, (string?)JsonNode.Parse(large.Result!)!["args"]![0]);
        ResultRecord failed = await CalledAsync(new TaskCall { Task = "lab.fail", Kwargs = """{"text": "it's ✗"}""" });
        Assert.Equal(("FAILURE", "ValueError", "ValueError(\"it's ✗\")"), (failed.Status, failed.ExceptionType, failed.Exception));
        Assert.Contains("raise ValueError(text)", failed.Traceback, StringComparison.Ordinal);
        Assert.Equal(("lab.fail", "[]", """{"text": "it's \u2717"}"""), (failed.Task, failed.Args, failed.Kwargs));
    }

    [Fact]
    public async Task What_is_due_later_runs_later_and_what_expired_does_not_run()
    {
        await _lab.StartWorkerAsync();
        Instant now = Instant.Now(TimeProvider.System);
        var later = new TaskCall { Task = "lab.ok", Eta = now + TimeSpan.FromSeconds(2) };
        ResultRecord done = await CalledAsync(later);
        Assert.True(done.Done > later.Eta, $"{done.Done} is not after {later.Eta}");
        ResultRecord expired = await CalledAsync(new TaskCall { Task = "lab.ok", Eta = now + TimeSpan.FromSeconds(3), Expires = now + TimeSpan.FromSeconds(1) });
        Assert.Equal(("REVOKED", "TaskRevokedError('expired')"), (expired.Status, expired.Exception));
    }

    [Fact]
    public async Task Urgent_calls_are_run_first()
    {
        string[] ids = new string[4];
        foreach ((int priority, int i) in new[] { 9, 3, 6, 0 }.Select((priority, i) => (priority, i)))
        {
            ids[i] = await SendAsync(new TaskCall { Task = "lab.ok", Priority = priority });
        }
        await _lab.StartWorkerAsync(new CeleryWorkerOptions { Pool = "solo", Concurrency = 1, More = ["--prefetch-multiplier", "1"] });
        Instant?[] done = await Task.WhenAll(ids.Select(async id => (await Results.WaitAsync(id, TimeSpan.FromSeconds(30), Cancel))!.Done));
        Assert.Equal([3, 1, 2, 0], Enumerable.Range(0, 4).OrderBy(i => done[i]));
    }

    [Fact]
    public async Task What_Celery_calls_is_read_as_it_meant_it()
    {
        await _lab.EvaluateAsync("echo.apply_async(('ünïcode ✗',), {'n': 1}, priority=3, countdown=60, expires=120, headers={'tenant': 'acme'}).id");
        QueuedMessage queued = Assert.Single(await BrokerQueues.Of(_cluster, TimeProvider.System).PeekAsync("celery", 0, 10, Cancel));
        Assert.Equal(("lab.echo", """["\u00fcn\u00efcode \u2717"]""", """{"n": 1}""", 3, null), (queued.Message.Task, queued.Message.Args, queued.Message.Kwargs, queued.Message.Priority, queued.Message.Problem));
        Assert.Equal("""{"tenant": "acme"}""", queued.Message.Extra);
        Assert.InRange((queued.Message.Expires!.Value - queued.Message.Eta!.Value).TotalSeconds, 59, 61);
    }

    [Fact]
    public async Task Chains_groups_chords_and_retries_are_told_by_their_records()
    {
        await _lab.StartWorkerAsync();
        string last = (string)(await _lab.EvaluateAsync("chain(add.s(1, 1), add.s(10), add.s(100))().id"))!;
        ResultRecord end = (await Results.WaitAsync(last, TimeSpan.FromSeconds(30), Cancel))!;
        Assert.Equal(("112", "[12, 100]"), (end.Result, end.Args));
        ResultRecord middle = (await Results.ReadAsync([end.Parent!], Cancel))[end.Parent!];
        Assert.Equal(("12", last), (middle.Result, Assert.Single(middle.Children)));

        JsonNode chord = (await _lab.EvaluateAsync("(lambda r: [r.id, r.parent.id, [c.id for c in r.parent.children]])(chord([add.s(i, i) for i in range(3)])(total.s()))"))!;
        Assert.Equal("6", (await Results.WaitAsync((string)chord[0]!, TimeSpan.FromSeconds(30), Cancel))!.Result);
        IReadOnlyDictionary<string, ResultRecord> parts = await Results.ReadAsync([.. chord[2]!.AsArray().Select(id => (string)id!)], Cancel);
        Assert.All(parts.Values, part => Assert.Equal((string)chord[1]!, part.Group));

        JsonNode group = (await _lab.EvaluateAsync("(lambda r: [r.save() and None, r.id, [c.id for c in r.children]])(group(add.s(i, i) for i in range(3))())"))!;
        Assert.Equal(group[2]!.AsArray().Select(id => (string)id!), await Results.MembersAsync((string)group[1]!, Cancel));

        ResultRecord retried = (await Results.WaitAsync(await _lab.SendAsync("lab.retry", [1]), TimeSpan.FromSeconds(30), Cancel))!;
        Assert.Equal(("SUCCESS", 1, null), (retried.Status, retried.Retries, retried.Parent));
    }

    [Fact]
    public async Task A_name_is_known_to_the_workers_or_not_and_nobody_may_answer()
    {
        var caller = new TaskCaller(_cluster, BrokerQueues.Of(_cluster, TimeProvider.System), new RemoteControl(_cluster, TimeProvider.System));
        Assert.Equal("No worker answered, so nobody can say whether 'lab.ok' is a task.", (await caller.AskAsync("lab.ok", [], Cancel)).Refusal);
        await _lab.StartWorkerAsync();
        Assert.Null((await caller.AskAsync("lab.ok", ["w1@lab"], Cancel)).Refusal);
        Assert.Equal("No worker knows a task 'shop.ok' (1 answered). They know lab.ok.", (await caller.AskAsync("shop.ok", ["w1@lab"], Cancel)).Refusal);
    }

    async Task<ResultRecord> CalledAsync(TaskCall call)
    {
        await SendAsync(call);
        ResultRecord? record = await Results.WaitAsync(call.Id, TimeSpan.FromSeconds(30), Cancel);
        Assert.True(record?.IsFinal == true, $"{call.Task}: {record}");
        return record!;
    }

    async Task<string> SendAsync(TaskCall call)
    {
        await new TaskCaller(_cluster, BrokerQueues.Of(_cluster, TimeProvider.System), new RemoteControl(_cluster, TimeProvider.System)).CallAsync(call, Cancel);
        return call.Id;
    }
}
