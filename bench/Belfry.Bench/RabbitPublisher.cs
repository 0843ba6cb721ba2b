using System.Text;
using Belfry.Testing;
using RabbitMQ.Client;

namespace Belfry.Bench;

/// <summary>Publishes events to RabbitMQ as Celery does: transient, to the topic <c>celeryev</c>.</summary>
sealed class RabbitPublisher : PacedSender<StreamMessage>, IAsyncDisposable
{
    const string Exchange = "celeryev";
    readonly IConnection _connection;
    readonly IChannel _channel;

    RabbitPublisher(string url, IConnection connection, IChannel channel) => (Url, _connection, _channel) = (url, connection, channel);

    /// <summary>The broker, for whoever reads.</summary>
    public string Url { get; }

    public static async Task<RabbitPublisher> ConnectAsync(RabbitServer rabbit)
    {
        IConnection connection = await new ConnectionFactory { HostName = "127.0.0.1", Port = rabbit.Port }.CreateConnectionAsync();
        IChannel channel = await connection.CreateChannelAsync();
        await channel.ExchangeDeclareAsync(Exchange, ExchangeType.Topic, durable: true, autoDelete: false);
        return new RabbitPublisher(rabbit.UrlOf("/", "guest", "guest"), connection, channel);
    }

    /// <summary>Waits until somebody reads a queue.</summary>
    public Task ConsumedAsync(string queue, ChildProcess process) => Eventually.HoldsAsync(
        $"a reader of {queue}", async () => process.HasExited ? throw new InvalidOperationException(process.Story()) : await ConsumersAsync(queue) > 0);

    public override async Task SendAsync(StreamMessage message)
    {
        var properties = new BasicProperties
        {
            ContentType = "application/json", ContentEncoding = "utf-8", DeliveryMode = DeliveryModes.Transient, Priority = 0,
            Headers = new Dictionary<string, object?> { ["hostname"] = message.Hostname },
        };
        await _channel.BasicPublishAsync(Exchange, message.RoutingKey, mandatory: false, properties, Encoding.UTF8.GetBytes(message.Body));
        Events += message.Events;
    }

    public async ValueTask DisposeAsync()
    {
        await _channel.DisposeAsync();
        await _connection.DisposeAsync();
    }

    // On a channel of its own: asking for a queue that is not there closes it.
    async Task<uint> ConsumersAsync(string queue)
    {
        try
        {
            await using IChannel channel = await _connection.CreateChannelAsync();
            return (await channel.QueueDeclarePassiveAsync(queue)).ConsumerCount;
        }
        catch (RabbitMQ.Client.Exceptions.OperationInterruptedException)
        {
            return 0;
        }
    }
}
