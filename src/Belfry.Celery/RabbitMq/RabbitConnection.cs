using System.Security.Cryptography.X509Certificates;
using RabbitMQ.Client;

namespace Belfry.Celery.RabbitMq;

/// <summary>A connection to RabbitMQ, opened when it is first needed, and opened anew when it is needed after it broke.</summary>
/// <remarks>
/// The client's own recovery is off: it would bring back channels and consumers without saying what was lost between. Whoever holds a channel
/// sees it close, and asks for another. Of any number of threads; a channel is for one at a time.
/// </remarks>
/// <param name="url">The broker.</param>
/// <param name="purpose">What it is for, as RabbitMQ shows it to its operators: <c>events of celery</c>.</param>
/// <param name="timeout">How long to wait for a connection, and for each answer.</param>
sealed class RabbitConnection(BrokerUrl url, string purpose, TimeSpan timeout) : IAsyncDisposable
{
    // A peer that is gone without a word is noticed after two of these. RabbitMQ's own 60 s would be a long silence.
    static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);
    const uint LargestMessage = 600 * 1024 * 1024;
    static readonly TimeSpan TimeToClose = TimeSpan.FromSeconds(1);

    const int LongestName = 255;

    readonly SemaphoreSlim _opening = new(1);
    IConnection? _connection;
    TaskCompletionSource<string> _blocked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends, with the reason, when the broker says that it takes no messages over this connection for now: it does so once something was published.</summary>
    public Task<string> Blocked => Volatile.Read(ref _blocked).Task;

    /// <summary>AMQP can say this name. Nothing has a longer one, but names come from outside, and the client would throw.</summary>
    public static bool IsName(string name) => System.Text.Encoding.UTF8.GetByteCount(name) <= LongestName;

    /// <summary>A channel of the caller's own, who disposes of it.</summary>
    /// <param name="confirms">A publish ends when the broker has taken the message over, and throws when it did not.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="RabbitException">The broker refused; the message is for an operator.</exception>
    /// <exception cref="IOException">It cannot be reached.</exception>
    public async Task<IChannel> OpenChannelAsync(bool confirms, CancellationToken cancel)
    {
        try
        {
            IConnection connection = await OpenAsync(cancel).ConfigureAwait(false);
            return await connection.CreateChannelAsync(new CreateChannelOptions(confirms, confirms), cancel).ConfigureAwait(false);
        }
        catch (Exception problem) when (!cancel.IsCancellationRequested)
        {
            throw RabbitException.Told(url, problem);
        }
    }

    /// <summary>Does something on a channel of its own. A refusal closes the channel, as AMQP has it, and nothing else.</summary>
    /// <inheritdoc cref="OpenChannelAsync"/>
    public async Task<T> UseAsync<T>(Func<IChannel, Task<T>> act, CancellationToken cancel, bool confirms = false)
    {
        await using IChannel channel = await OpenChannelAsync(confirms, cancel).ConfigureAwait(false);
        try
        {
            return await act(channel).ConfigureAwait(false);
        }
        catch (Exception problem) when (!cancel.IsCancellationRequested)
        {
            throw RabbitException.Told(url, problem);
        }
    }

    /// <summary>Name and version of the broker, as it says itself; of an open connection.</summary>
    public async Task<string> ServerAsync(CancellationToken cancel)
    {
        await (await OpenChannelAsync(confirms: false, cancel).ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        string Told(string key) => _connection?.ServerProperties?.TryGetValue(key, out object? value) == true && value is byte[] text ? System.Text.Encoding.UTF8.GetString(text) : "";
        return $"{Told("product")} {Told("version")}".Trim() is { Length: > 0 } told ? told : "RabbitMQ";
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _connection, null) is { } connection)
        {
            await EndAsync(connection).ConfigureAwait(false);
        }
        _opening.Dispose();
    }

    /// <summary>Leaves the connection that stands to itself: its broker does not read that it is to end, and nobody waits for that. Who needs one opens another.</summary>
    public void Abandon()
    {
        if (Interlocked.Exchange(ref _connection, null) is { } connection)
        {
            _ = EndAsync(connection).ContinueWith(static ended => ended.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    static async Task EndAsync(IConnection connection)
    {
        await connection.CloseAsync(Constants.ReplySuccess, "done", TimeToClose, abort: true).ConfigureAwait(false);
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    async Task<IConnection> OpenAsync(CancellationToken cancel)
    {
        await _opening.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            if (_connection is { IsOpen: true } standing)
            {
                return standing;
            }
            if (_connection is { } broken)
            {
                _connection = null;
                await broken.DisposeAsync().ConfigureAwait(false);
            }
            _connection = await ConnectToFirstAsync(cancel).ConfigureAwait(false);
            Watch(_connection);
            return _connection;
        }
        finally
        {
            _opening.Release();
        }
    }

    void Watch(IConnection connection)
    {
        var blocked = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _blocked, blocked);
        connection.ConnectionBlockedAsync += (_, told) =>
        {
            blocked.TrySetResult(told.Reason);
            return Task.CompletedTask;
        };
    }

    /// <summary>To the first of a list that can be had.</summary>
    async Task<IConnection> ConnectToFirstAsync(CancellationToken cancel)
    {
        for (int place = 0; ; place++)
        {
            try
            {
                return await ConnectAsync(place == 0 ? url : url.Others[place - 1], cancel).ConfigureAwait(false);
            }
            catch (Exception) when (place < url.Others.Count && !cancel.IsCancellationRequested)
            {
                // the next one may be there; the last one's problem is told
            }
        }
    }

    // The client waits without end for a peer that takes the connection and says nothing: seen with 7.1.2, whose own timeouts do not help.
    async Task<IConnection> ConnectAsync(BrokerUrl place, CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(timeout);
        Task<IConnection> connecting = Factory(place).CreateConnectionAsync($"Belfry: {purpose}", deadline.Token);
        try
        {
            return await connecting.WaitAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = connecting.ContinueWith(
                static late => late.IsCompletedSuccessfully ? late.Result.DisposeAsync().AsTask() : Task.FromResult(late.Exception), CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            throw;
        }
    }

    ConnectionFactory Factory(BrokerUrl place) => new()
    {
        HostName = place.Host!, Port = place.Port, VirtualHost = place.VirtualHost,
        UserName = place.User ?? ConnectionFactory.DefaultUser, Password = place.Password ?? ConnectionFactory.DefaultPass,
        AutomaticRecoveryEnabled = false, TopologyRecoveryEnabled = false,
        RequestedHeartbeat = Heartbeat, RequestedConnectionTimeout = timeout, ContinuationTimeout = timeout, HandshakeContinuationTimeout = timeout,
        // As much as RabbitMQ itself can be told to take: a message that the client refused would end the connection, and come again with the next.
        MaxInboundMessageBodySize = LargestMessage,
        Ssl = place.Tls ? Tls(place) : new SslOption(),
    };

    static SslOption Tls(BrokerUrl place) => new(place.Host!, enabled: true)
    {
        Certs = place.CertificateFile is { } file ? [X509Certificate2.CreateFromPemFile(file, place.KeyFile)] : null,
        CertificateValidationCallback = (_, certificate, chain, errors) => BrokerTls.Accepts(place, certificate, chain, errors),
    };
}
