using System.Net.Sockets;

namespace Belfry.Bench;

/// <summary>Sends prepared publications to Redis, pipelined.</summary>
sealed class Publisher : PacedSender<Publication>, IAsyncDisposable
{
    readonly TcpClient _client = new() { NoDelay = true };
    readonly CancellationTokenSource _closing = new();
    Task _reading = Task.CompletedTask;
    long _answered;

    public long Messages { get; private set; }

    public static async Task<Publisher> ConnectAsync(int port)
    {
        var publisher = new Publisher();
        await publisher._client.ConnectAsync("127.0.0.1", port);
        publisher._reading = Task.Run(publisher.ReadAnswersAsync);
        return publisher;
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _client.Dispose();
        await _reading;
        _closing.Dispose();
    }

    public override async Task SendAsync(Publication message)
    {
        await _client.GetStream().WriteAsync(message.Bytes);
        Events += message.Events;
        Messages += message.Messages;
    }

    protected override async Task DrainAsync()
    {
        while (Interlocked.Read(ref _answered) < Messages)
        {
            await Task.Delay(1);
        }
    }

    async Task ReadAnswersAsync()
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int read;
            while ((read = await _client.GetStream().ReadAsync(buffer, _closing.Token)) > 0)
            {
                Interlocked.Add(ref _answered, buffer.AsSpan(0, read).Count((byte)'\n'));
            }
        }
        catch (Exception closed) when (closed is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // The connection is being closed: whoever waits for answers has them.
        }
    }
}
