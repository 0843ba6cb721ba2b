using System.Text.Json;
using System.Text.Json.Nodes;
using Belfry.Celery;
using Belfry.Celery.Control;
using Belfry.Storage.Payloads;

namespace Belfry.Server.Sources;

/// <summary>Asks the workers of a cluster and tells them what to do; shows what they say with its secrets hidden, and who says nothing.</summary>
/// <param name="cluster">The cluster.</param>
/// <param name="mask">Hides secrets.</param>
public sealed class Inspector(Cluster cluster, SecretMask mask)
{
    /// <summary>Asks, or tells.</summary>
    /// <param name="command">What.</param>
    /// <param name="arguments">Celery's arguments (<see cref="CommandArguments"/>).</param>
    /// <param name="workers">Node names; empty for everybody.</param>
    /// <param name="timeout">How long to wait for answers.</param>
    /// <param name="known">Workers, as far as is known; once those that live have answered nobody is waited for.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    /// <exception cref="Celery.BrokerException">The broker refused.</exception>
    public async Task<Inspected> AskAsync(
        WorkerCommand command, JsonObject arguments, IReadOnlyCollection<string> workers, TimeSpan timeout, KnownWorkers known, CancellationToken cancel)
    {
        // Whoever ends does not answer: that they listen is asked before.
        ControlAnswer answer = await cluster.Control.AskAsync(command.IsLast ? "ping" : command.Method, command.IsLast ? null : arguments, workers, timeout, known.Live, cancel);
        if (command.IsLast)
        {
            await cluster.Control.CastAsync(command.Method, arguments, workers, cancel);
        }
        string[] doubtful = [.. workers.Count == 0 && answer.Mute != 0 ? known.Silent.Where(worker => !answer.Replies.ContainsKey(worker)) : []];
        IReadOnlyDictionary<string, Presence> found = await PresenceAsync(answer, workers, doubtful, known, cancel);
        return new Inspected
        {
            Source = cluster.Name, Command = command, Timeout = timeout, Mute = answer.Mute,
            Replies = answer.Replies.ToDictionary(reply => reply.Key, reply => command.IsLast ? Inspected.Ended : ReplyMask.Apply(mask, command, reply.Value), StringComparer.Ordinal),
            Silent = [.. answer.Silent.Concat(doubtful.Where(worker => found.GetValueOrDefault(worker) == Presence.Connected)).Select(worker => new SilentWorker(worker, found.GetValueOrDefault(worker)))],
        };
    }

    /// <summary>Whether these workers are connected, of a broker by which nobody can be asked; those of whom nobody can say are left out.</summary>
    public async Task<IReadOnlyList<SilentWorker>> FindAsync(IReadOnlyCollection<string> workers, CancellationToken cancel)
    {
        try
        {
            return workers.Count == 0 ? [] : [.. (await cluster.Control.FindAsync(workers, cancel)).Select(found => new SilentWorker(found.Key, found.Value))];
        }
        catch (Exception away) when (away is IOException or BrokerException or OperationCanceledException)
        {
            return [];
        }
    }

    /// <summary>A question to everybody has told on Redis already who is connected: all that are silent, or none of them. Else they are looked for.</summary>
    async Task<IReadOnlyDictionary<string, Presence>> PresenceAsync(ControlAnswer answer, IReadOnlyCollection<string> workers, string[] doubtful, KnownWorkers known, CancellationToken cancel)
    {
        string[] silent = [.. answer.Silent, .. doubtful];
        // Redis tells how many listen and not who: that somebody listens without a word may be any of those that are known.
        string[] possible = cluster.Celery.Broker.Kind == BrokerKind.Redis ? [.. silent.Concat(known.Live).Concat(known.Silent).Distinct()] : silent;
        return silent.Length == 0 ? new Dictionary<string, Presence>()
            : workers.Count == 0 && answer.Mute is { } mute && (mute == 0 || mute >= silent.Length) ? silent.ToDictionary(worker => worker, _ => mute == 0 ? Presence.Gone : Presence.Connected, StringComparer.Ordinal)
            : await cluster.Control.FindAsync(possible, cancel);
    }
}

/// <summary>What workers said, and who said nothing.</summary>
public sealed record Inspected
{
    internal static readonly JsonElement Ended = JsonElement.Parse("""{"ok": "will stop when what runs has ended"}"""u8);

    /// <summary>The cluster's name.</summary>
    public required string Source { get; init; }

    /// <summary>What was asked or told.</summary>
    public required WorkerCommand Command { get; init; }

    /// <summary>How long was waited at most.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>Replies by node name, secrets hidden.</summary>
    public required IReadOnlyDictionary<string, JsonElement> Replies { get; init; }

    /// <summary>Workers that were waited for and did not answer.</summary>
    public required IReadOnlyList<SilentWorker> Silent { get; init; }

    /// <summary>How many heard a question to everybody and did not answer; null where the broker does not tell.</summary>
    public long? Mute { get; init; }

    /// <summary>Nobody answered. A worker that is busy but connected is an answer to whether it is there.</summary>
    public bool IsUnanswered => Replies.Count == 0 && !(Command.Method == "ping" && Silent.Any(worker => worker.Presence == Presence.Connected));

    /// <summary>A sentence for each who did not answer, or for all of them when nobody did.</summary>
    public IEnumerable<string> Remarks()
    {
        string within = $"within {Timeout.TotalSeconds:0.###} s";
        foreach (SilentWorker worker in Silent)
        {
            yield return worker.Presence switch
            {
                Presence.Connected => $"{worker.Worker} did not answer {within} but is connected to its broker: it is busy, not gone. A solo worker answers when its task has ended.",
                Presence.Gone => $"{worker.Worker} did not answer {within} and is not connected to its broker.",
                _ => $"{worker.Worker} did not answer {within}; whether it is connected cannot be told.",
            };
        }
        long strangers = (Mute ?? 0) - Silent.Count(worker => worker.Presence == Presence.Connected);
        if (strangers > 0)
        {
            yield return $"{strangers} more {(strangers == 1 ? "listens" : "listen")} to the cluster's remote control and did not answer {within}: busy, or no {(strangers == 1 ? "worker" : "workers")}.";
        }
        if (Replies.Count == 0 && Silent.Count == 0 && strangers <= 0)
        {
            yield return $"Nobody answered {within}: {(Mute == 0 ? $"no worker of {Source} is connected to its broker" : $"{Source} has no worker, or all of them are busy")}.";
        }
    }

    /// <summary>Writes it as JSON; the same in the API and on the command line.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("source", Source);
        json.WriteString("command", Command.Name);
        json.WriteStartObject("replies");
        foreach ((string worker, JsonElement reply) in Replies.OrderBy(reply => reply.Key, StringComparer.Ordinal))
        {
            json.WritePropertyName(worker);
            reply.WriteTo(json);
        }
        json.WriteEndObject();
        json.WriteStartArray("silent");
        foreach (SilentWorker worker in Silent)
        {
            json.WriteStartObject();
            json.WriteString("worker", worker.Worker);
            json.WriteString("presence", worker.Presence.ToString().ToLowerInvariant());
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("remarks");
        foreach (string remark in Remarks())
        {
            json.WriteStringValue(remark);
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}

/// <summary>A worker that did not answer.</summary>
/// <param name="Worker">Its node name.</param>
/// <param name="Presence">Whether it is connected all the same.</param>
public sealed record SilentWorker(string Worker, Presence Presence);
