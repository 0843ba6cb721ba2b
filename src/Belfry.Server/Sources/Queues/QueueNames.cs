using System.Text.Json;
using Belfry.Celery;
using Belfry.Celery.Control;
using Belfry.Storage;

namespace Belfry.Server.Sources.Queues;

/// <summary>Which queues a cluster has, and who consumes from them. No broker tells all of it: what it knows, its workers, the log and the settings are put together.</summary>
/// <param name="Names">The queues, sorted.</param>
/// <param name="Workers">Those workers that answered, each with its queues.</param>
sealed record QueueNames(IReadOnlyList<string> Names, IReadOnlyDictionary<string, IReadOnlyList<string>> Workers)
{
    /// <summary>So many queues of a cluster are looked at; names of queues may be anything.</summary>
    public const int Most = 1000;

    /// <summary>Asks broker and workers.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="logged">Queues that the log knows of.</param>
    /// <param name="online">Workers that are online, as far as is known.</param>
    /// <param name="cancel">Stops it.</param>
    public static async Task<QueueNames> AskAsync(Cluster cluster, IEnumerable<string> logged, IReadOnlyCollection<string> online, CancellationToken cancel)
    {
        Dictionary<string, IReadOnlyList<string>> workers = (await AnswersAsync(cluster, online, cancel)).ToDictionary(reply => reply.Key, reply => ClusterLook.QueuesOf(reply.Value));
        string[] sure = [cluster.Celery.DefaultQueue, .. cluster.Settings.Queues, .. workers.Values.SelectMany(queues => queues)];
        IReadOnlyList<string> all = await cluster.Queues.NamesAsync([.. sure.Union(logged)], cancel);
        // Of too many those are left out that nobody vouches for.
        return new QueueNames([.. sure.Union(all).Take(Most).Order(StringComparer.Ordinal)], workers);
    }

    /// <summary>None where the broker lets nobody ask: a RabbitMQ that is short of memory does not, and its queues are measured all the same.</summary>
    static async Task<IReadOnlyDictionary<string, JsonElement>> AnswersAsync(Cluster cluster, IReadOnlyCollection<string> online, CancellationToken cancel)
    {
        try
        {
            return (await cluster.Control.AskAsync("active_queues", null, [], RemoteControl.UsualTimeout, online, cancel)).Replies;
        }
        catch (BrokerException)
        {
            return new Dictionary<string, JsonElement>();
        }
    }

    /// <summary>Queues that the log knows of, where the broker does not tell its own: they are of all sources, and any name would be an empty queue on Redis.</summary>
    public static async Task<IEnumerable<string>> LoggedAsync(Cluster cluster, RunQueries log, CancellationToken cancel) =>
        cluster.Queues.TellsNames ? [] : await log.NamesAsync(NameKind.Queue, cancel);

    /// <summary>How many of these workers consume from a queue.</summary>
    public int ConsumersOf(string queue, IReadOnlyCollection<string> online) => Workers.Count(worker => online.Contains(worker.Key) && worker.Value.Contains(queue));
}
