using System.Text;
using Belfry.Celery.RabbitMq;
using RabbitMQ.Client;

namespace Belfry.Celery.Tests.RabbitMq;

/// <summary>Publishes events to RabbitMQ as Celery does: transient, to the topic <c>celeryev</c>.</summary>
sealed class EventPublisher : IAsyncDisposable
{
    const string Exchange = "celeryev";
    readonly RabbitConnection _connection;
    IChannel? _channel;

    EventPublisher(string url) => _connection = new RabbitConnection(BrokerUrl.Parse(url), "a publisher", TimeSpan.FromSeconds(20));

    /// <summary>Connects, and declares the exchange as Celery does.</summary>
    public static async Task<EventPublisher> StartAsync(string url)
    {
        var publisher = new EventPublisher(url);
        await publisher.ReconnectAsync();
        return publisher;
    }

    /// <summary>Connects anew.</summary>
    public async Task ReconnectAsync()
    {
        _channel = await _connection.OpenChannelAsync(confirms: true, CancellationToken.None);
        await _channel.ExchangeDeclareAsync(Exchange, ExchangeType.Topic, durable: true, autoDelete: false);
    }

    /// <summary>Publishes a body.</summary>
    public async Task PublishAsync(byte[] body, string key = "task.multi", string? contentType = "application/json", string? encoding = "utf-8") =>
        await _channel!.BasicPublishAsync(
            Exchange, key, mandatory: false, new BasicProperties { ContentType = contentType, ContentEncoding = encoding, DeliveryMode = DeliveryModes.Transient, Priority = 0 }, body);

    /// <summary>Publishes many, and waits for none of them.</summary>
    public async Task FloodAsync(IEnumerable<string> ids)
    {
        await using IChannel channel = await _connection.OpenChannelAsync(confirms: false, CancellationToken.None);
        foreach (string id in ids)
        {
            await channel.BasicPublishAsync(Exchange, "task.multi", Started(id));
        }
    }

    /// <summary>Publishes a <c>task-started</c> for each id.</summary>
    public async Task StartedAsync(params string[] ids)
    {
        foreach (string id in ids)
        {
            await PublishAsync(Started(id));
        }
    }

    /// <summary>An event.</summary>
    public static byte[] Started(string id) => Encoding.UTF8.GetBytes(
        $$"""[{"type": "task-started", "uuid": "{{id}}", "hostname": "w1@lab", "timestamp": {{Instant.Now(TimeProvider.System).Micros / 1e6:F6}}}]""");

    /// <summary>Messages that wait in a queue, or are under way from it.</summary>
    public Task<uint> WaitingAsync(string queue) =>
        _connection.UseAsync(async channel => (await channel.QueueDeclarePassiveAsync(queue)).MessageCount, CancellationToken.None);

    /// <summary>Deletes a queue.</summary>
    public Task<uint> DeleteAsync(string queue) => _connection.UseAsync(channel => channel.QueueDeleteAsync(queue), CancellationToken.None);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_channel is not null)
        {
            await _channel.DisposeAsync();
        }
        await _connection.DisposeAsync();
    }
}
