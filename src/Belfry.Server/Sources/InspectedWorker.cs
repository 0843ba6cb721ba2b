using System.Text.Json;
using System.Text.Json.Nodes;
using Belfry.Celery.Control;

namespace Belfry.Server.Sources;

/// <summary>What one worker says of itself just now; what it did not say is null.</summary>
public sealed record InspectedWorker
{
    static readonly string[] Others = ["queues", "registered", "active", "reserved", "scheduled", "revoked", "conf"];

    /// <summary>It is connected to its broker; an answer proves it.</summary>
    public required Presence Presence { get; init; }

    /// <summary>It answered at all.</summary>
    public bool Answers => Stats is not null;

    /// <summary>Its figures.</summary>
    public JsonElement? Stats { get; init; }

    /// <summary>Queues that it takes from.</summary>
    public JsonElement? Queues { get; init; }

    /// <summary>Tasks that it knows.</summary>
    public JsonElement? Registered { get; init; }

    /// <summary>Runs at work.</summary>
    public JsonElement? Active { get; init; }

    /// <summary>Runs that it holds and has not begun.</summary>
    public JsonElement? Reserved { get; init; }

    /// <summary>Runs that it holds until their time comes.</summary>
    public JsonElement? Scheduled { get; init; }

    /// <summary>Ids that it would not start.</summary>
    public JsonElement? Revoked { get; init; }

    /// <summary>Its settings, as far as they were changed.</summary>
    public JsonElement? Settings { get; init; }

    /// <summary>Asks it. A worker that does not say how it is within the timeout is asked for nothing else.</summary>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    /// <exception cref="Celery.BrokerException">The broker refused.</exception>
    public static async Task<InspectedWorker> AskAsync(Inspector inspector, string worker, TimeSpan timeout, CancellationToken cancel)
    {
        Inspected first = await inspector.AskAsync(Of("stats"), [], [worker], timeout, KnownWorkers.None, cancel);
        if (Reply(first, worker) is not { } stats)
        {
            return new InspectedWorker { Presence = first.Silent is [{ Presence: var presence }] ? presence : Presence.Unknown };
        }
        JsonElement?[] others = await Task.WhenAll(Others.Select(async name =>
            Reply(await inspector.AskAsync(Of(name), name == "registered" ? new JsonObject { ["taskinfoitems"] = new JsonArray("rate_limit") } : [], [worker], timeout, KnownWorkers.None, cancel), worker)));
        return new InspectedWorker
        {
            Presence = Presence.Connected, Stats = stats, Queues = others[0], Registered = others[1], Active = others[2], Reserved = others[3], Scheduled = others[4], Revoked = others[5], Settings = others[6],
        };
    }

    static WorkerCommand Of(string name) => WorkerCommand.Find(WorkerCommand.Inspections, name)!;

    static JsonElement? Reply(Inspected said, string worker) => said.Replies.TryGetValue(worker, out JsonElement reply) ? reply : null;
}
