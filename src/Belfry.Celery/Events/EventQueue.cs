using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Belfry.Celery.Events;

/// <summary>The events of a cluster over RabbitMQ, kept for us in a durable queue of our own.</summary>
/// <remarks>
/// Celery's own receivers use queues that drop what is older than 5 s; ours keeps everything while we are away, and a message leaves it when
/// its events are committed. Two things are lost all the same, and told: messages beyond the limit of the queue, and, as events are transient
/// messages, whatever waited in it when the broker itself was restarted.
/// </remarks>
public sealed class EventQueue : IEventStream
{
    readonly TimeProvider _clock;
    readonly QueueInbox _inbox;
    readonly QueueListener _listener;

    /// <summary>Begins to read at once.</summary>
    /// <param name="cluster">What to read.</param>
    /// <param name="options">Bounds and times.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="random">Spreads reconnections, so that many servers do not come back at the same instant.</param>
    /// <param name="logger">Takes connections and their loss.</param>
    public EventQueue(CeleryCluster cluster, SubscriptionOptions options, TimeProvider clock, Random random, ILogger<EventQueue> logger)
    {
        _clock = clock;
        _inbox = new QueueInbox(cluster.Source, clock);
        _listener = new QueueListener(cluster, options, _inbox, clock, random, logger);
        _listener.Start();
    }

    /// <inheritdoc/>
    public string Kind => EventStreams.OverRabbitMq;

    /// <inheritdoc/>
    public bool Misses => false;

    /// <inheritdoc/>
    public SubscriptionStatus Status => _listener.Status;

    /// <inheritdoc/>
    public Instant ReadUntil => Instant.Min(_inbox.WaitingSince ?? Instant.Now(_clock), _listener.DrainedAt);

    /// <inheritdoc/>
    public async IAsyncEnumerable<EventBatch> ReadAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        while (await _inbox.WaitAsync(cancel).ConfigureAwait(false))
        {
            while (_inbox.TryTake(out EventBatch? batch))
            {
                yield return batch!;
            }
        }
    }

    /// <inheritdoc/>
    public async Task AcknowledgeAsync(EventBatch batch)
    {
        // Of a batch without a message, which only tells of a break, the tag is 0: for AMQP that would be all that is under way.
        if (batch.LastTag == 0 || batch.Channel is not { IsOpen: true } channel)
        {
            return;
        }
        try
        {
            await channel.BasicAckAsync(batch.LastTag, multiple: true).ConfigureAwait(false);
        }
        catch (Exception problem) when (problem is RabbitMQClientException or IOException or ObjectDisposedException)
        {
            // The connection broke: its messages come again, and the log knows them already.
        }
    }

    /// <inheritdoc/>
    public void Stop() => _listener.Stop();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _listener.DisposeAsync();
}
