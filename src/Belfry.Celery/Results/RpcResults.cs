using Belfry.Celery.RabbitMq;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Belfry.Celery.Results;

/// <summary>Results over RPC: workers send them to a queue that a call names, and only who made the call gets them. Nobody keeps them.</summary>
/// <param name="cluster">The cluster, on RabbitMQ.</param>
sealed class RpcResults(CeleryCluster cluster) : IResultBackend, IAsyncDisposable
{
    // Of so many calls the results are remembered; the oldest goes first.
    const int Most = 10_000;

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    readonly RabbitConnection _connection = new(cluster.Broker, $"results of {cluster.Source}", Patience);
    readonly SemaphoreSlim _opening = new(1);
    readonly Lock _lock = new();
    readonly Dictionary<string, ResultRecord> _records = new(StringComparer.Ordinal);
    readonly Queue<string> _order = new();
    TaskCompletionSource _changed = New();
    IChannel? _channel;
    string _queue = "";

    /// <inheritdoc/>
    public async Task<string?> ReplyToAsync(CancellationToken cancel)
    {
        await _opening.WaitAsync(cancel);
        try
        {
            if (_channel is not { IsOpen: true })
            {
                _channel = await ListenAsync(cancel);
            }
            return _queue;
        }
        catch (Exception problem) when (!cancel.IsCancellationRequested)
        {
            throw RabbitException.Told(cluster.Broker, problem);
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, ResultRecord>> ReadAsync(IReadOnlyCollection<string> ids, CancellationToken cancel)
    {
        lock (_lock)
        {
            return Task.FromResult<IReadOnlyDictionary<string, ResultRecord>>(ids.Where(_records.ContainsKey).Distinct().ToDictionary(id => id, id => _records[id]));
        }
    }

    /// <inheritdoc/>
    public async Task<ResultRecord?> WaitAsync(string id, TimeSpan timeout, CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(timeout);
        while (true)
        {
            Task changed;
            ResultRecord? record;
            lock (_lock)
            {
                (changed, record) = (_changed.Task, _records.GetValueOrDefault(id));
            }
            if (record is { IsFinal: true })
            {
                return record;
            }
            try
            {
                await changed.WaitAsync(deadline.Token);
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                return record;
            }
        }
    }

    /// <inheritdoc/>
    public Task<GroupRecord> GroupAsync(string group, CancellationToken cancel) => Task.FromResult(GroupRecord.None);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        _opening.Dispose();
    }

    async Task<IChannel> ListenAsync(CancellationToken cancel)
    {
        IChannel channel = await _connection.OpenChannelAsync(confirms: false, cancel);
        try
        {
            // Ours alone, and gone with the connection; so is what comes after that.
            _queue = $"belfry.{Guid.NewGuid()}";
            await channel.QueueDeclareAsync(_queue, durable: false, exclusive: true, autoDelete: true, cancellationToken: cancel);
            var consumer = new AsyncEventingBasicConsumer(channel);
            consumer.ReceivedAsync += (_, delivered) =>
            {
                Keep(delivered.BasicProperties.CorrelationId ?? "", delivered.Body.ToArray());
                return Task.CompletedTask;
            };
            await channel.BasicConsumeAsync(_queue, autoAck: true, consumer, cancel);
            return channel;
        }
        catch
        {
            await channel.DisposeAsync();
            throw;
        }
    }

    void Keep(string id, byte[] body)
    {
        var record = ResultRecord.FromStored(id, body);
        TaskCompletionSource changed;
        lock (_lock)
        {
            if (_records.TryGetValue(id, out ResultRecord? known) && known.IsFinal && !record.IsFinal)
            {
                return;
            }
            if (known is null)
            {
                _order.Enqueue(id);
            }
            _records[id] = record;
            if (_order.Count > Most)
            {
                _records.Remove(_order.Dequeue());
            }
            (changed, _changed) = (_changed, New());
        }
        changed.SetResult();
    }

    static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
