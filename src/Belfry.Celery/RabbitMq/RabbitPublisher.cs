using RabbitMQ.Client;

namespace Belfry.Celery.RabbitMq;

/// <summary>Publishes messages, each confirmed. A broker that takes none for now, because it is short of memory or disk, is told as that and gets none.</summary>
/// <remarks>
/// RabbitMQ says so to whoever has begun to publish, and reads no more from that connection until it has room: what was sent would wait there, and be taken then, long
/// after its sender was told of a failure. So something that leads nowhere goes first each time, and nothing but publishing goes over this connection.
/// </remarks>
/// <param name="url">The broker.</param>
/// <param name="purpose">What it is for, as RabbitMQ shows it to its operators.</param>
/// <param name="timeout">How long to wait for a connection, and for each answer.</param>
sealed class RabbitPublisher(BrokerUrl url, string purpose, TimeSpan timeout) : IAsyncDisposable
{
    const string Nowhere = "belfry.nowhere";

    // One that is empty would be complete before the broker stops reading.
    static readonly byte[] Probe = [0];

    readonly RabbitConnection _connection = new(url, purpose, timeout);

    /// <summary>Publishes; the messages are the broker's when this returns. Without any it only learns whether the broker takes some.</summary>
    /// <param name="exchange">The exchange; empty for a queue.</param>
    /// <param name="routingKey">The key, or the queue.</param>
    /// <param name="messages">They.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="RabbitException">The broker refused, takes none for now, or has no such queue; the message is for an operator.</exception>
    /// <exception cref="IOException">It cannot be reached.</exception>
    public async Task PutAsync(string exchange, string routingKey, IReadOnlyList<(BasicProperties Properties, ReadOnlyMemory<byte> Body)> messages, CancellationToken cancel)
    {
        if (_connection.Blocked.IsCompleted)
        {
            _connection.Abandon();
        }
        IChannel channel = await _connection.OpenChannelAsync(confirms: true, cancel).ConfigureAwait(false);
        Task<string> blocked = _connection.Blocked;
        try
        {
            await TakenAsync(channel.BasicPublishAsync("", Nowhere, mandatory: false, new BasicProperties(), Probe, cancel).AsTask(), blocked, "Nothing was sent.", cancel).ConfigureAwait(false);
            // Each ends when the broker has it; a queue that is not there throws.
            Task sent = Task.WhenAll(messages.Select(message => channel.BasicPublishAsync(exchange, routingKey, mandatory: true, message.Properties, message.Body, cancel).AsTask()));
            await TakenAsync(sent, blocked, "What was sent last may be taken when that is over.", cancel).ConfigureAwait(false);
        }
        catch (Exception problem) when (!cancel.IsCancellationRequested)
        {
            throw RabbitException.Told(url, problem);
        }
        finally
        {
            if (!blocked.IsCompleted)
            {
                await channel.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    async Task TakenAsync(Task sent, Task<string> blocked, string otherwise, CancellationToken cancel)
    {
        if (await Task.WhenAny(sent, blocked).WaitAsync(cancel).ConfigureAwait(false) == sent)
        {
            await sent.ConfigureAwait(false);
            return;
        }
        // Whoever comes next asks anew over another one; what was to be sent ends with this one.
        _connection.Abandon();
        _ = sent.ContinueWith(static ended => ended.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        throw RabbitException.Blocked(url, await blocked.ConfigureAwait(false), otherwise);
    }
}
