using System.Net;
using System.Text.Json;

namespace Belfry.Server.Tests.Api;

public sealed class RunsTests
{
    [Fact]
    public async Task A_run_has_the_names_and_forms_of_the_contract()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync(
            SampleEvents.New("r1", EventKind.Submitted, 0) with { Worker = null, Args = "[1]", Kwargs = "{}", Context = new RunContext("gap.Session", "Hourly", "7"), Priority = 3 },
            SampleEvents.New("r1", EventKind.Received, 0.25), SampleEvents.New("r1", EventKind.Started, 1) with { Extra = """{"x": [1]}""" },
            SampleEvents.New("r1", EventKind.Progress, 1.5) with { Percent = 40, Text = "page 2" });
        JsonElement run = (await server.JsonAsync("/api/v1/runs")).GetProperty("items")[0];
        Assert.Equal("r1", run.GetProperty("id").GetString());
        Assert.Equal("Running", run.GetProperty("state").GetString());
        Assert.Equal("2026-11-20T10:00:00.250000Z", run.GetProperty("received").GetString());
        Assert.Equal("2026-11-20T10:00:01.000000Z", run.GetProperty("started").GetString());
        Assert.Equal("[1]", run.GetProperty("args").GetString());
        Assert.Equal(40, run.GetProperty("percent").GetDouble());
        Assert.Equal("Hourly", run.GetProperty("context").GetProperty("type").GetString());
        Assert.Equal(3, run.GetProperty("priority").GetInt32());
        Assert.False(run.TryGetProperty("finished", out _));
        Assert.False(run.TryGetProperty("exception", out _));
        string[] names = [.. run.EnumerateObject().Select(member => member.Name)];
        Assert.Equal(
            ["id", "source", "attempt", "state", "task", "worker", "queue", "redeliveries", "submitted", "received", "started", "updated", "args", "kwargs", "percent", "text", "priority", "context", "extra"],
            names.Where(name => name is not ("app" or "overdue")));
    }

    [Fact]
    public async Task A_name_with_a_comma_is_one_name_in_quotes_as_on_the_page()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync([.. SampleEvents.Success("r1", 0).Select(item => item with { Task = item.Task is null ? null : "import, daily" }), .. SampleEvents.Success("r2", 5)]);
        Assert.Equal("r1", Assert.Single((await server.JsonAsync("/api/v1/runs?task=%22import,%20daily%22")).GetProperty("items").EnumerateArray()).GetProperty("id").GetString());
        Assert.Equal(2, (await server.JsonAsync("/api/v1/runs?task=%22import,%20daily%22&task=shop.orders.import")).GetProperty("items").GetArrayLength());
    }

    [Fact, Trait("row", "85")]
    public async Task What_was_filled_in_is_marked_with_its_latest_possible_instant()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync(
            SampleEvents.New("r1", EventKind.Submitted, 0) with { Worker = null },
            SampleEvents.New("r1", EventKind.Received, 1) with { Reconciled = true, Until = SampleEvents.Ten + TimeSpan.FromSeconds(9) },
            SampleEvents.New("r1", EventKind.Succeeded, 12) with { Reconciled = true });
        JsonElement run = (await server.JsonAsync("/api/v1/runs")).GetProperty("items")[0];
        Assert.Equal(["finished", "received"], run.GetProperty("reconciled").EnumerateArray().Select(part => part.GetString()));
        Assert.Equal("2026-11-20T10:00:09.000000Z", run.GetProperty("until").GetString());
    }

    [Fact, Trait("row", "89"), Trait("row", "90")]
    public async Task Runs_that_are_stuck_or_run_for_long_are_marked_and_found()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        TaskEvent Ago(string id, EventKind kind, double hours) => SampleEvents.New(id, kind, 0) with { At = Instant.Now(TimeProvider.System) - TimeSpan.FromHours(hours), Shown = Instant.Now(TimeProvider.System) - TimeSpan.FromHours(hours) };
        await server.AppendAsync(
            Ago("stuck", EventKind.Received, 1), Ago("fresh", EventKind.Received, 0.1),
            Ago("later", EventKind.Received, 1) with { Eta = Instant.Now(TimeProvider.System) + TimeSpan.FromHours(1) },
            Ago("long", EventKind.Started, 30), Ago("long", EventKind.Progress, 0.1) with { Percent = 3 });
        JsonElement.ArrayEnumerator items = (await server.JsonAsync("/api/v1/runs")).GetProperty("items").EnumerateArray();
        Dictionary<string, string> marks = items.ToDictionary(run => run.GetProperty("id").GetString()!, run => run.TryGetProperty("overdue", out JsonElement marked) ? string.Join(",", marked.EnumerateArray()) : "");
        Assert.Equal(("stuck", "", "", "long"), (marks["stuck"], marks["fresh"], marks["later"], marks["long"]));
        Assert.Equal(["stuck"], (await server.JsonAsync("/api/v1/runs?overdue=stuck")).GetProperty("items").EnumerateArray().Select(run => run.GetProperty("id").GetString()));
        Assert.Equal(["long"], (await server.JsonAsync("/api/v1/runs?overdue=long&q=import")).GetProperty("items").EnumerateArray().Select(run => run.GetProperty("id").GetString()));
    }

    [Fact]
    [Trait("row", "87")]
    public async Task A_run_by_its_id_has_all_its_attempts_its_parent_and_its_children()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync([
            .. SampleEvents.Success("parent", 0), .. SampleEvents.Failure("f/1", 10),
            .. SampleEvents.Success("child", 20).Select(happened => happened with { Parent = "f/1" }),
        ]);
        JsonElement found = await server.JsonAsync("/api/v1/runs/f%2F1");
        Assert.Equal(["Retried", "Failed"], found.GetProperty("attempts").EnumerateArray().Select(run => run.GetProperty("state").GetString()));
        Assert.Equal("parent", found.GetProperty("parent").GetProperty("id").GetString());
        Assert.Equal("child", found.GetProperty("children")[0].GetProperty("id").GetString());
        JsonElement same = await server.JsonAsync("/api/v1/runs/f/1?source=prod");
        Assert.Equal(2, same.GetProperty("attempts").GetArrayLength());
    }

    [Fact]
    public async Task An_id_of_several_sources_lists_them_and_an_unknown_one_is_not_found()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync([.. SampleEvents.Success("twice", 0), .. SampleEvents.Success("twice", 5, "other")]);
        JsonElement choices = (await server.JsonAsync("/api/v1/runs/twice", HttpStatusCode.MultipleChoices)).GetProperty("choices");
        Assert.Equal(["other", "prod"], choices.EnumerateArray().Select(choice => choice.GetProperty("source").GetString()).Order());
        JsonElement one = await server.JsonAsync(choices[0].GetProperty("url").GetString()!);
        Assert.Equal(1, one.GetProperty("attempts").GetArrayLength());
        await server.JsonAsync("/api/v1/runs/twice?source=third", HttpStatusCode.NotFound);
        await server.JsonAsync("/api/v1/runs/nothing", HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Pages_go_back_by_cursor_and_miss_none()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync([.. Enumerable.Range(0, 25).SelectMany(i => SampleEvents.Success($"r{i:00}", i * 10))]);
        var seen = new List<string>();
        string? cursor = null;
        do
        {
            JsonElement page = await server.JsonAsync("/api/v1/runs?limit=10" + (cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}"));
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(run => run.GetProperty("id").GetString()!));
            cursor = page.GetProperty("next").GetString();
        }
        while (cursor is not null);
        Assert.Equal(Enumerable.Range(0, 25).Reverse().Select(i => $"r{i:00}"), seen);
    }

    [Theory]
    [InlineData("state=failed,retry", 2)]
    [InlineData("state=FAILURE&state=Retried", 2)]
    [InlineData("state=succeeded", 2)]
    [InlineData("task=shop.*&worker=w1&queue=imports&source=prod", 4)]
    [InlineData("task=other", 0)]
    [InlineData("exception=ValueError", 1)]
    [InlineData("q=valueerror", 1)]
    [InlineData("q=state:failed", 1)]
    [InlineData("min_runtime=1.2", 2)]
    [InlineData("from=2026-11-20T10:00:08Z", 2)]
    [InlineData("from=2026-11-20T11:00:08%2B01:00", 2)]
    [InlineData("from=2026-11-20T11:00:08+01:00", 2)]
    [InlineData("to=2026-11-20T10:00:08Z", 2)]
    [InlineData("to=1795168808", 2)]
    public async Task Filters_choose(string query, int expected)
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync([.. SampleEvents.Success("a", 0), .. SampleEvents.Success("b", 5), .. SampleEvents.Failure("c", 10)]);
        Assert.Equal(expected, (await server.JsonAsync("/api/v1/runs?" + query)).GetProperty("items").GetArrayLength());
    }

    [Theory]
    [InlineData("nonsense=1", "nonsense")]
    [InlineData("state=fine", "state")]
    [InlineData("from=yesterday", "from")]
    [InlineData("to=2026-11-20T10:00:00", "to")]
    [InlineData("min_runtime=-1", "min_runtime")]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=1001", "limit")]
    [InlineData("cursor=what", "cursor")]
    [InlineData("q=colour:red", "q")]
    [InlineData("q=(open", "q")]
    public async Task What_is_not_understood_names_its_field(string query, string field)
    {
        await using ServerHost server = await ServerHost.StartAsync();
        JsonElement problem = await server.JsonAsync("/api/v1/runs?" + query, HttpStatusCode.BadRequest);
        Assert.Equal(field, problem.GetProperty("field").GetString());
        Assert.Equal(400, problem.GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task Workers_are_listed_with_their_own_figures()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync(SampleEvents.New("", EventKind.WorkerHeartbeat, 0, attempt: null) with { Beat = new WorkerBeat(17, 2, 3, 400, "py-celery 5.6.3") });
        JsonElement worker = (await server.JsonAsync("/api/v1/workers")).GetProperty("items")[0];
        Assert.Equal("w1", worker.GetProperty("worker").GetString());
        Assert.Equal(400, worker.GetProperty("processed").GetInt64());
    }
}
