using System.Globalization;
using System.Text.Json;
using Belfry.Server.Sources;
using Belfry.Server.Sources.Queues;

namespace Belfry.Server.Api;

/// <summary>Queues as JSON; the command writes the same.</summary>
static class QueueJson
{
    /// <summary>All queues.</summary>
    public static void Write(Utf8JsonWriter json, IReadOnlyDictionary<string, int> calls, IReadOnlyList<ClusterQueues> clusters)
    {
        json.WriteStartObject();
        json.WriteStartArray("items");
        foreach ((string queue, int waiting) in calls.OrderBy(queue => queue.Key, StringComparer.Ordinal))
        {
            json.WriteStartObject();
            json.WriteString("source", CallEvents.Source);
            json.WriteString("queue", queue);
            json.WriteNumber("waiting", waiting);
            json.WriteEndObject();
        }
        foreach ((Cluster cluster, QueueRow queue) in clusters.SelectMany(cluster => cluster.Queues, (cluster, queue) => (cluster.Cluster, queue)))
        {
            Write(json, cluster, queue);
        }
        json.WriteEndArray();
        json.WriteStartArray("problems");
        foreach (ClusterQueues cluster in clusters.Where(cluster => cluster.Problem is not null))
        {
            json.WriteStartObject();
            json.WriteString("source", cluster.Cluster.Name);
            json.WriteString("problem", cluster.Problem);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>One queue.</summary>
    public static void Write(Utf8JsonWriter json, Cluster cluster, QueueRow queue)
    {
        json.WriteStartObject();
        json.WriteString("source", cluster.Name);
        json.WriteString("queue", queue.Standing.Name);
        json.WriteNumber("waiting", queue.Standing.Length ?? 0);
        json.WriteStartObject("priorities");
        foreach ((int priority, long waiting) in queue.Standing.ByPriority.OrderBy(step => step.Key))
        {
            json.WriteNumber(priority.ToString(CultureInfo.InvariantCulture), waiting);
        }
        json.WriteEndObject();
        JsonFields.Number(json, "consumers", queue.Consumers);
        JsonFields.Number(json, "oldest_age_estimate", queue.OldestAge);
        JsonFields.Text(json, "warning", cluster.Queues.PeekWarning);
        json.WriteEndObject();
    }

    /// <summary>Messages of a queue: a page of those found, and how many are of which application and task.</summary>
    public static void Write(Utf8JsonWriter json, Cluster cluster, string queue, QueueContents contents, WaitingMessage[] found, int from, int limit)
    {
        json.WriteStartObject();
        json.WriteString("source", cluster.Name);
        json.WriteString("queue", queue);
        JsonFields.At(json, "at", contents.At);
        json.WriteNumber("length", contents.Length);
        json.WriteNumber("listed", contents.Messages.Count);
        json.WriteNumber("found", found.Length);
        JsonFields.Text(json, "warning", cluster.Queues.PeekWarning);
        Counts(json, "apps", found.GroupBy(message => message.App ?? ""));
        Counts(json, "tasks", found.GroupBy(message => message.Task ?? ""));
        Counts(json, "problems", found.Where(message => message.Problem is not null).GroupBy(message => message.Problem!));
        json.WriteStartArray("items");
        foreach (WaitingMessage message in found.Skip(from).Take(limit))
        {
            Write(json, message);
        }
        json.WriteEndArray();
        if (from + limit < found.Length)
        {
            json.WriteString("next", (from + limit).ToString(CultureInfo.InvariantCulture));
        }
        else
        {
            json.WriteNull("next");
        }
        json.WriteEndObject();
    }

    /// <summary>What became of messages that were to go.</summary>
    public static void Write(Utf8JsonWriter json, QueueRemoval removal)
    {
        json.WriteStartObject();
        json.WriteNumber("removed", removal.Removed);
        json.WriteNumber("revoked", removal.Revoked);
        json.WriteEndObject();
    }

    static void Write(Utf8JsonWriter json, WaitingMessage message)
    {
        json.WriteStartObject();
        json.WriteNumber("position", message.Position);
        JsonFields.Text(json, "id", message.Id);
        JsonFields.Text(json, "task", message.Task);
        JsonFields.Text(json, "app", message.App);
        JsonFields.Number(json, "priority", message.Priority);
        if (message.Eta is { } eta)
        {
            JsonFields.At(json, "eta", eta);
        }
        if (message.Retries > 0)
        {
            json.WriteNumber("retries", message.Retries);
        }
        JsonFields.Text(json, "problem", message.Problem);
        json.WriteEndObject();
    }

    static void Counts(Utf8JsonWriter json, string name, IEnumerable<IGrouping<string, WaitingMessage>> groups)
    {
        json.WriteStartObject(name);
        foreach ((string key, int count) in groups.Select(group => (group.Key, group.Count())).OrderByDescending(group => group.Item2).ThenBy(group => group.Key, StringComparer.Ordinal))
        {
            json.WriteNumber(key, count);
        }
        json.WriteEndObject();
    }
}
