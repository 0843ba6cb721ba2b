using System.Diagnostics;
using System.Net.Sockets;

namespace Belfry.Bench;

/// <summary>Sends prepared publications to Redis, pipelined.</summary>
sealed class Publisher : IAsyncDisposable
{
    readonly TcpClient _client = new() { NoDelay = true };
    readonly CancellationTokenSource _closing = new();
    Task _reading = Task.CompletedTask;
    long _answered;

    /// <summary>Events sent so far.</summary>
    public long Events { get; private set; }

    public long Messages { get; private set; }

    public static async Task<Publisher> ConnectAsync(int port)
    {
        var publisher = new Publisher();
        await publisher._client.ConnectAsync("127.0.0.1", port);
        publisher._reading = Task.Run(publisher.ReadAnswersAsync);
        return publisher;
    }

    /// <summary>As fast as the reader commits: never more than a window ahead of it.</summary>
    public async Task SendAsync(IEnumerable<Publication> publications, Func<long> committed, long window)
    {
        foreach (Publication publication in publications)
        {
            while (Events - committed() > window)
            {
                await Task.Delay(1);
            }
            await SendAsync(publication);
        }
        await DrainAsync();
    }

    /// <summary>So many events a second, whatever the reader does.</summary>
    public async Task SendAsync(IEnumerable<Publication> publications, double eventsPerSecond)
    {
        (long begin, long before) = (Stopwatch.GetTimestamp(), Events);
        foreach (Publication publication in publications)
        {
            TimeSpan ahead = TimeSpan.FromSeconds((Events - before) / eventsPerSecond) - Stopwatch.GetElapsedTime(begin);
            if (ahead > TimeSpan.FromMilliseconds(1))
            {
                await Task.Delay(ahead);
            }
            await SendAsync(publication);
        }
        await DrainAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _client.Dispose();
        await _reading;
        _closing.Dispose();
    }

    async Task SendAsync(Publication publication)
    {
        await _client.GetStream().WriteAsync(publication.Bytes);
        Events += publication.Events;
        Messages += publication.Messages;
    }

    /// <summary>Waits until Redis has taken all of it.</summary>
    async Task DrainAsync()
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
