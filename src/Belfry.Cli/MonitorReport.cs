using System.Text.Encodings.Web;
using System.Text.Json;
using Belfry.Server.Alerts;
using Belfry.Server.Checks;

namespace Belfry.Cli;

/// <summary>Prints what a monitor call found: one line to begin with, as Nagios reads it, then a table; or one JSON object for each task.</summary>
static class MonitorReport
{
    static readonly JsonSerializerOptions Lines = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Prints the results, mistakes of the configuration to <paramref name="talk"/>, and gives the exit code.</summary>
    public static int Print(IReadOnlyList<MonitorResult> results, bool json, TextWriter data, TextWriter talk)
    {
        foreach (string problem in results.Where(result => result.Outcome == MonitorOutcome.NotChecked).SelectMany(result => result.Problems))
        {
            talk.WriteLine($"belfry: {problem}");
        }
        if (json)
        {
            foreach (MonitorResult result in results)
            {
                data.WriteLine(JsonSerializer.Serialize(Record(result), Lines));
            }
        }
        else
        {
            PrintTable(results, data);
        }
        return (int)results.Select(result => result.State).Worst();
    }

    static object Record(MonitorResult result) => new
    {
        result.Task,
        result.Check,
        Outcome = JsonNamingPolicy.SnakeCaseLower.ConvertName(result.Outcome.ToString()),
        State = Word(result.State).ToLowerInvariant(),
        result.Reason,
        Status = result.Status.Length > 0 ? result.Status : null,
        ExpectedStatuses = result.Expected.Select(state => state.ToString()),
        LookbackHours = result.Window?.TotalHours,
        Started = result.LastKnown?.Started?.ToString(),
        Finished = result.LastKnown?.Finished?.ToString(),
        Run = result.LastKnown?.Id,
        Checked = result.Checked?.ToString(),
        result.Subject,
        result.Recipients,
        result.Sentence,
        result.Problems,
    };

    static void PrintTable(IReadOnlyList<MonitorResult> results, TextWriter data)
    {
        data.WriteLine(Summary(results));
        Answers.Print(["STATE", "TASK", "STATUS", "EXPECTED", "WINDOW", "LAST RUN", "TOLD"], [.. results.Select(Row)], data);
        foreach (MonitorResult result in results.Where(result => result.State != CheckState.Ok))
        {
            data.WriteLine($"{result.Task}: {result.Sentence}");
        }
    }

    static string Summary(IReadOnlyList<MonitorResult> results)
    {
        string word = Word(results.Select(result => result.State).Worst()).ToUpperInvariant();
        string[] bad = [.. results.Where(result => result.State != CheckState.Ok).Select(result => $"{result.Task} ({result.Reason})")];
        return bad.Length == 0
            ? $"{word}: {(results.Count == 1 ? "the task is" : $"all {results.Count} tasks are")} well"
            : $"{word}: {bad.Length} of {results.Count} {(results.Count == 1 ? "task" : "tasks")} not well: {string.Join(", ", bad)}";
    }

    static string[] Row(MonitorResult result) =>
    [
        $"{Symbol(result.State)} {Word(result.State)}",
        result.Task,
        result.Status.Length > 0 ? result.Status : "–",
        result.Expected.Count > 0 ? CheckSentence.States(result.Expected) : "–",
        result.Window is { } window ? CheckSentence.Span(window) : "–",
        result.LastKnown is { } run && result.Checked is { } now ? CheckSentence.Span(now - (run.Finished ?? run.At)) : "–",
        Told(result),
    ];

    static string Told(MonitorResult result) => result.Outcome switch
    {
        MonitorOutcome.Alerted => string.Join(", ", result.Recipients),
        MonitorOutcome.DryRun => result.Recipients.Count > 0 ? $"({string.Join(", ", result.Recipients)})" : "(nobody)",
        MonitorOutcome.NobodyTold => "nobody",
        _ => "–",
    };

    static string Word(CheckState state) => state == CheckState.Ok ? "OK" : state.ToString();

    static string Symbol(CheckState state) => state switch { CheckState.Ok => "✓", CheckState.Critical => "✖", CheckState.Warning => "!", _ => "?" };
}
