using System.Text.Json;
using System.Text.Json.Nodes;

namespace Belfry.Celery.Control;

/// <summary>Speaks to the workers of a cluster, as <c>celery inspect</c> and <c>celery control</c> do.</summary>
/// <param name="cluster">The cluster.</param>
/// <param name="clock">The clock.</param>
public sealed class RemoteControl(CeleryCluster cluster, TimeProvider clock)
{
    /// <summary>How long workers are waited for, unless something else is said: as Celery's own client does.</summary>
    public static readonly TimeSpan UsualTimeout = TimeSpan.FromSeconds(1);

    // How long the broker itself may take.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    // All that are known have answered, but more listen than that: a worker without heartbeats, or one that came this second. Or as many answered as
    // listen, and one that is known did not: it does not hear us, being dead, or cut off. Answers take 12 ms.
    static readonly TimeSpan ForStrangers = TimeSpan.FromMilliseconds(40);

    /// <summary>Asks workers, and gives what they say.</summary>
    /// <param name="method">Celery's name of the command: <c>ping</c>, <c>active</c>, <c>rate_limit</c> …</param>
    /// <param name="arguments">Its arguments; null for none.</param>
    /// <param name="destination">Node names of those who are asked; empty for everybody.</param>
    /// <param name="timeout">How long they are waited for.</param>
    /// <param name="known">Workers that live, as far as is known: once they have all answered nobody is waited for. Empty when that is not known.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    /// <exception cref="BrokerException">The broker refused.</exception>
    public async Task<ControlAnswer> AskAsync(
        string method, JsonObject? arguments, IReadOnlyCollection<string> destination, TimeSpan timeout, IReadOnlyCollection<string> known, CancellationToken cancel)
    {
        HashSet<string> awaited = [.. destination.Count > 0 ? destination : known];
        var request = new ControlRequest(method, arguments, destination, clock.GetUtcNow() + timeout) { ReplyTo = $"{Guid.NewGuid()}", Ticket = $"{Guid.NewGuid()}" };
        var replies = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        await using IControlLine line = await OpenAsync(cancel);
        long began = clock.GetTimestamp();
        long? heard = await line.SendAsync(request, cancel);
        // On Redis it is known when nobody hears.
        TimeSpan? left = heard == 0 ? null : timeout;
        while (left is { } time && await line.ReceiveAsync(time, cancel) is { } reply)
        {
            replies[reply.Worker] = reply.Value;
            left = Left(awaited, replies.Keys, destination.Count == 0 ? heard : awaited.Count, timeout - clock.GetElapsedTime(began));
        }
        return new ControlAnswer
        {
            Replies = replies, Silent = [.. awaited.Where(worker => !replies.ContainsKey(worker)).Order(StringComparer.Ordinal)], Heard = heard,
            Mute = destination.Count == 0 && heard is { } all ? Math.Max(0, all - replies.Count) : null,
        };
    }

    /// <summary>Tells workers something, and waits for nobody.</summary>
    /// <param name="method">Celery's name of the command.</param>
    /// <param name="arguments">Its arguments; null for none.</param>
    /// <param name="destination">Node names; empty for everybody.</param>
    /// <param name="cancel">Gives up.</param>
    /// <returns>How many heard it: all subscribers of the channel, whoever was meant; null where the broker does not tell.</returns>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    /// <exception cref="BrokerException">The broker refused.</exception>
    public async Task<long?> CastAsync(string method, JsonObject? arguments, IReadOnlyCollection<string> destination, CancellationToken cancel)
    {
        await using IControlLine line = await OpenAsync(cancel);
        return await line.SendAsync(new ControlRequest(method, arguments, destination, clock.GetUtcNow() + Patience), cancel);
    }

    /// <summary>Asks workers to send the events of their tasks, as a worker started with <c>-E</c> does. Nobody answers.</summary>
    /// <param name="workers">Their node names; empty for all.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    /// <exception cref="BrokerException">The broker refused.</exception>
    public Task<long?> EnableEventsAsync(IReadOnlyCollection<string> workers, CancellationToken cancel) => CastAsync("enable_events", null, workers, cancel);

    /// <summary>Whether workers that do not answer are there: a solo worker at work, or a pool that is full, says nothing and is not dead.</summary>
    /// <param name="workers">Their node names.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    /// <exception cref="BrokerException">The broker refused.</exception>
    public async Task<IReadOnlyDictionary<string, Presence>> FindAsync(IReadOnlyCollection<string> workers, CancellationToken cancel)
    {
        var found = new Dictionary<string, Presence>(StringComparer.Ordinal);
        await using (IControlLine line = await OpenAsync(cancel))
        {
            foreach (string worker in workers)
            {
                found[worker] = await line.FindAsync(worker, cancel);
            }
        }
        // Redis tells how many listen, but not who: those who do not answer a ping are as many as there are ears without a mouth.
        if (found.ContainsValue(Presence.Unknown))
        {
            ControlAnswer answer = await AskAsync("ping", null, [], UsualTimeout / 2, workers, cancel);
            foreach (string worker in workers)
            {
                found[worker] = answer.Replies.ContainsKey(worker) || answer.Mute >= answer.Silent.Count ? Presence.Connected
                    : answer.Mute == 0 ? Presence.Gone
                    : Presence.Unknown;
            }
        }
        return found;
    }

    /// <summary>How long to wait for one more reply; null when nobody is left to wait for.</summary>
    internal static TimeSpan? Left(IReadOnlyCollection<string> awaited, IReadOnlyCollection<string> answered, long? heard, TimeSpan rest)
    {
        bool all = answered.Count >= heard, known = awaited.Count > 0 && awaited.All(answered.Contains);
        return rest <= TimeSpan.Zero || (all && (known || awaited.Count == 0)) || (known && heard is null) ? null
            : (known || all) && rest > ForStrangers ? ForStrangers
            : rest;
    }

    async Task<IControlLine> OpenAsync(CancellationToken cancel) =>
        cluster.Broker.Kind == BrokerKind.RabbitMq ? await RabbitLine.OpenAsync(cluster, Patience, cancel) : await RedisLine.OpenAsync(cluster, Patience, clock, cancel);
}

/// <summary>What workers said.</summary>
public sealed record ControlAnswer
{
    /// <summary>Their replies, by node name.</summary>
    public required IReadOnlyDictionary<string, JsonElement> Replies { get; init; }

    /// <summary>Those who were waited for by name and said nothing; busy perhaps, or gone (<see cref="RemoteControl.FindAsync"/>).</summary>
    public required IReadOnlyList<string> Silent { get; init; }

    /// <summary>How many heard the question; null where the broker does not tell.</summary>
    public long? Heard { get; init; }

    /// <summary>How many heard a question to everybody and did not answer it; null where the broker does not tell.</summary>
    public long? Mute { get; init; }
}

/// <summary>Whether a worker is connected to its broker.</summary>
public enum Presence
{
    /// <summary>The broker does not tell.</summary>
    Unknown = 0,

    /// <summary>It is.</summary>
    Connected = 1,

    /// <summary>It is not.</summary>
    Gone = 2,
}
