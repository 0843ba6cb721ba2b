using System.Text.Json.Nodes;
using Belfry.Celery.Control;

namespace Belfry.Celery.Tests.Control;

public sealed class CommandArgumentsTests
{
    [Theory]
    [InlineData("rate-limit", "task=app.mail rate=10/m", """{"task_name": "app.mail", "rate_limit": "10/m"}""")]
    [InlineData("rate-limit", "task=app.mail rate=0", """{"task_name": "app.mail", "rate_limit": "0"}""")]
    [InlineData("time-limit", "task=t hard=0 soft=30", """{"task_name": "t", "hard": 0, "soft": 30}""")]
    [InlineData("time-limit", "task=t hard=60 soft=0.5", """{"task_name": "t", "hard": 60, "soft": 0.5}""")]
    [InlineData("pool-grow", "", "{}")]
    [InlineData("pool_grow", "n=3", """{"n": 3}""")]
    [InlineData("autoscale", "max=8 min=0", """{"max": 8, "min": 0}""")]
    [InlineData("revoke", "id=a id=b terminate=true signal=kill", """{"task_id": ["a", "b"], "terminate": true, "signal": "SIGKILL"}""")]
    [InlineData("terminate", "id=a signal=SIGINT", """{"task_id": ["a"], "signal": "SIGINT"}""")]
    [InlineData("add-consumer", "queue=q exchange-type=topic routing-key=a.*", """{"queue": "q", "exchange_type": "topic", "routing_key": "a.*"}""")]
    public void What_is_given_becomes_what_Celery_wants(string command, string given, string wanted)
    {
        Assert.True(CommandArguments.TryRead(WorkerCommand.Find(WorkerCommand.Controls, command)!, Given(given), out JsonObject arguments, out _));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(wanted), JsonNode.Parse(arguments.ToJsonString())), arguments.ToJsonString());
    }

    [Theory]
    [InlineData("rate-limit", "task=t", "rate", "'rate' is missing.")]
    [InlineData("rate-limit", "task=t rate=often", "rate", "'rate' is how often: 10/s, 30/m, 2/h, or 0 for any time; not 'often'.")]
    [InlineData("rate-limit", "task=t rate=10/d", "rate", "'rate' is how often: 10/s, 30/m, 2/h, or 0 for any time; not '10/d'.")]
    [InlineData("rate-limit", "task=a task=b rate=1/s", "task", "'task' takes one value.")]
    [InlineData("time-limit", "task=t hard=-5", "hard", "'hard' is a number of seconds, 0 for none; not '-5'.")]
    [InlineData("time-limit", "task=t hard=5 soft=6", "soft", "'soft' is below 'hard', or nobody ever sees it.")]
    [InlineData("pool-shrink", "n=0", "n", "'n' is a whole number from 1 to 10000, not '0'.")]
    [InlineData("autoscale", "max=2 min=3", "min", "'min' is not above 'max'.")]
    [InlineData("terminate", "id=KILL id=a", "id", "'KILL' is a signal and no id: it goes into 'signal'.")]
    [InlineData("terminate", "id=a signal=SIGSEGV", "signal", "'signal' is one of TERM, KILL, INT, QUIT, HUP, USR1, USR2, not 'SIGSEGV'.")]
    [InlineData("revoke", "id=a terminate=perhaps", "terminate", "'terminate' is true or false, not 'perhaps'.")]
    [InlineData("enable-events", "n=1", "n", "'n' is not known here; enable-events takes nothing.")]
    [InlineData("cancel-consumer", "queue= ", "queue", "'queue' is missing.")]
    public void What_is_wrong_is_told_with_its_field(string command, string given, string field, string problem)
    {
        Assert.False(CommandArguments.TryRead(WorkerCommand.Find(WorkerCommand.Controls, command)!, Given(given), out _, out (string Field, string Problem)? mistake));
        Assert.Equal((field, problem), mistake);
    }

    [Fact]
    public void Figures_of_a_worker_are_read_whatever_it_sends()
    {
        JsonArray recorded = Recorded("control-replies-redis-563.jsonl", "inspect stats");
        WorkerStats stats = WorkerStats.Read(System.Text.Json.JsonElement.Parse(recorded[0]!["w1@lab"]!.ToJsonString()));
        Assert.Equal((1265, TimeSpan.FromSeconds(13), "prefork", 2, 9, 55780 * 1024), (stats.Pid!.Value, stats.Uptime!.Value, stats.Pool, stats.Slots!.Value, stats.Prefetch!.Value, stats.Memory!.Value));
        Assert.Equal([1271, 1272], stats.Processes);
        Assert.Equal(2, stats.Totals["lab.slow"]);
        Assert.Empty(stats.Facts);
        Assert.False(stats.IsSolo);
        WorkerStats old = WorkerStats.Read(System.Text.Json.JsonElement.Parse(Recorded("control-replies-redis-526.jsonl", "inspect stats")[0]!.AsObject().First().Value!.ToJsonString()));
        Assert.Equal(("prefork", false), (old.Pool, old.IsSolo));
        Assert.True(WorkerStats.Read(System.Text.Json.JsonElement.Parse("""{"pid": 7, "pool": {"processes": [7]}}"""u8)).IsSolo);
        foreach (string odd in (string[])["null", "[]", "5", "{}", """{"pool": 5, "total": [], "pid": "x", "uptime": 1e300, "rusage": null}""", """{"pool": {"processes": [[1]], "implementation": 3}, "total": {"a": "b"}}"""])
        {
            Assert.Null(WorkerStats.Read(System.Text.Json.JsonElement.Parse(odd)).Pid);
        }
    }

    static JsonArray Recorded(string file, string command) =>
        File.ReadLines(Path.Combine(AppContext.BaseDirectory, "data", file)).Select(line => JsonNode.Parse(line)!).First(line => line["cmd"]!.GetValue<string>() == command)["reply"]!.AsArray();

    static Dictionary<string, IReadOnlyList<string>> Given(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2))
        .GroupBy(pair => pair[0], pair => pair[1]).ToDictionary(field => field.Key, field => (IReadOnlyList<string>)[.. field]);
}
