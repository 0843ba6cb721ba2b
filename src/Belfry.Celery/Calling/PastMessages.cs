using Belfry.Celery.Messages;
using Belfry.Celery.Queues;

namespace Belfry.Celery.Calling;

/// <summary>Finds the message of a run where it still lies with the broker: there its arguments are whole.</summary>
public static class PastMessages
{
    // A page of a list, and as far as runs are looked for elsewhere.
    const int AtOnce = 2000, Farthest = 50_000;

    // Where a look takes messages out and puts them back, only a short one is worth it.
    const int FarthestTaken = 1000;

    /// <summary>Looks into a queue and, where the broker tells, among what workers hold; null when it is in neither.</summary>
    public static async Task<TaskMessage?> FindAsync(IBrokerQueues queues, string queue, string id, CancellationToken cancel)
    {
        bool harmless = queues.PeekWarning is null;
        int most = harmless ? AtOnce : FarthestTaken;
        for (int from = 0; from < (harmless ? Farthest : FarthestTaken); from += most)
        {
            IReadOnlyList<QueuedMessage> page = await queues.PeekAsync(queue, from, most, cancel);
            if (Of(page) is { } waiting)
            {
                return waiting;
            }
            if (page.Count < most)
            {
                break;
            }
        }
        return Of(await queues.UnackedAsync(Farthest, cancel));

        TaskMessage? Of(IEnumerable<QueuedMessage> messages) => messages.Select(one => one.Message).FirstOrDefault(message => message.Id == id);
    }
}
