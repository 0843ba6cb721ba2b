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
