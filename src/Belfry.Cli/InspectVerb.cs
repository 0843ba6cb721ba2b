using System.CommandLine;
using System.Text.Json;
using Belfry.Server;
using Belfry.Storage;

namespace Belfry.Cli;

/// <summary><c>belfry inspect</c>: what there is.</summary>
static class InspectVerb
{
    const int TasksShown = 20;

    static readonly Option<bool> Json = Common.Json();

    public static Verb Build()
    {
        var logs = new Verb("logs", "How many runs the log has, how much room they take, which tasks take it, and what retention would delete", "belfry inspect logs --json") { Json };
        var inspect = new Verb("inspect", "What there is: the log in figures, and what workers of Celery tell", "belfry inspect logs", "belfry inspect active --broker redis://localhost:6379/0") { logs.Does(LogsAsync), QueueVerbs.BuildInspect(), BuildSettings() };
        foreach (Verb verb in WorkerVerbs.Inspections().Prepend(ClusterVerbs.BuildWorkers()).Append(ClusterVerbs.BuildBindings()))
        {
            inspect.Add(verb);
        }
        return inspect;
    }

    static Verb BuildSettings() => new Verb(
        "settings", "The settings that count, from file, variables and options, with their secrets hidden", "belfry inspect settings", "belfry inspect settings --config /etc/belfry.json --json") { Json }
        .Does((line, _) => Task.FromResult(Settings(line)));

    static int Settings(ParseResult line)
    {
        IReadOnlyList<(string Key, string Value)> settings = EffectiveSettings.Of(Common.Settings(line));
        if (line.GetValue(Json))
        {
            Answers.Print(settings.ToDictionary(setting => setting.Key, setting => setting.Value));
            return Exits.Done;
        }
        int width = settings.Max(setting => setting.Key.Length);
        foreach ((string key, string value) in settings)
        {
            Console.Out.WriteLine($"{key.PadRight(width)}  {value}".TrimEnd());
        }
        return Exits.Done;
    }

    static async Task<int> LogsAsync(ParseResult line, CancellationToken cancel)
    {
        BelfrySettings settings = Common.Settings(line);
        using RunQueries log = await RunQueries.OpenAsync(StoreUrl.Parse(settings.Store), TimeProvider.System, cancel);
        LogUsage usage = await log.UsageAsync(cancel);
        RetentionPreview preview = await log.PreviewAsync(settings.Retention.ToPolicy(), cancel);
        long? average = usage.Runs > 0 && usage.Bytes > 0 ? usage.Bytes / usage.Runs : null;
        if (line.GetValue(Json))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new
            {
                count = usage.Runs,
                bytes = usage.Bytes,
                average_bytes = average,
                retention = new { runs = preview.Runs, bytes = preview.Bytes },
                tasks = usage.Tasks.Select(task => new { task = task.Task, runs = task.Runs, bytes = task.Bytes }),
            }));
            return Exits.Done;
        }
        Console.Out.WriteLine($"Log count in DB:         {usage.Runs:N0}");
        Console.Out.WriteLine($"Table size in DB:        {(usage.Bytes > 0 ? $"{usage.Bytes:N0} bytes" : "N/A")}");
        Console.Out.WriteLine($"Average log size in DB:  {(average is { } bytes ? $"{bytes:N0} bytes" : "N/A")}");
        Console.Out.WriteLine($"Retention would delete:  {preview.Runs:N0} runs{(preview.Runs > 0 ? $", about {preview.Bytes:N0} bytes" : "")}");
        foreach (TaskUsage task in usage.Tasks.Take(TasksShown))
        {
            Console.Out.WriteLine($"{task.Runs,14:N0} runs {task.Bytes,16:N0} bytes (about)  {(task.Task.Length > 0 ? task.Task : "(no name)")}");
        }
        return Exits.Done;
    }
}
