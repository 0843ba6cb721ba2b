using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Belfry.Testing;

namespace Belfry.Bench;

/// <summary>The consumer's process, as the bench sees it.</summary>
sealed class BelfryReader : IAsyncDisposable
{
    readonly TempFolder _folder = new();
    readonly ChildProcess _process;

    BelfryReader(string broker) =>
        _process = ChildProcess.Start(Environment.ProcessPath!, ["consume", broker, _folder.File("bench.db")], heard: Hear);

    /// <summary>Events that are on disk.</summary>
    public long Committed { get; private set; }

    /// <summary>CPU used so far.</summary>
    public TimeSpan Cpu => _process.Cpu;

    /// <summary>Memory that it holds.</summary>
    public ProcessMemory Memory => ProcessMemory.Of(_process.Id);

    public static async Task<BelfryReader> StartAsync(RedisServer redis)
    {
        var reader = new BelfryReader(redis.Url);
        await SubscribedAsync(redis, reader._process);
        return reader;
    }

    public static async Task<BelfryReader> StartAsync(RabbitPublisher rabbit)
    {
        var reader = new BelfryReader(rabbit.Url);
        await rabbit.ConsumedAsync("celeryev.belfry.bench", reader._process);
        return reader;
    }

    /// <summary>Waits until somebody listens to the events.</summary>
    public static Task SubscribedAsync(RedisServer redis, ChildProcess process) =>
        Eventually.HoldsAsync("a subscription to the events", async () => process.HasExited
            ? throw new InvalidOperationException(process.Story())
            : !string.Equals(await redis.AskAsync("PUBSUB", "NUMPAT"), "0", StringComparison.Ordinal));

    /// <summary>Waits until so many are on disk, or until for a while nothing more comes: the rest is lost.</summary>
    public async Task CommittedAsync(long events)
    {
        long seen = Committed;
        long since = Stopwatch.GetTimestamp();
        while (Committed < events && Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(5))
        {
            await Task.Delay(5);
            since = Committed == seen ? since : Stopwatch.GetTimestamp();
            seen = Committed;
        }
    }

    /// <summary>Ends it, and tells what is in the log and how many bytes it takes.</summary>
    public async Task<(long EndedRuns, long Bytes)> EndAsync()
    {
        _process.EndInput();
        await _process.ExitAsync(TimeSpan.FromMinutes(1));
        string last = _process.Output.TrimEnd().Split('\n')[^1];
        if (_process.Errors.Length > 0)
        {
            await Console.Error.WriteAsync(_process.Errors);
        }
        long bytes = new DirectoryInfo(_folder.Path).EnumerateFiles("bench.db*").Sum(file => file.Length);
        return (JsonSerializer.Deserialize<Consumed>(last)!.Ended, bytes);
    }

    void Hear(string line) =>
        Committed = long.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out long events) ? events : Committed;

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _folder.Dispose();
    }
}
