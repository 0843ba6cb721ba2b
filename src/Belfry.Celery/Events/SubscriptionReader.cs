using System.Text;
using Belfry.Celery.Redis;
using Microsoft.Extensions.Logging;

namespace Belfry.Celery.Events;

/// <summary>The thread that reads the channel of events and does nothing else, so that the broker never finds it slow.</summary>
sealed partial class SubscriptionReader(
    CeleryCluster cluster, SubscriptionOptions options, ChunkQueue queue, TimeProvider clock, Random random, ILogger logger) : IAsyncDisposable
{
    const int BufferSize = ChunkBuffers.Usual;

    // Celery cuts its texts; a message of this size is a mistake of its sender, and none of ours.
    const int LongestMessage = 64 * 1024 * 1024;

    // A read costs the same for one message as for a hundred, so after a small one we let them gather for a moment.
    // The log commits every 100 ms; nobody sees these five.
    const int SmallRead = 16 * 1024;

    static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(5);
    static readonly TimeSpan Steady = TimeSpan.FromSeconds(10);

    readonly CancellationTokenSource _stopping = new();
    readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Only the thread touches these.
    byte[] _buffer = [];
    int _filled;
    long _skip;
    int _subscriptions, _refusals;
    BrokerUrl? _place; // of a list or behind Sentinels not always the same
    Instant? _lastRead;
    StreamBreak? _break;
    bool _heardBefore;

    /// <summary>How the connection does now.</summary>
    public SubscriptionStatus Status { get => Volatile.Read(ref field); private set => Volatile.Write(ref field, value); } = new(null, null);

    /// <summary>Starts the thread.</summary>
    public void Start() => new Thread(Run) { Name = $"events of {cluster.Source}", IsBackground = true }.Start();

    /// <summary>Closes the connection; the thread ends.</summary>
    public void Stop() => _stopping.Cancel();

    /// <summary>Closes the connection and waits for the thread to end.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _stopped.Task.ConfigureAwait(false);
        _stopping.Dispose();
    }

    void Run()
    {
        for (int failures = 0; !_stopping.IsCancellationRequested; failures++)
        {
            Instant begun = Instant.Now(clock);
            try
            {
                Listen();
            }
            catch (Exception problem) when (_stopping.IsCancellationRequested)
            {
                Log.Stopped(logger, problem, cluster.Source);
            }
            catch (Exception problem)
            {
                NoteProblem(problem.Message);
            }
            failures = Instant.Now(clock) - begun > Steady ? 0 : failures;
            WaitBeforeReconnect(Backoff.Delay(failures, random));
        }
        queue.Close();
        _stopped.SetResult();
    }

    void NoteProblem(string problem)
    {
        // Said once, not at every attempt.
        if (!string.Equals(Status.Problem, problem, StringComparison.Ordinal))
        {
            Log.Lost(logger, cluster.Source, problem);
        }
        Status = new SubscriptionStatus(null, problem);
    }

    void Listen()
    {
        using RedisConnection connection = RedisConnection.Open(cluster.Broker, options.ConnectTimeout, clock, _stopping.Token);
        using CancellationTokenRegistration closing = _stopping.Token.Register(connection.Dispose);
        _place = connection.Place;
        (_filled, _skip, _subscriptions, _refusals) = (0, 0, 0, 0);
        _buffer = _buffer.Length == 0 ? ChunkBuffers.Rent(BufferSize) : _buffer;
        connection.ReadTimeout = options.PingInterval * 3;
        foreach (string pattern in cluster.EventPatterns)
        {
            connection.Send("PSUBSCRIBE", pattern);
        }
        foreach (string channel in cluster.EventChannels)
        {
            connection.Send("SUBSCRIBE", channel);
        }
        using ITimer pings = clock.CreateTimer(_ => Ping(connection), null, options.PingInterval, options.PingInterval);
        while (true)
        {
            int read = Read(connection);
            Take(read);
            if (read < SmallRead)
            {
                Thread.Sleep(Gathering);
            }
        }
    }

    int Read(RedisConnection connection)
    {
        try
        {
            int read = connection.Read(_buffer.AsSpan(_filled));
            return read > 0 ? read : throw new IOException("it closed the connection");
        }
        catch (IOException problem)
        {
            throw new IOException($"{cluster.Broker} was lost: {problem.InnerException?.Message ?? problem.Message}", problem);
        }
    }

    void Ping(RedisConnection connection)
    {
        try
        {
            connection.Send("PING");
        }
        catch (Exception problem)
        {
            // The reader learns it from its own read; thrown on a timer it would end the process.
            Log.NotPinged(logger, problem, cluster.Source);
        }
    }

    void Take(int read)
    {
        Instant now = Instant.Now(clock);
        _filled += read;
        if (_skip > 0)
        {
            SkipRest();
        }
        (int whole, int messages, int needed) = Measure(_buffer.AsSpan(0, _filled), now);
        if (messages > 0 || _break is not null)
        {
            HandOver(whole, messages, now);
        }
        else
        {
            KeepFrom(whole, _buffer);
        }
        MakeRoom(needed);
        _lastRead = now;
    }

    // Finds the end of the last whole message. The decoder will find the ends of all again: cheaper than a list of them.
    (int Whole, int Messages, int Needed) Measure(ReadOnlySpan<byte> data, Instant now)
    {
        int whole = 0, messages = 0;
        while (true)
        {
            PubSubFrame frame = PubSubFrame.Read(data[whole..]);
            if (!frame.Complete)
            {
                return (whole, messages, frame.Length);
            }
            if (frame.IsMessage)
            {
                messages++;
            }
            else
            {
                Answer(frame, now);
            }
            whole += frame.Length;
        }
    }

    void Answer(PubSubFrame frame, Instant now)
    {
        string text = Encoding.UTF8.GetString(frame.Payload);
        if (frame.IsError && _subscriptions == 0 && ++_refusals == cluster.EventPatterns.Count)
        {
            throw new RedisException($"{cluster.Broker} does not let us subscribe to {string.Join(", ", cluster.EventPatterns)}: {text}");
        }
        if (frame.IsError)
        {
            // An access list that names only one form: nobody uses the others there.
            Log.PlainChannelRefused(logger, cluster.Source, text);
        }
        else if (frame.Kind.SequenceEqual("psubscribe"u8) && ++_subscriptions == 1)
        {
            Status = new SubscriptionStatus(now, null);
            _break ??= new StreamBreak(_heardBefore ? "the connection to the broker was lost" : null, 0, _lastRead);
            _heardBefore = true;
            Log.Listening(logger, cluster.Source, _place?.ToString() ?? "", now);
        }
    }

    void HandOver(int whole, int messages, Instant now)
    {
        byte[] buffer = _buffer;
        bool large = whole > buffer.Length / 2;
        EventChunk chunk = large ? new EventChunk(buffer, whole, now, _break) : EventChunk.CopyOf(buffer.AsSpan(0, whole), now, _break);
        // The rest is taken out first: once added, a large buffer is the decoder's, who gives it back to whoever rents next.
        _buffer = large ? ChunkBuffers.Rent(BufferSize) : buffer;
        KeepFrom(whole, buffer);
        if (queue.TryAdd(chunk))
        {
            _break = null;
            return;
        }
        _break = new StreamBreak("too much came at once, the queue was full", (_break?.Dropped ?? 0) + messages, _break?.LastRead ?? _lastRead ?? now);
        chunk.Free();
    }

    // What follows the last whole message goes to the front.
    void KeepFrom(int whole, byte[] from)
    {
        int rest = _filled - whole;
        if (rest > _buffer.Length)
        {
            _buffer = ChunkBuffers.Rent(rest);
        }
        from.AsSpan(whole, rest).CopyTo(_buffer);
        _filled = rest;
    }

    void MakeRoom(int needed)
    {
        if (needed > LongestMessage)
        {
            // Its end is known: what came of it is thrown away, and the rest when it comes.
            _skip = needed - _filled;
            _filled = 0;
            _break = new StreamBreak($"a message over {LongestMessage / 1024 / 1024} MB", (_break?.Dropped ?? 0) + 1, _break?.LastRead ?? _lastRead);
        }
        else if (needed > _buffer.Length || (needed < BufferSize && _buffer.Length > BufferSize))
        {
            byte[] old = _buffer;
            _buffer = ChunkBuffers.Rent(Math.Max(Math.Max(needed, _filled), BufferSize));
            old.AsSpan(0, _filled).CopyTo(_buffer);
            ChunkBuffers.Return(old);
        }
    }

    void SkipRest()
    {
        int skipped = (int)Math.Min(_skip, _filled);
        _skip -= skipped;
        KeepFrom(skipped, _buffer);
    }

    void WaitBeforeReconnect(TimeSpan delay)
    {
        try
        {
            Task.Delay(delay, clock, _stopping.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            // Asked to stop: the loop sees it.
        }
    }

    static partial class Log
    {
        [LoggerMessage(2001, LogLevel.Information, "Listening to {Source} at {Broker} since {Since}")]
        public static partial void Listening(ILogger logger, string source, string broker, Instant since);

        [LoggerMessage(2002, LogLevel.Warning, "Lost {Source}: {Problem}. Trying again.")]
        public static partial void Lost(ILogger logger, string source, string problem);

        [LoggerMessage(2003, LogLevel.Debug, "Stopped listening to {Source}")]
        public static partial void Stopped(ILogger logger, Exception? problem, string source);

        [LoggerMessage(2005, LogLevel.Debug, "{Source} could not be asked for a sign of life")]
        public static partial void NotPinged(ILogger logger, Exception problem, string source);

        [LoggerMessage(2004, LogLevel.Debug, "{Source} refused the channel without patterns: {Problem}")]
        public static partial void PlainChannelRefused(ILogger logger, string source, string problem);
    }
}

/// <summary>How long to wait before the next attempt.</summary>
static class Backoff
{
    const double FirstSeconds = 0.25, LongestSeconds = 30;

    /// <summary>0.25 s doubled with each failure, at most 30 s, of which a random half: those who lost the broker together do not return together.</summary>
    public static TimeSpan Delay(int failures, Random random)
    {
        double seconds = Math.Min(LongestSeconds, FirstSeconds * Math.Pow(2, Math.Min(failures, 16)));
        return TimeSpan.FromSeconds(seconds * (0.5 + random.NextDouble() / 2));
    }
}
