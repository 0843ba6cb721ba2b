namespace Belfry.Celery.Queues;

/// <summary>Moves what waits in a queue into another, of the same broker or of another one, whatever the two are.</summary>
public static class QueueMove
{
    const int AtOnce = 100;

    /// <summary>
    /// Moves as many as wait now, oldest first. Each is acknowledged after it is published: whoever is killed in between leaves some of them in both, and loses none.
    /// </summary>
    /// <param name="from">The broker that has them.</param>
    /// <param name="queue">The queue there.</param>
    /// <param name="to">The broker that gets them.</param>
    /// <param name="target">The queue there.</param>
    /// <param name="moved">Told how many were moved so far.</param>
    /// <param name="cancel">Stops it; what is moved stays moved.</param>
    /// <returns>How many were moved.</returns>
    public static async Task<long> RunAsync(IBrokerQueues from, string queue, IBrokerQueues to, string target, IProgress<long>? moved, CancellationToken cancel)
    {
        long left = (await from.ReadAsync([queue], cancel))[0].Length ?? 0, done = 0;
        if (from is RedisQueues here && to is RedisQueues there && here.IsSame(there))
        {
            return await here.MoveAsync(queue, target, left, moved, cancel);
        }
        await using IQueueTaker taker = await from.TakeAsync(queue, cancel);
        while (left > done && await taker.NextAsync((int)Math.Min(AtOnce, left - done), cancel) is { Count: > 0 } messages)
        {
            await to.PutAsync(target, messages, cancel);
            await taker.AcknowledgeAsync(messages, CancellationToken.None); // they are there: stopping now would leave them in both
            done += messages.Count;
            moved?.Report(done);
        }
        return done;
    }
}
