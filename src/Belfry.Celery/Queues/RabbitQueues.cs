using System.Runtime.CompilerServices;
using Belfry.Celery.Messages;
using Belfry.Celery.RabbitMq;
using RabbitMQ.Client;

namespace Belfry.Celery.Queues;

/// <summary>Queues on RabbitMQ, spoken to over AMQP alone: without its management plugin it tells lengths and consumers, and shows messages only by delivering them.</summary>
sealed class RabbitQueues(CeleryCluster cluster) : IBrokerQueues
{
    /// <summary>What a look does.</summary>
    public const string Warning =
        "RabbitMQ shows messages only by delivering them and taking them back: they are marked as redelivered, may change places, and in quorum queues each look counts as a delivery (of 20 by default in RabbitMQ 4).";

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    readonly RabbitConnection _connection = new(cluster.Broker, $"queues of {cluster.Source}", Patience);
    readonly RabbitPublisher _publisher = new(cluster.Broker, $"messages to {cluster.Source}", Patience);

    public string? PeekWarning => Warning;

    public bool RemovesExactly => false;

    public bool TellsNames => false;

    /// <summary>The broker tells no names over AMQP.</summary>
    public Task<IReadOnlyList<string>> NamesAsync(IReadOnlyCollection<string> known, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<string>>([.. known.Distinct().Order(StringComparer.Ordinal)]);

    public async Task<IReadOnlyList<QueueStanding>> ReadAsync(IReadOnlyCollection<string> queues, CancellationToken cancel)
    {
        var standings = new List<QueueStanding>();
        IChannel? channel = null;
        try
        {
            foreach (string queue in queues)
            {
                if (!RabbitConnection.IsName(queue))
                {
                    standings.Add(Absent(queue));
                    continue;
                }
                // A queue that is not there ends the channel, and only that; one that another connection has for itself likewise.
                channel ??= await _connection.OpenChannelAsync(confirms: false, cancel);
                try
                {
                    QueueDeclareOk told = await channel.QueueDeclarePassiveAsync(queue, cancel);
                    standings.Add(new QueueStanding(queue, told.MessageCount, new Dictionary<int, long>(), told.ConsumerCount));
                }
                catch (Exception refused) when (RabbitException.Told(cluster.Broker, refused) is RabbitException { Code: Constants.NotFound or Constants.ResourceLocked or Constants.AccessRefused })
                {
                    await channel.DisposeAsync();
                    channel = null;
                    standings.Add(Absent(queue));
                }
            }
            return standings;
        }
        catch (Exception problem) when (!cancel.IsCancellationRequested)
        {
            throw RabbitException.Told(cluster.Broker, problem);
        }
        finally
        {
            if (channel is not null)
            {
                await channel.DisposeAsync();
            }
        }
    }

    /// <summary>Takes them without acknowledging any, and then gives all back at once: they stay in order, if nobody takes or publishes meanwhile.</summary>
    public Task<IReadOnlyList<QueuedMessage>> PeekAsync(string queue, long position, int most, CancellationToken cancel) => _connection.UseAsync<IReadOnlyList<QueuedMessage>>(
        async channel =>
        {
            var found = new List<QueuedMessage>();
            ulong last = 0;
            for (long at = 0; at - position < most && await channel.BasicGetAsync(Named(queue), autoAck: false, cancel) is { } got; at++)
            {
                last = got.DeliveryTag;
                if (at >= position)
                {
                    found.Add(new QueuedMessage(at, TaskMessage.FromAmqp(AmqpOf(got))));
                }
            }
            if (last > 0)
            {
                await channel.BasicNackAsync(last, multiple: true, requeue: true, CancellationToken.None);
            }
            return found;
        },
        cancel);

    /// <summary>One at a time is here; the broker counts all as given to us, and has them back when the channel ends.</summary>
    public async IAsyncEnumerable<QueuedMessage> WalkAsync(string queue, [EnumeratorCancellation] CancellationToken cancel)
    {
        await using IChannel channel = await _connection.OpenChannelAsync(confirms: false, cancel);
        // As many as wait now: whoever publishes faster than we look is not followed.
        long waiting = (await ToldAsync(() => channel.QueueDeclarePassiveAsync(Named(queue), cancel), cancel)).MessageCount;
        for (long at = 0; at < waiting && await ToldAsync(() => channel.BasicGetAsync(queue, autoAck: false, cancel), cancel) is { } got; at++)
        {
            yield return new QueuedMessage(at, TaskMessage.FromAmqp(AmqpOf(got)));
        }
    }

    public Task<IReadOnlyDictionary<string, IReadOnlyList<TaskMessage>>> OldestAsync(IReadOnlyCollection<string> queues, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyDictionary<string, IReadOnlyList<TaskMessage>>>(new Dictionary<string, IReadOnlyList<TaskMessage>>());

    public Task<IReadOnlyList<QueuedMessage>> UnackedAsync(int most, CancellationToken cancel) => Task.FromResult<IReadOnlyList<QueuedMessage>>([]);

    public Task<long> PurgeAsync(string queue, CancellationToken cancel) => _connection.UseAsync<long>(async channel => await channel.QueuePurgeAsync(Named(queue), cancel), cancel);

    public Task<long> RemoveAsync(string queue, Func<TaskMessage, bool> meant, CancellationToken cancel) =>
        throw new NotSupportedException("RabbitMQ takes no message out of the middle of a queue: revoke its id.");

    public async Task<IQueueTaker> TakeAsync(string queue, CancellationToken cancel)
    {
        string named = Named(queue);
        return new Taker(this, await _connection.OpenChannelAsync(confirms: false, cancel), named);
    }

    public Task PutAsync(string queue, IReadOnlyList<RawMessage> messages, CancellationToken cancel) => PublishAsync("", queue, messages, $" has no queue '{queue}'", cancel);

    public Task PublishAsync(string exchange, string routingKey, RawMessage message, CancellationToken cancel) =>
        PublishAsync(exchange, routingKey, [message], $": no queue is bound to exchange '{exchange}' for '{routingKey}'", cancel);

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        await _publisher.DisposeAsync();
    }

    async Task PublishAsync(string exchange, string routingKey, IReadOnlyList<RawMessage> messages, string unrouted, CancellationToken cancel)
    {
        if (!messages.All(message => message.IsSendable))
        {
            throw new RabbitException($"{cluster.Broker} takes no message with a header, or a type, of more than 255 bytes", Constants.PreconditionFailed);
        }
        if (!RabbitConnection.IsName(exchange) || !RabbitConnection.IsName(routingKey))
        {
            throw new RabbitException($"{cluster.Broker}{unrouted}", Constants.NoRoute);
        }
        try
        {
            await _publisher.PutAsync(exchange, routingKey, [.. messages.Select(message => (PropertiesOf(message), message.Body))], cancel);
        }
        catch (RabbitException refused) when (refused.Code == Constants.NoRoute)
        {
            throw new RabbitException($"{cluster.Broker}{unrouted}", Constants.NoRoute, refused);
        }
    }

    string Named(string queue) => RabbitConnection.IsName(queue) ? queue : throw new RabbitException($"{cluster.Broker} has no queue '{queue}'", Constants.NotFound);

    async Task<T> ToldAsync<T>(Func<Task<T>> act, CancellationToken cancel)
    {
        try
        {
            return await act();
        }
        catch (Exception problem) when (!cancel.IsCancellationRequested)
        {
            throw RabbitException.Told(cluster.Broker, problem);
        }
    }

    static QueueStanding Absent(string queue) => new(queue, null, new Dictionary<int, long>(), null);

    static AmqpMessage AmqpOf(BasicGetResult got) => new()
    {
        Body = got.Body.ToArray(), ContentType = got.BasicProperties.ContentType, ContentEncoding = got.BasicProperties.ContentEncoding,
        Headers = got.BasicProperties.Headers ?? new Dictionary<string, object?>(), Priority = got.BasicProperties.IsPriorityPresent() ? got.BasicProperties.Priority : null,
        ReplyTo = got.BasicProperties.ReplyTo, Exchange = got.Exchange, RoutingKey = got.RoutingKey, Redelivered = got.Redelivered,
    };

    static BasicProperties PropertiesOf(RawMessage message)
    {
        var properties = new BasicProperties { Headers = message.Headers, DeliveryMode = DeliveryModes.Persistent, Priority = (byte)Math.Clamp(message.Priority ?? 0, 0, 255) };
        (properties.ContentType, properties.ContentEncoding) = (message.ContentType, message.ContentEncoding);
        (properties.ReplyTo, properties.CorrelationId) = (message.ReplyTo, message.CorrelationId);
        return properties;
    }

    sealed class Taker(RabbitQueues queues, IChannel channel, string queue) : IQueueTaker
    {
        public Task<IReadOnlyList<RawMessage>> NextAsync(int most, CancellationToken cancel) => queues.ToldAsync<IReadOnlyList<RawMessage>>(
            async () =>
            {
                var taken = new List<RawMessage>();
                while (taken.Count < most && await channel.BasicGetAsync(queue, autoAck: false, cancel) is { } got)
                {
                    IReadOnlyBasicProperties properties = got.BasicProperties;
                    taken.Add(new RawMessage
                    {
                        Body = got.Body.ToArray(), ContentType = properties.ContentType, ContentEncoding = properties.ContentEncoding,
                        Headers = properties.Headers is { } headers ? new Dictionary<string, object?>(headers) : [], Priority = properties.IsPriorityPresent() ? properties.Priority : null,
                        ReplyTo = properties.ReplyTo, CorrelationId = properties.CorrelationId, Tag = $"{got.DeliveryTag}",
                    });
                }
                return taken;
            },
            cancel);

        public Task AcknowledgeAsync(IReadOnlyList<RawMessage> messages, CancellationToken cancel) => queues.ToldAsync(
            async () =>
            {
                foreach (RawMessage message in messages)
                {
                    await channel.BasicAckAsync(ulong.Parse(message.Tag, System.Globalization.CultureInfo.InvariantCulture), multiple: false, cancel);
                }
                return messages.Count;
            },
            cancel);

        /// <summary>The broker puts back what a channel had in hand when it ends.</summary>
        public ValueTask DisposeAsync() => channel.DisposeAsync();
    }
}
