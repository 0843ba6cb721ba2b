using System.Text.Json.Nodes;
using Belfry.Celery.Queues;

namespace Belfry.Server.Sources.Queues;

/// <summary>Takes messages out of queues: all that wait, or those that are chosen; exactly where the broker can, else by revoking their ids.</summary>
static class QueueOrders
{
    const int IdsAtOnce = 1000;

    /// <summary>How many messages that wait are meant; of a broker that changes a queue by looking into it the looking is done.</summary>
    public static async Task<long> CountAsync(IBrokerQueues queues, string queue, MessageChoice choice, IReadOnlyDictionary<string, string> apps, CancellationToken cancel)
    {
        if (choice.IsAll)
        {
            return (await queues.ReadAsync([queue], cancel))[0].Length ?? 0;
        }
        long count = 0;
        await foreach (QueuedMessage message in queues.WalkAsync(queue, cancel))
        {
            count += choice.Means(message.Message, apps) ? 1 : 0;
        }
        return count;
    }

    /// <summary>Takes out, or revokes, what is meant.</summary>
    public static async Task<QueueRemoval> RemoveAsync(Cluster cluster, string queue, MessageChoice choice, IReadOnlyDictionary<string, string> apps, CancellationToken cancel)
    {
        IBrokerQueues queues = cluster.Queues;
        return choice.IsAll ? new QueueRemoval(await queues.PurgeAsync(queue, cancel), 0)
            : queues.RemovesExactly ? new QueueRemoval(await queues.RemoveAsync(queue, message => choice.Means(message, apps), cancel), 0)
            : new QueueRemoval(0, await RevokeAsync(cluster, queue, choice, apps, cancel));
    }

    /// <summary>Workers drop a revoked message when they take it: until then it waits on.</summary>
    static async Task<long> RevokeAsync(Cluster cluster, string queue, MessageChoice choice, IReadOnlyDictionary<string, string> apps, CancellationToken cancel)
    {
        var ids = new List<string>();
        await foreach (QueuedMessage message in cluster.Queues.WalkAsync(queue, cancel))
        {
            if (message.Message.Id is { } id && choice.Means(message.Message, apps))
            {
                ids.Add(id);
            }
        }
        foreach (string[] some in ids.Chunk(IdsAtOnce))
        {
            var arguments = new JsonObject { ["task_id"] = new JsonArray([.. some.Select(id => (JsonNode)id)]), ["terminate"] = false };
            await cluster.Control.CastAsync("revoke", arguments, [], cancel);
        }
        return ids.Count;
    }
}

/// <summary>What became of messages that were to go.</summary>
/// <param name="Removed">So many are out of the queue.</param>
/// <param name="Revoked">So many are still in it, and workers will drop them.</param>
sealed record QueueRemoval(long Removed, long Revoked)
{
    /// <summary>The same in words.</summary>
    public override string ToString() => Revoked > 0 ? $"{Revoked:N0} revoked: workers drop them when they take them" : $"{Removed:N0} removed";
}
