using System.Diagnostics;

namespace Belfry.Bench;

/// <summary>Sends messages to a broker at the pace of their reader, or at one of its own.</summary>
abstract class PacedSender<T>
{
    /// <summary>Events sent so far.</summary>
    public long Events { get; protected set; }

    /// <summary>As fast as the reader commits: never more than a window ahead of it.</summary>
    public async Task SendAsync(IEnumerable<T> messages, Func<long> committed, long window)
    {
        foreach (T message in messages)
        {
            while (Events - committed() > window)
            {
                await Task.Delay(1);
            }
            await SendAsync(message);
        }
        await DrainAsync();
    }

    /// <summary>So many events a second, whatever the reader does.</summary>
    public async Task SendAsync(IEnumerable<T> messages, double eventsPerSecond)
    {
        (long begin, long before) = (Stopwatch.GetTimestamp(), Events);
        foreach (T message in messages)
        {
            TimeSpan ahead = TimeSpan.FromSeconds((Events - before) / eventsPerSecond) - Stopwatch.GetElapsedTime(begin);
            if (ahead > TimeSpan.FromMilliseconds(1))
            {
                await Task.Delay(ahead);
            }
            await SendAsync(message);
        }
        await DrainAsync();
    }

    /// <summary>Sends one.</summary>
    public abstract Task SendAsync(T message);

    /// <summary>Waits until the broker has taken all of it.</summary>
    protected virtual Task DrainAsync() => Task.CompletedTask;
}
