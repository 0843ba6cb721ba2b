using System.Text.Json;

namespace Belfry.Tests.Folding;

/// <summary>The lives of one id that define the meaning of the log, each with the rows it folds to.</summary>
public sealed class FoldCases
{
    static readonly JsonElement[] Cases =
        [.. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "data", "runs.jsonl")).Where(line => line.Length > 0).Select(line => JsonDocument.Parse(line).RootElement)];

    public static TheoryData<string> Names => [.. Cases.Select(item => item.GetProperty("id").GetString()!)];

    [Theory]
    [MemberData(nameof(Names))]
    [Trait("row", "86")]
    [Trait("row", "87")]
    public void A_life_folds_to_its_rows_in_every_order(string name)
    {
        JsonElement item = Cases.First(candidate => candidate.GetProperty("id").GetString() == name);
        List<TaskEvent> events = [.. item.GetProperty("events").EnumerateArray().Select(Event)];
        string[] expected = [.. item.GetProperty("rows").EnumerateArray().Select(Expected)];
        var random = new Random(20261121);
        for (int round = 0; round < 200; round++)
        {
            Assert.Equal(expected, Fold.Rows(events).Select(Actual));
            random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(events));
        }
    }

    [Fact]
    public void Every_final_state_has_an_end()
    {
        foreach (TaskRun run in Cases.SelectMany(item => Fold.Rows(item.GetProperty("events").EnumerateArray().Select(Event))))
        {
            Assert.Equal(run.State.IsFinal(), run.Finished is not null);
        }
    }

    static TaskEvent Event(JsonElement json) => new()
    {
        Source = json.GetProperty("source").GetString()!,
        Id = json.GetProperty("id").GetString()!,
        Kind = EventKinds.TryParse(json.GetProperty("kind").GetString(), out EventKind kind) ? kind : throw new FormatException(),
        At = Instant.TryParse(json.GetProperty("at").GetString(), out Instant at) ? at : throw new FormatException(),
        Attempt = json.TryGetProperty("attempt", out JsonElement attempt) ? attempt.GetInt32() : null,
        Worker = Text(json, "worker"),
        Task = Text(json, "task"),
        Result = Text(json, "result"),
        Exception = Text(json, "exception"),
        Reason = Text(json, "reason"),
        Text = Text(json, "text"),
        Percent = json.TryGetProperty("percent", out JsonElement percent) ? percent.GetDouble() : null,
    };

    static string Expected(JsonElement row) => string.Join(
        " | ",
        row.GetProperty("attempt"), row.GetProperty("state"), row.GetProperty("redeliveries"), Text(row, "worker"), Text(row, "task"),
        Text(row, "submitted"), Text(row, "received"), Text(row, "started"), Text(row, "finished"), Text(row, "result"),
        Text(row, "exception"), Text(row, "reason"), Text(row, "percent"), Text(row, "text"));

    static string Actual(TaskRun run) => string.Join(
        " | ",
        run.Attempt, run.State, run.Redeliveries, run.Worker, run.Task, run.Submitted, run.Received, run.Started, run.Finished,
        run.Result, run.Exception, run.Reason, run.Percent, run.Text);

    static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value.ToString() : null;
}
