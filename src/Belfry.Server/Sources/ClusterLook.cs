using System.Text.Json;
using Belfry.Celery.Control;

namespace Belfry.Server.Sources;

/// <summary>What the workers of a cluster say of themselves just now, all at once.</summary>
/// <param name="Stats">Figures of those who answered.</param>
/// <param name="Queues">Names of the queues that they take from.</param>
/// <param name="Silent">Those who did not answer, or were not heard of where nobody could be asked.</param>
/// <param name="Problem">Why nobody could be asked; null when they were.</param>
public sealed record ClusterLook(
    IReadOnlyDictionary<string, WorkerStats> Stats, IReadOnlyDictionary<string, IReadOnlyList<string>> Queues, IReadOnlyList<SilentWorker> Silent, string? Problem)
{
    readonly Dictionary<string, Presence> _silent = Silent.DistinctBy(worker => worker.Worker).ToDictionary(worker => worker.Worker, worker => worker.Presence, StringComparer.Ordinal);

    /// <summary>Whether one who did not answer is connected.</summary>
    public Presence PresenceOf(string worker) => _silent.GetValueOrDefault(worker);

    /// <summary>Asks, and gives up after a time: a page does not hang because a broker does.</summary>
    public static async Task<ClusterLook> TakeAsync(Inspector inspector, KnownWorkers known, TimeSpan timeout, TimeSpan patience, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        over.CancelAfter(patience);
        try
        {
            Task<Inspected> stats = AskAsync("stats"), queues = AskAsync("queues");
            await Task.WhenAll(stats, queues);
            return new ClusterLook(
                (await stats).Replies.ToDictionary(reply => reply.Key, reply => WorkerStats.Read(reply.Value), StringComparer.Ordinal),
                (await queues).Replies.ToDictionary(reply => reply.Key, reply => QueuesOf(reply.Value), StringComparer.Ordinal),
                (await stats).Silent, null);
        }
        catch (Exception problem) when (problem is IOException or Celery.BrokerException || (problem is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return new ClusterLook(
                new Dictionary<string, WorkerStats>(), new Dictionary<string, IReadOnlyList<string>>(), await inspector.FindAsync(known.Silent, over.Token),
                problem is OperationCanceledException ? $"its broker did not answer within {patience.TotalSeconds:0.#} s" : problem.Message);
        }

        Task<Inspected> AskAsync(string what) => inspector.AskAsync(WorkerCommand.Find(WorkerCommand.Inspections, what)!, [], [], timeout, known, over.Token);
    }

    /// <summary>Names of the queues in a reply to <c>active_queues</c>.</summary>
    public static IReadOnlyList<string> QueuesOf(JsonElement? reply) => reply is { ValueKind: JsonValueKind.Array } queues
        ? [.. queues.EnumerateArray().Select(queue => queue.ValueKind == JsonValueKind.Object && queue.TryGetProperty("name", out JsonElement name) && name.ValueKind == JsonValueKind.String ? name.GetString()! : "").Where(name => name.Length > 0)]
        : [];
}
