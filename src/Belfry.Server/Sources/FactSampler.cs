using System.Text.Json;
using Belfry.Celery;
using Belfry.Celery.Control;
using Belfry.Storage;
using Belfry.Storage.Payloads;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Sources;

/// <summary>Notes each minute what components of a cluster's workers tell of their health: numbers as a history, texts as they are now.</summary>
sealed partial class FactSampler(Cluster cluster, RunLog log, SecretMask mask, TimeProvider clock, ILogger logger)
{
    static readonly TimeSpan Every = TimeSpan.FromMinutes(1), Patience = TimeSpan.FromSeconds(10);
    bool _failed;

    /// <summary>Notes until it is told to stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await RoundAsync(stop);
            await Task.Delay(Every, clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task RoundAsync(CancellationToken stop)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        over.CancelAfter(Patience);
        try
        {
            KnownWorkers known = KnownWorkers.Of(await log.Queries.WorkersAsync(over.Token), cluster.Name, Instant.Now(clock));
            Inspected said = await new Inspector(cluster, mask).AskAsync(
                WorkerCommand.Find(WorkerCommand.Inspections, "facts")!, [], [], RemoteControl.UsualTimeout, new KnownWorkers(known.Live, []), over.Token);
            Instant now = Instant.Now(clock);
            await log.SampleAsync([.. said.Replies.SelectMany(reply => ComponentFacts.Read(WorkerStats.FactsOf(reply.Value)).Select(fact => fact.ToSample(cluster.Name, reply.Key, now)))], over.Token);
            _failed = false;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The loop sees it.
        }
        catch (Exception problem)
        {
            // Said once: the source itself tells when its broker is away.
            if (!_failed)
            {
                LogNotNoted(cluster.Name, problem.Message);
            }
            _failed = true;
        }
    }

    [LoggerMessage(2131, LogLevel.Warning, "What components of the workers of {Source} tell could not be noted: {Problem}. Trying again each minute; this is said once.")]
    partial void LogNotNoted(string source, string problem);
}

/// <summary>One thing that a component tells of its health.</summary>
/// <param name="Name">The component and the path within what it tells: <c>kafka.topic_up</c>.</param>
/// <param name="Number">A number; yes is 1 and no is 0.</param>
/// <param name="Text">A text.</param>
sealed record ComponentFact(string Name, double? Number, string? Text)
{
    public Sample ToSample(string source, string worker, Instant at) => new(source, SampleKinds.WorkerFact, $"{worker} {Name}", at, Number, Text);
}

/// <summary>Makes plain facts of what components tell, which is any JSON.</summary>
static class ComponentFacts
{
    // Of one worker; who tells more than that tells a log. Deeper and longer than that nobody reads.
    const int Most = 64, Deepest = 4, LongestText = 200;

    public static IEnumerable<ComponentFact> Read(IReadOnlyDictionary<string, JsonElement> facts) =>
        facts.OrderBy(fact => fact.Key, StringComparer.Ordinal).SelectMany(fact => Read(fact.Key, fact.Value, 1)).Take(Most);

    static IEnumerable<ComponentFact> Read(string name, JsonElement value, int depth) => value.ValueKind switch
    {
        // Python's whole numbers have no end; what is beyond a real number is told as it stands there.
        JsonValueKind.Number when double.IsFinite(value.GetDouble()) => [new ComponentFact(name, value.GetDouble(), null)],
        JsonValueKind.True or JsonValueKind.False => [new ComponentFact(name, value.GetBoolean() ? 1 : 0, null)],
        JsonValueKind.Object when depth < Deepest => value.EnumerateObject().SelectMany(part => Read($"{name}.{part.Name}", part.Value, depth + 1)),
        JsonValueKind.Null => [],
        JsonValueKind.String => [new ComponentFact(name, null, Excerpt.Of(value.GetString()!, LongestText))],
        _ => [new ComponentFact(name, null, Excerpt.Of(value.GetRawText(), LongestText))],
    };
}
