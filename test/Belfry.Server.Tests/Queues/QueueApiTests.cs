using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Storage;
using Belfry.Testing;

namespace Belfry.Server.Tests.Queues;

/// <summary>Queues of Celery clusters over the API: what is told of them, purged and moved.</summary>
public sealed class QueueApiTests : IAsyncLifetime
{
    RedisServer _redis = null!;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _redis = await RedisServer.StartAsync();

    [Fact]
    [Trait("row", "115")]
    public async Task Queues_of_several_clusters_are_told_each_with_its_name_and_a_broker_that_is_down_is_named()
    {
        await PutAsync("celery", "shop.tasks.buy", 0, 3);
        await PutAsync("celery\u0006\u00166", "mail.tasks.send", 10, 2, priority: 6);
        await using ServerHost server = await ServerHost.StartAsync(change: settings => settings.Sources =
        [
            Shop, new SourceSettings { Name = "other", Broker = $"redis://127.0.0.1:{_redis.Port}/1", DefaultQueue = "plain" },
            new SourceSettings { Name = "gone", Broker = $"redis://127.0.0.1:{Machine.FreePort()}/0" },
        ]);
        // A queue of another source is none of these.
        await server.AppendAsync(new TaskEvent { Source = "billing", Id = "r", Kind = EventKind.Submitted, At = Instant.Now(TimeProvider.System), Task = "t", Queue = "invoices" });
        JsonElement all = await server.JsonAsync("/api/v1/queues");
        Assert.Equal(["shop/celery 5", "other/plain 0"], all.GetProperty("items").EnumerateArray().Select(queue => $"{queue.GetProperty("source")}/{queue.GetProperty("queue")} {queue.GetProperty("waiting")}"));
        JsonElement steps = all.GetProperty("items")[0].GetProperty("priorities");
        Assert.Equal((3, 2), (steps.GetProperty("0").GetInt32(), steps.GetProperty("6").GetInt32()));
        JsonElement problem = Assert.Single(all.GetProperty("problems").EnumerateArray());
        Assert.Equal("gone", problem.GetProperty("source").GetString());
        Assert.Contains("cannot be reached", problem.GetProperty("problem").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("row", "115")]
    public async Task Messages_are_told_with_position_id_name_priority_and_app_by_filter_and_page_and_kept_for_a_while()
    {
        await PutAsync("celery", "shop.tasks.buy", 0, 3);
        await PutAsync("celery\u0006\u00169", "standingsrequests.tasks.update", 10, 2, priority: 9);
        await using ServerHost server = await ServerHost.StartAsync(change: settings =>
        {
            settings.Sources = [Shop];
            settings.Apps = new() { ["standings_requests"] = ["standingsrequests"] };
        });
        JsonElement all = await server.JsonAsync("/api/v1/queues/celery/messages");
        Assert.Equal((5, 5, 5), (all.GetProperty("length").GetInt32(), all.GetProperty("listed").GetInt32(), all.GetProperty("found").GetInt32()));
        Assert.Equal("{\"shop\":3,\"standings_requests\":2}", all.GetProperty("apps").ToString());
        JsonElement last = all.GetProperty("items")[3];
        Assert.Equal(
            (3, MadeUpMessage.IdOf(10), "standingsrequests.tasks.update", 9, "standings_requests"),
            (last.GetProperty("position").GetInt32(), last.GetProperty("id").GetString(), last.GetProperty("task").GetString(), last.GetProperty("priority").GetInt32(), last.GetProperty("app").GetString()));
        JsonElement page = await server.JsonAsync("/api/v1/queues/celery/messages?task=shop.tasks.buy&limit=2");
        Assert.Equal(("2", 2, 3), (page.GetProperty("next").GetString(), page.GetProperty("items").GetArrayLength(), page.GetProperty("found").GetInt32()));
        JsonElement rest = await server.JsonAsync("/api/v1/queues/celery/messages?task=shop.tasks.buy&limit=2&cursor=2&source=shop");
        Assert.Equal(2, Assert.Single(rest.GetProperty("items").EnumerateArray()).GetProperty("position").GetInt32());
        Assert.Equal(2, (await server.JsonAsync("/api/v1/queues/celery/messages?priority=9")).GetProperty("found").GetInt32());

        await PutAsync("celery", "shop.tasks.buy", 50, 1);
        Assert.Equal(5, (await server.JsonAsync("/api/v1/queues/celery/messages")).GetProperty("length").GetInt32()); // for ten seconds
        await server.JsonAsync("/api/v1/queues/celery/messages?colour=red", HttpStatusCode.BadRequest);
        await server.JsonAsync("/api/v1/queues/celery/messages?source=nobody", HttpStatusCode.NotFound);
    }

    [Fact]
    [Trait("row", "115")]
    public async Task Above_the_limit_the_first_ones_are_listed_and_the_rest_is_counted()
    {
        await PutAsync("celery", "shop.tasks.buy", 0, 30);
        await using ServerHost server = await ServerHost.StartAsync(change: settings => (settings.Sources, settings.Queues.Limit) = ([Shop], 20));
        JsonElement all = await server.JsonAsync("/api/v1/queues/celery/messages");
        Assert.Equal((30, 20), (all.GetProperty("length").GetInt32(), all.GetProperty("items").GetArrayLength()));
    }

    [Fact]
    [Trait("row", "116")]
    public async Task Purging_says_what_goes_is_audited_and_takes_exactly_that()
    {
        await PutAsync("celery", "shop.tasks.buy", 0, 3);
        await PutAsync("celery", "mail.tasks.send", 10, 3);
        await using ServerHost server = await ServerHost.StartAsync(guarded: true, change: settings => settings.Sources = [Shop]);
        await server.AddTokenAsync("cleaner", "belfry_cleaner", Scope.Manage, Scope.Read);
        server.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "belfry_cleaner");
        Assert.Equal(6, (await server.JsonAsync("/api/v1/queues/celery/messages")).GetProperty("found").GetInt32());

        await PostAsync(server, "/api/v1/queues/celery/purge", new { }, HttpStatusCode.BadRequest);
        await PostAsync(server, "/api/v1/queues/celery/purge", new { all = true, app = "shop" }, HttpStatusCode.BadRequest);
        Assert.Equal(1, (await PostAsync(server, "/api/v1/queues/celery/purge", new { id = MadeUpMessage.IdOf(1) })).GetProperty("removed").GetInt32());
        Assert.Equal(2, (await PostAsync(server, "/api/v1/queues/celery/purge", new { source = "shop", app = "shop" })).GetProperty("removed").GetInt32());
        Assert.Equal(3, (await server.JsonAsync("/api/v1/queues/celery/messages")).GetProperty("found").GetInt32()); // not the list from before
        Assert.Equal(3, (await PostAsync(server, "/api/v1/queues/celery/purge", new { all = true })).GetProperty("removed").GetInt32());

        await server.Get<AuditTrail>().WriteAsync(all: true, Cancel);
        IReadOnlyList<AuditEntry> audit = await server.Access.AuditAsync(new AuditQuery(Who: "cleaner"), 100, Cancel);
        Assert.Equal(
            ["queue.purge celery of shop all: 3 removed", "queue.purge celery of shop application shop: 2 removed", $"queue.purge celery of shop id {MadeUpMessage.IdOf(1)}: 1 removed"],
            audit.Where(row => row.What == "queue.purge").Select(row => $"{row.What} {row.About} {row.Detail}"));
    }

