using Belfry.Celery.Messages;

namespace Belfry.Celery.Queues;

/// <summary>The queues of a cluster's broker: which there are, how long they are, what is in them; and taking out of them.</summary>
/// <remarks>
/// Each call reaches the broker by itself. All of them throw IOException when it cannot be reached, and a
/// BrokerException when it refuses.
/// </remarks>
public interface IBrokerQueues : IAsyncDisposable
{
    /// <summary>What looking into a queue does to it, in a sentence; null where it does nothing.</summary>
    string? PeekWarning { get; }

    /// <summary>Single messages can be taken out of the middle of a queue.</summary>
    bool RemovesExactly { get; }

    /// <summary>The broker tells its queues' names itself; otherwise only those are known that others tell of.</summary>
    bool TellsNames { get; }

    /// <summary>The names of queues, sorted: those that are known from elsewhere, and those that the broker tells of.</summary>
    Task<IReadOnlyList<string>> NamesAsync(IReadOnlyCollection<string> known, CancellationToken cancel);

    /// <summary>How these queues stand, in the same order, at the price of one question.</summary>
    Task<IReadOnlyList<QueueStanding>> ReadAsync(IReadOnlyCollection<string> queues, CancellationToken cancel);

    /// <summary>Looks at messages that wait.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="position">The first one's position; 0 is next to be taken.</param>
    /// <param name="most">How many at most.</param>
    /// <param name="cancel">Stops it.</param>
    Task<IReadOnlyList<QueuedMessage>> PeekAsync(string queue, long position, int most, CancellationToken cancel);

    /// <summary>Looks at all messages that wait, one after the other, with only some of them in memory.</summary>
    IAsyncEnumerable<QueuedMessage> WalkAsync(string queue, CancellationToken cancel);

    /// <summary>Of each of these queues the messages that are next to be taken: one for each priority that the broker tells apart. Queues that it does not show without changing them are left out.</summary>
    Task<IReadOnlyDictionary<string, IReadOnlyList<TaskMessage>>> OldestAsync(IReadOnlyCollection<string> queues, CancellationToken cancel);

    /// <summary>Messages that workers hold and have not acknowledged: reserved, waiting for their time, or at work with a late acknowledgement. None where the broker does not tell.</summary>
    Task<IReadOnlyList<QueuedMessage>> UnackedAsync(int most, CancellationToken cancel);

    /// <summary>Takes out all that wait.</summary>
    /// <returns>How many they were.</returns>
    Task<long> PurgeAsync(string queue, CancellationToken cancel);

    /// <summary>Takes out those that wait and are meant, and no others.</summary>
    /// <returns>How many they were.</returns>
    /// <exception cref="NotSupportedException"><see cref="RemovesExactly"/> is not so.</exception>
    Task<long> RemoveAsync(string queue, Func<TaskMessage, bool> meant, CancellationToken cancel);

    /// <summary>Takes messages one after the other, as a worker does: they are gone when they are acknowledged.</summary>
    Task<IQueueTaker> TakeAsync(string queue, CancellationToken cancel);

    /// <summary>Puts messages at the end of a queue; they are the broker's when it returns.</summary>
    Task PutAsync(string queue, IReadOnlyList<RawMessage> messages, CancellationToken cancel);

    /// <summary>Publishes a message to an exchange, which gives it to the queues that are bound to it for this key; it is the broker's when it returns.</summary>
    /// <exception cref="BrokerException">No queue is bound so; nothing was published.</exception>
    Task PublishAsync(string exchange, string routingKey, RawMessage message, CancellationToken cancel);
}

/// <summary>Takes messages out of a queue. What was not acknowledged at its end goes back to where it was.</summary>
public interface IQueueTaker : IAsyncDisposable
{
    /// <summary>The next ones; none at the end.</summary>
    Task<IReadOnlyList<RawMessage>> NextAsync(int most, CancellationToken cancel);

    /// <summary>They are in good hands: the broker forgets them.</summary>
    Task AcknowledgeAsync(IReadOnlyList<RawMessage> messages, CancellationToken cancel);
}

/// <summary>How a queue stands.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Length">Messages that wait in it; null when there is no such queue.</param>
/// <param name="ByPriority">The same by priority, where the broker tells: on Redis by step, of which 0 is most urgent.</param>
/// <param name="Consumers">How many consume from it; null where the broker does not tell.</param>
public sealed record QueueStanding(string Name, long? Length, IReadOnlyDictionary<int, long> ByPriority, long? Consumers);

/// <summary>A message in a queue.</summary>
/// <param name="Position">Its place; 0 is next to be taken.</param>
/// <param name="Message">What it says.</param>
public sealed record QueuedMessage(long Position, TaskMessage Message);
