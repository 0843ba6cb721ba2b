using Belfry.Celery.RabbitMq;
using RabbitMQ.Client;

namespace Belfry.Celery.Events;

/// <summary>Our queue of events on RabbitMQ: makes it, and sees what became of it while we were away.</summary>
/// <remarks>
/// Beside it lies a second one with a single message, transient as events are. It goes when the broker restarts, and nobody else can take it: so
/// its absence says that what waited in our queue is gone too. RabbitMQ has no other sign of a restart that a client without its management can read.
/// </remarks>
sealed class OwnQueue(CeleryCluster cluster)
{
    /// <summary>Its name.</summary>
    public string Name => NameOf(cluster);

    /// <summary>The name of the queue of a cluster.</summary>
    public static string NameOf(CeleryCluster cluster) => cluster.EventQueue ?? $"{cluster.EventExchange}.belfry.{cluster.Source}";

    /// <summary>It holds all that it may: what comes now pushes the oldest out.</summary>
    public bool IsFull(uint waiting) => waiting >= cluster.EventQueueLimit;

    string Mark => $"{Name}.mark";

    /// <summary>Makes exchange and queue where they are missing; not the mark: who breaks off before the loss is told finds it missing again.</summary>
    /// <exception cref="RabbitException">The broker does not let us.</exception>
    public async Task<QueueFound> DeclareAsync(RabbitConnection connection, CancellationToken cancel)
    {
        bool exchange = await IsThereAsync(connection, channel => channel.ExchangeDeclarePassiveAsync(cluster.EventExchange, cancel), cancel).ConfigureAwait(false);
        bool existed = await IsThereAsync(connection, channel => channel.QueueDeclarePassiveAsync(Name, cancel), cancel).ConfigureAwait(false);
        bool asWanted = await DeclareAsync(connection, exchange, cancel).ConfigureAwait(false);
        bool marked = await IsMarkedAsync(connection, cancel).ConfigureAwait(false);
        uint waiting = await connection.UseAsync(channel => WaitingAsync(channel, cancel), cancel).ConfigureAwait(false);
        return new QueueFound(existed && marked, asWanted, waiting);
    }

    /// <summary>Messages that wait to be delivered.</summary>
    public async Task<uint> WaitingAsync(IChannel channel, CancellationToken cancel) => (await channel.QueueDeclarePassiveAsync(Name, cancel).ConfigureAwait(false)).MessageCount;

    /// <summary>Uses the mark, so that it lives as long as the queue, and makes it anew where it is missing.</summary>
    /// <exception cref="RabbitException">The broker does not let us, or takes no messages for now.</exception>
    public async Task MarkAsync(RabbitConnection connection, RabbitPublisher publisher, CancellationToken cancel)
    {
        uint marks;
        try
        {
            marks = await connection.UseAsync(channel => CountAsync(channel.QueueDeclareAsync(Mark, durable: true, exclusive: false, autoDelete: false, Arguments(limit: 1), cancellationToken: cancel)), cancel).ConfigureAwait(false);
        }
        catch (RabbitException refused) when (refused.Code == Constants.PreconditionFailed)
        {
            marks = await connection.UseAsync(channel => CountAsync(channel.QueueDeclarePassiveAsync(Mark, cancel)), cancel).ConfigureAwait(false);
        }
        var transient = new BasicProperties { DeliveryMode = DeliveryModes.Transient, ContentType = "text/plain" };
        await publisher.PutAsync("", Mark, marks > 0 ? [] : [(transient, "Lost with whatever waits in the queue beside it."u8.ToArray())], cancel).ConfigureAwait(false);
    }

    async Task<bool> IsMarkedAsync(RabbitConnection connection, CancellationToken cancel)
    {
        uint messages = 0;
        bool isThere = await IsThereAsync(connection, async channel => messages = (await channel.QueueDeclarePassiveAsync(Mark, cancel).ConfigureAwait(false)).MessageCount, cancel).ConfigureAwait(false);
        return isThere && messages > 0;
    }

    static async Task<uint> CountAsync(Task<QueueDeclareOk> declaring) => (await declaring.ConfigureAwait(false)).MessageCount;

    // What another version or another setting made is used as it is: to delete it would lose what is in it.
    async Task<bool> DeclareAsync(RabbitConnection connection, bool exchange, CancellationToken cancel)
    {
        try
        {
            await connection.UseAsync(
                async channel =>
                {
                    if (!exchange)
                    {
                        await channel.ExchangeDeclareAsync(cluster.EventExchange, ExchangeType.Topic, durable: true, autoDelete: false, cancellationToken: cancel).ConfigureAwait(false);
                    }
                    await channel.QueueDeclareAsync(Name, durable: true, exclusive: false, autoDelete: false, Arguments(cluster.EventQueueLimit), cancellationToken: cancel).ConfigureAwait(false);
                    return true;
                },
                cancel).ConfigureAwait(false);
            return await BindAsync(connection, asWanted: true, cancel).ConfigureAwait(false);
        }
        catch (RabbitException refused) when (refused.Code == Constants.PreconditionFailed)
        {
            return await BindAsync(connection, asWanted: false, cancel).ConfigureAwait(false);
        }
    }

    Task<bool> BindAsync(RabbitConnection connection, bool asWanted, CancellationToken cancel) => connection.UseAsync(
        async channel =>
        {
            await channel.QueueBindAsync(Name, cluster.EventExchange, "#", cancellationToken: cancel).ConfigureAwait(false);
            return asWanted;
        },
        cancel);

    static async Task<bool> IsThereAsync(RabbitConnection connection, Func<IChannel, Task> declare, CancellationToken cancel)
    {
        try
        {
            return await connection.UseAsync(
                async channel =>
                {
                    await declare(channel).ConfigureAwait(false);
                    return true;
                },
                cancel).ConfigureAwait(false);
        }
        catch (RabbitException refused) when (refused.Code == Constants.NotFound)
        {
            return false;
        }
    }

    Dictionary<string, object?> Arguments(int limit) => new()
    {
        // Said, because a virtual host may have another default: events are not worth a quorum, and its queues know no single reader.
        ["x-queue-type"] = "classic",
        ["x-max-length"] = limit,
        ["x-overflow"] = "drop-head",
        ["x-expires"] = (long)cluster.EventQueueExpires.TotalMilliseconds,
    };
}

/// <summary>How our queue was found.</summary>
/// <param name="Kept">What was sent while we were away is in it.</param>
/// <param name="AsWanted">It is as our settings want it.</param>
/// <param name="Waiting">Messages in it.</param>
readonly record struct QueueFound(bool Kept, bool AsWanted, uint Waiting);
