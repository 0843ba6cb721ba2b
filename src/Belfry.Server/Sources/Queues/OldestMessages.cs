using Belfry.Celery.Messages;
using Belfry.Storage;

namespace Belfry.Server.Sources.Queues;

/// <summary>
/// Since when the oldest messages of queues wait. Messages do not tell: it is the instant of task-sent where the log has it, else that at which a message was
/// first seen at the end where workers take. So it is an estimate, and rather too young.
/// </summary>
sealed class OldestMessages(string source, RunQueries log)
{
    readonly Dictionary<(string Queue, string Id), Instant> _since = []; // one for each queue and step that has messages; emptied by Keep and AgeAsync

    /// <summary>How long the oldest of these has waited, in seconds; 0 when there are none.</summary>
    /// <param name="queue">Their queue.</param>
    /// <param name="messages">Those that are next to be taken, one for each step of priorities.</param>
    /// <param name="now">The present.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<double> AgeAsync(string queue, IReadOnlyList<TaskMessage> messages, Instant now, CancellationToken cancel)
    {
        Instant oldest = now;
        var seen = new Dictionary<(string, string), Instant>();
        foreach (TaskMessage message in messages)
        {
            (string, string) key = (queue, message.Id ?? message.DeliveryTag ?? "");
            Instant since = _since.TryGetValue(key, out Instant known) ? known : await SinceAsync(message, now, cancel);
            seen[key] = since;
            oldest = Instant.Min(oldest, since);
        }
        Forget(key => key.Queue == queue);
        foreach ((var key, Instant since) in seen)
        {
            _since[key] = since;
        }
        return Math.Max(0, (now - oldest).TotalSeconds);
    }

    /// <summary>Forgets all queues but these.</summary>
    public void Keep(IEnumerable<string> queues)
    {
        HashSet<string> kept = [.. queues];
        Forget(key => !kept.Contains(key.Queue));
    }

    async Task<Instant> SinceAsync(TaskMessage message, Instant now, CancellationToken cancel)
    {
        IReadOnlyList<TaskRun> runs = message.Id is { } id ? await log.FindAsync(id, source, cancel) : [];
        return runs.Where(run => run.Submitted is not null && run.Attempt <= message.Retries + 1).MaxBy(run => run.Attempt)?.Submitted is { } sent && sent < now ? sent : now;
    }

    void Forget(Predicate<(string Queue, string Id)> gone)
    {
        foreach ((string, string) key in _since.Keys.Where(key => gone(key)).ToArray())
        {
            _since.Remove(key);
        }
    }
}
