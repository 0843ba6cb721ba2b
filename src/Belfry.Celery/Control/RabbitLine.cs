using System.Text;
using System.Threading.Channels;
using Belfry.Celery.RabbitMq;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Belfry.Celery.Control;

/// <summary>Remote control over RabbitMQ: a command goes to the mailbox of each worker, replies come into a queue of our own, gone with the channel.</summary>
sealed class RabbitLine : IControlLine
{
    readonly CeleryCluster _cluster;
    readonly RabbitConnection _connection;
    readonly IChannel _channel;
    // Bounded by what workers can say to one question; whoever asked is gone within its timeout.
    readonly Channel<ControlReply> _replies = Channel.CreateUnbounded<ControlReply>(new UnboundedChannelOptions { SingleReader = true });

    RabbitLine(CeleryCluster cluster, RabbitConnection connection, IChannel channel) => (_cluster, _connection, _channel) = (cluster, connection, channel);

    /// <summary>Connects; for each command anew, as on Redis.</summary>
    public static async Task<RabbitLine> OpenAsync(CeleryCluster cluster, TimeSpan patience, CancellationToken cancel)
    {
        var connection = new RabbitConnection(cluster.Broker, $"control of {cluster.Source}", patience);
        try
        {
            IChannel channel = await connection.OpenChannelAsync(confirms: false, cancel);
            return new RabbitLine(cluster, connection, channel);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task<long?> SendAsync(ControlRequest request, CancellationToken cancel)
    {
        try
        {
            // Not durable: it is gone after a restart of the broker, until somebody declares it again.
            await _channel.ExchangeDeclareAsync(_cluster.ControlMailbox, ExchangeType.Fanout, durable: false, autoDelete: false, cancellationToken: cancel);
            if (request.ReplyTo is { } key)
            {
                await ListenAsync(key, request.Ticket!, cancel);
            }
            var properties = new BasicProperties
            {
                ContentType = "application/json", ContentEncoding = "utf-8", DeliveryMode = DeliveryModes.Persistent, Priority = 0,
                Headers = new Dictionary<string, object?>(StringComparer.Ordinal) { ["clock"] = 1, ["expires"] = request.ExpiresSeconds },
            };
            await _channel.BasicPublishAsync(_cluster.ControlMailbox, "", mandatory: false, properties, request.Body(_cluster), cancel);
            await ReadAsync(cancel);
            return null;
        }
        catch (Exception problem) when (!cancel.IsCancellationRequested)
        {
            throw RabbitException.Told(_cluster.Broker, problem);
        }
    }

    /// <inheritdoc/>
    public async Task<ControlReply?> ReceiveAsync(TimeSpan wait, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        over.CancelAfter(wait);
        try
        {
            return await _replies.Reader.ReadAsync(over.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return null;
        }
        catch (ChannelClosedException lost)
        {
            throw RabbitException.Told(_cluster.Broker, lost.InnerException ?? lost);
        }
    }

    /// <inheritdoc/>
    public async Task<Presence> FindAsync(string worker, CancellationToken cancel)
    {
        string mailbox = $"{worker}.{_cluster.ControlMailbox}";
        try
        {
            // A mailbox is gone with its worker: it is deleted when nobody takes from it any more.
            return RabbitConnection.IsName(mailbox) && await _connection.UseAsync(async channel => (await channel.QueueDeclarePassiveAsync(mailbox, cancel)).ConsumerCount > 0, cancel)
                ? Presence.Connected : Presence.Gone;
        }
        catch (RabbitException refused) when (refused.Code is Constants.NotFound)
        {
            return Presence.Gone;
        }
        catch (RabbitException refused) when (refused.Code is Constants.ResourceLocked or Constants.AccessRefused)
        {
            // It is there and its owner's alone (control_queue_exclusive), or may not be looked at.
            return refused.Code == Constants.ResourceLocked ? Presence.Connected : Presence.Unknown;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_connection.Blocked.IsCompleted)
        {
            _connection.Abandon();
        }
        else
        {
            await _channel.DisposeAsync();
        }
        await _connection.DisposeAsync();
    }

    /// <summary>The broker has read what was published, unless it is short of memory or disk: then it says that it reads no more.</summary>
    async Task ReadAsync(CancellationToken cancel)
    {
        Task read = _channel.ExchangeDeclarePassiveAsync(_cluster.ControlMailbox, cancel);
        if (await Task.WhenAny(read, _connection.Blocked) != read)
        {
            throw RabbitException.Blocked(_cluster.Broker, await _connection.Blocked, "No worker hears of it.");
        }
        await read;
    }

    async Task ListenAsync(string key, string ticket, CancellationToken cancel)
    {
        string queue = $"{key}.{_cluster.ReplyExchange}";
        await _channel.ExchangeDeclareAsync(_cluster.ReplyExchange, ExchangeType.Direct, durable: false, autoDelete: false, cancellationToken: cancel);
        await _channel.QueueDeclareAsync(queue, durable: false, exclusive: true, autoDelete: true, cancellationToken: cancel);
        await _channel.QueueBindAsync(queue, _cluster.ReplyExchange, key, cancellationToken: cancel);
        _channel.ChannelShutdownAsync += (_, reason) =>
        {
            _replies.Writer.TryComplete(new IOException($"{_cluster.Broker} was lost: {RabbitException.Cause(reason)}"));
            return Task.CompletedTask;
        };
        var consumer = new AsyncEventingBasicConsumer(_channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            if (delivery.BasicProperties.Headers?.TryGetValue("ticket", out object? sent) == true && sent is byte[] text && Encoding.UTF8.GetString(text) == ticket
                && ControlReply.ReadBody(delivery.Body.Span) is { } reply)
            {
                _replies.Writer.TryWrite(reply);
            }
            return Task.CompletedTask;
        };
        await _channel.BasicConsumeAsync(queue, autoAck: true, consumer, cancel);
    }
}
