using System.Text.Json;
using Belfry.Celery.Queues;
using Belfry.Server.Sources;
using Belfry.Server.Sources.Queues;

namespace Belfry.Cli;

/// <summary>Queues with what waits in them, for people.</summary>
static class QueueReport
{
    /// <summary>A queue with the counts of its messages by application and task.</summary>
    public static JsonElement With(JsonElement queue, JsonElement? messages) => Answers.Of(json =>
    {
        json.WriteStartObject();
        foreach (JsonProperty field in queue.EnumerateObject())
        {
            field.WriteTo(json);
        }
        foreach (string counts in (string[])["apps", "tasks"])
        {
            if (messages is { } told)
            {
                json.WritePropertyName(counts);
                told.GetProperty(counts).WriteTo(json);
            }
        }
        json.WriteEndObject();
    });

    /// <summary>Counts the messages that wait in a queue.</summary>
    public static async Task<JsonElement> CountAsync(Cluster cluster, string queue, IReadOnlyDictionary<string, string> apps, CancellationToken cancel)
    {
        var (byApp, byTask) = (new Dictionary<string, int>(), new Dictionary<string, int>());
        await foreach (QueuedMessage message in cluster.Queues.WalkAsync(queue, cancel))
        {
            string app = MessageChoice.AppOf(message.Message.Task, apps) ?? "", task = message.Message.Task ?? "";
            byApp[app] = byApp.GetValueOrDefault(app) + 1;
            byTask[task] = byTask.GetValueOrDefault(task) + 1;
        }
        return Answers.Of(json => JsonSerializer.Serialize(json, new { apps = Sorted(byApp), tasks = Sorted(byTask) }));
    }

    /// <summary>Prints them, the counts of all queues together and most first.</summary>
    public static void Print(IReadOnlyList<JsonElement> queues)
    {
        Console.Out.WriteLine($"Queue size: {queues.Sum(queue => queue.GetProperty("waiting").GetInt64()):N0}");
        if (queues.Count > 0)
        {
            Answers.Print(["CLUSTER", "QUEUE", "WAITING", "BY PRIORITY", "CONSUMERS"], [.. queues.Select(Row)]);
        }
        Print("Messages by app:", "apps", queues);
        Print("Messages by task:", "tasks", queues);
    }

    static string[] Row(JsonElement queue) =>
    [
        Answers.Text(queue, "source"), Answers.Text(queue, "queue"), $"{queue.GetProperty("waiting").GetInt64():N0}",
        string.Join(", ", queue.GetProperty("priorities").EnumerateObject().Select(step => $"{step.Name}: {step.Value.GetInt64():N0}")), Answers.Text(queue, "consumers"),
    ];

    static void Print(string head, string counts, IReadOnlyList<JsonElement> queues)
    {
        (string Name, long Count)[] all =
        [
            .. queues.Where(queue => queue.TryGetProperty(counts, out _)).SelectMany(queue => queue.GetProperty(counts).EnumerateObject())
                .GroupBy(one => one.Name, one => one.Value.GetInt64()).Select(one => (one.Key.Length > 0 ? one.Key : "(none)", one.Sum()))
                .OrderByDescending(one => one.Item2).ThenBy(one => one.Item1, StringComparer.Ordinal),
        ];
        if (all.Length > 0)
        {
            Console.Out.WriteLine(head);
            foreach ((string name, long count) in all)
            {
                Console.Out.WriteLine($"{count,12:N0}  {name}");
            }
        }
    }

    static Dictionary<string, int> Sorted(Dictionary<string, int> counts) =>
        counts.OrderByDescending(one => one.Value).ThenBy(one => one.Key, StringComparer.Ordinal).ToDictionary(one => one.Key, one => one.Value);
}