    [Fact]
    public async Task What_waits_is_moved_within_a_cluster_and_into_another()
    {
        await PutAsync("celery", "shop.tasks.buy", 0, 3);
        await using ServerHost server = await ServerHost.StartAsync(guarded: true, change: settings => settings.Sources =
            [Shop, new SourceSettings { Name = "other", Broker = $"redis://127.0.0.1:{_redis.Port}/1" }]);
        await server.AddTokenAsync("mover", "belfry_mover", Scope.Manage, Scope.Read);
        server.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "belfry_mover");
        await PostAsync(server, "/api/v1/queues/celery/move", new { to = "slow" }, HttpStatusCode.BadRequest); // of which cluster?
        await PostAsync(server, "/api/v1/queues/celery/move", new { source = "shop", to = "celery" }, HttpStatusCode.BadRequest);
        Assert.Equal(3, (await PostAsync(server, "/api/v1/queues/celery/move", new { source = "shop", to = "slow" })).GetProperty("moved").GetInt32());
        Assert.Equal(3, (await PostAsync(server, "/api/v1/queues/slow/move", new { source = "shop", to = "slow", to_source = "other" })).GetProperty("moved").GetInt32());
        Assert.Equal(3, (await server.JsonAsync("/api/v1/queues/slow/messages?source=other")).GetProperty("found").GetInt32());
    }

    [Fact]
    [Trait("row", "112")]
    public async Task Lengths_ages_consumers_and_workers_are_sampled_while_nothing_completes()
    {
        await using ServerHost server = await ServerHost.StartAsync(change: settings => settings.Sources = [Shop]);
        Instant now = Instant.Now(TimeProvider.System);
        await server.AppendAsync(
            new TaskEvent { Source = "shop", Id = MadeUpMessage.IdOf(0), Kind = EventKind.Submitted, At = now - TimeSpan.FromHours(1), Task = "shop.tasks.buy", Queue = "celery" },
            new TaskEvent { Source = "shop", Id = "", Kind = EventKind.WorkerHeartbeat, At = now, Worker = "w1@lab", Beat = new WorkerBeat(7, 2.0, 1, 99, "py-celery 5.6") });
        // Only now: a message that is seen before the log knows when it was sent counts from then.
        await PutAsync("celery", "shop.tasks.buy", 0, 3);
        IReadOnlyList<Sample> samples = [];
        await Eventually.HoldsAsync("it was measured twice", async () =>
        {
            samples = await server.Log.Queries.LatestSamplesAsync(null, Cancel);
            return samples.Any(sample => sample.Kind == SampleKinds.QueueOldestAge && sample.Value > 3590) && samples.Any(sample => sample is { Kind: SampleKinds.QueueLength, Value: 3 });
        }, TimeSpan.FromSeconds(40));
        Assert.Equal(3, samples.Single(sample => sample is { Kind: SampleKinds.QueueLength, Subject: "celery" }).Value);
        Assert.Equal(0, samples.Single(sample => sample is { Kind: SampleKinds.QueueConsumers, Subject: "celery" }).Value);
        Assert.InRange(samples.Single(sample => sample is { Kind: SampleKinds.WorkersOnline }).Value!.Value, 0, 1);
        JsonElement queue = (await server.JsonAsync("/api/v1/queues")).GetProperty("items")[0];
        Assert.InRange(queue.GetProperty("oldest_age_estimate").GetDouble(), 3590, 3700);
    }

    [Fact]
    [Trait("row", "102")]
    public async Task A_run_tells_how_long_its_queue_was_when_it_came()
    {
        await using ServerHost server = await ServerHost.StartAsync(change: settings => settings.Sources = [Shop]);
        Instant at = Instant.Now(TimeProvider.System) - TimeSpan.FromHours(3);
        await server.Log.SampleAsync([.. new[] { (-200, 4.0), (-20, 17), (40, 30) }.Select(one => new Sample("shop", SampleKinds.QueueLength, "mail", at + TimeSpan.FromSeconds(one.Item1), one.Item2))], Cancel);
        TaskEvent run = new() { Source = "shop", Id = "r1", Kind = EventKind.Submitted, At = at, Task = "t", Queue = "mail" };
        await server.AppendAsync(run, run with { Id = "r2", Queue = "slow" });
        Assert.Equal(17, (await server.JsonAsync("/api/v1/runs/r1")).GetProperty("queue_length").GetInt32());
        Assert.False((await server.JsonAsync("/api/v1/runs/r2")).TryGetProperty("queue_length", out _));
        Assert.Contains("<dt>In queue</dt>", await (await server.GetAsync("/runs/r1")).Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
    }

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    SourceSettings Shop => new() { Name = "shop", Broker = _redis.Url };

    async Task PutAsync(string list, string task, int from, int count, int priority = 0)
    {
        foreach (int number in Enumerable.Range(from, count))
        {
            await _redis.AskAsync("LPUSH", list, MadeUpMessage.Of(number, task, priority: priority));
        }
    }

    static async Task<JsonElement> PostAsync(ServerHost server, string path, object body, HttpStatusCode wanted = HttpStatusCode.OK)
    {
        using HttpResponseMessage answer = await server.Client.PostAsJsonAsync(path, body, Cancel);
        string text = await answer.Content.ReadAsStringAsync(Cancel);
        Assert.True(answer.StatusCode == wanted, $"{path}: {answer.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement.Clone();
    }
}
