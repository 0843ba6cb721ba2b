using System.Text.Json;
using System.Text.Json.Nodes;
using Belfry.Celery.Control;
using Belfry.Server.Admin;
using Belfry.Server.Sources;
using Belfry.Storage.Payloads;

namespace Belfry.Server.Tests.Workers;

/// <summary>Workers may say anything: of other versions, of other makers, or none at all.</summary>
public sealed class OddReplyTests
{
    static readonly string[] Odd =
    [
        "null", "5", "\"text\"", "[]", "{}", "[null, 5, \"a\", [], {}]", "[{\"id\": 5}]", """[{"id": "a", "time_start": "soon", "args": null, "kwargs": 5, "delivery_info": []}]""",
        """[{"eta": "never", "priority": 6, "request": null}, {"eta": 5, "request": {"id": "a"}}]""", """[{"id": "a", "time_start": 1e300}]""", """[{"name": 5}, {"name": ""}]""",
        """{"error": "x"}""", """{"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}""",
    ];

    [Fact]
    public void Whatever_a_worker_says_is_shown_or_left_out()
    {
        foreach (JsonElement reply in Odd.Select(text => JsonElement.Parse(text)))
        {
            Assert.All(HeldRun.Read(reply), run => Assert.Equal("a", run.Id));
            Assert.DoesNotContain("", ClusterLook.QueuesOf(reply));
            Assert.True(ComponentFacts.Read(WorkerStats.FactsOf(reply)).Count() <= 64);
            Assert.Equal(reply.ValueKind, ReplyMask.Apply(new SecretMask(SecretMask.DefaultKeys), WorkerCommand.Inspections[0], reply).ValueKind);
        }
    }

    [Fact]
    public void Secrets_are_hidden_wherever_they_stand_and_figures_of_tasks_are_none()
    {
        var mask = new SecretMask(SecretMask.DefaultKeys);
        JsonElement runs = JsonElement.Parse("""[{"kwargs": {"token": "s3cret", "auth": {"password": 5, "user": "x"}}, "args": ["redis://u:s3cret@host/0", "password=s3cret"]}]"""u8);
        string shown = ReplyMask.Apply(mask, WorkerCommand.Find(WorkerCommand.Inspections, "active")!, runs).GetRawText();
        Assert.DoesNotContain("s3cret", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("5", shown, StringComparison.Ordinal);
        JsonElement stats = JsonElement.Parse("""{"total": {"app.refresh_token": 7}, "feeds": {"password": "s3cret"}}"""u8);
        JsonElement masked = ReplyMask.Apply(mask, WorkerCommand.Find(WorkerCommand.Inspections, "stats")!, stats);
        Assert.Equal((7, SecretMask.Hidden), (masked.GetProperty("total").GetProperty("app.refresh_token").GetInt32(), masked.GetProperty("feeds").GetProperty("password").GetString()));
    }

    [Fact]
    public void Numbers_without_measure_are_told_as_texts()
    {
        JsonElement stats = JsonElement.Parse("""{"queue": {"offset": HUGE, "lag": 7}, "rusage": {"utime": 1e999, "stime": 0}}""".Replace("HUGE", "1" + new string('0', 400), StringComparison.Ordinal));
        ComponentFact[] facts = [.. ComponentFacts.Read(WorkerStats.FactsOf(stats))];
        Assert.Equal([("queue.offset", null, 200), ("queue.lag", 7d, null)], facts.Select(fact => (fact.Name, fact.Number, fact.Text?.Length)));
        Assert.Null(WorkerStats.Read(stats).Cpu);
    }

    [Fact]
    public void A_component_that_tells_too_much_is_cut()
    {
        JsonElement stats = JsonElement.Parse(new JsonObject([.. Enumerable.Range(0, 500).Select(n => KeyValuePair.Create<string, JsonNode?>($"fact-{n}", new string('x', 1000)))]).ToJsonString());
        ComponentFact[] facts = [.. ComponentFacts.Read(WorkerStats.FactsOf(stats))];
        Assert.Equal(64, facts.Length);
        Assert.All(facts, fact => Assert.Equal(200, fact.Text!.Length));
    }
}
