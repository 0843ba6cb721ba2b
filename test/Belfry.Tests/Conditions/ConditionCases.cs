using System.Text.Json;

namespace Belfry.Tests.Conditions;

/// <summary>The cases that define the meaning of conditions: what holds at an instant, and when that changes if nothing happens.</summary>
public sealed class ConditionCases
{
    static readonly JsonElement[] Cases =
        [.. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "data", "conditions.jsonl")).Where(line => line.Length > 0).Select(line => JsonDocument.Parse(line).RootElement)];

    public static TheoryData<string> Names => [.. Cases.Select(item => item.GetProperty("id").GetString()!)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_condition_holds_and_changes_as_its_case_says(string name)
    {
        JsonElement item = Cases.First(candidate => candidate.GetProperty("id").GetString() == name);
        Condition condition = Condition.Parse(item.GetProperty("condition").GetString()!);
        ConditionContext context = Context(item);
        Instant? change = item.GetProperty("next_change").GetString() is { } text ? At(text) : null;
        Assert.Equal((item.GetProperty("holds").GetBoolean(), change), (condition.Holds(context), condition.NextChange(context)));
        if (change is { } next)
        {
            Assert.Equal(condition.Holds(context), condition.HoldsAt(context, next - TimeSpan.FromMicroseconds(1)));
            Assert.NotEqual(condition.Holds(context), condition.HoldsAt(context, next));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_condition_of_a_case_prints_as_it_is_read(string name)
    {
        Condition condition = Condition.Parse(Cases.First(candidate => candidate.GetProperty("id").GetString() == name).GetProperty("condition").GetString()!);
        Assert.Equal(condition, Condition.Parse(condition.ToString()));
    }

    static ConditionContext Context(JsonElement item)
    {
        JsonElement options = item.TryGetProperty("options", out JsonElement given) ? given : default;
        string? Option(string key) => options.ValueKind == JsonValueKind.Object && options.TryGetProperty(key, out JsonElement value) ? value.ToString() : null;
        Dictionary<string, TaskHistory> histories = item.GetProperty("history").EnumerateArray()
            .GroupBy(entry => entry.GetProperty("task").GetString()!)
            .ToDictionary(task => task.Key, task => TaskHistory.Of(Rows(task.Key, [.. task])));
        return new ConditionContext
        {
            Now = At(item.GetProperty("now").GetString()!),
            Zone = TimeZoneInfo.FindSystemTimeZoneById(item.GetProperty("zone").GetString()!),
            Own = histories.GetValueOrDefault(item.GetProperty("task").GetString()!, TaskHistory.None),
            Tasks = task => histories.GetValueOrDefault(task, TaskHistory.None),
            Crash = Option("crash") == "wait" ? CrashPolicy.Wait : CrashPolicy.RunAgain,
            RetryLost = Option("retry_lost") == "True",
            AfterFinishAnyEnd = Option("after_finish_any_end") != "False",
            SchedulerStarted = Option("scheduler_started") is { } started ? At(started) : null,
        };
    }

    /// <summary>The rows that the log would have: an attempt of 1 begins a new run.</summary>
    static IEnumerable<TaskRun> Rows(string task, JsonElement[] entries)
    {
        int id = 0;
        var events = new List<TaskEvent>();
        foreach (JsonElement entry in entries)
        {
            int attempt = entry.TryGetProperty("attempt", out JsonElement number) ? number.GetInt32() : 1;
            string action = entry.GetProperty("action").GetString()!;
            id += action == "started" && attempt == 1 ? 1 : 0;
            events.Add(new TaskEvent
            {
                Source = "local",
                Id = $"{task} {id}",
                Task = task,
                Kind = EventKinds.TryParse(action, out EventKind kind) ? kind : throw new FormatException(action),
                At = At(entry.GetProperty("at").GetString()!),
                Attempt = attempt,
                Reason = entry.TryGetProperty("reason", out JsonElement reason) ? reason.GetString() : null,
            });
        }
        return events.GroupBy(item => item.Id).SelectMany(Fold.Rows);
    }

    static Instant At(string text) => Instant.TryParse(text, out Instant at) ? at : throw new FormatException(text);
}
