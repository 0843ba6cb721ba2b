using System.Net.Sockets;
using Belfry.Celery.Redis;

namespace Belfry.Celery.Control;

/// <summary>Remote control over Redis: a command is published, replies are pushed to a list of our own. Workers find its name in a set, where we enter it.</summary>
sealed class RedisLine : IControlLine
{
    readonly CeleryCluster _cluster;
    readonly RedisQuestions _redis;
    readonly TimeProvider _clock;
    readonly RedisConnection _mouth;
    RedisConnection? _ear;
    ControlRequest? _asked;

    RedisLine(CeleryCluster cluster, RedisQuestions redis, TimeProvider clock, RedisConnection mouth) => (_cluster, _redis, _clock, _mouth) = (cluster, redis, clock, mouth);

    /// <summary>Connects, for each command anew.</summary>
    public static async Task<RedisLine> OpenAsync(CeleryCluster cluster, TimeSpan patience, TimeProvider clock, CancellationToken cancel)
    {
        var redis = new RedisQuestions(cluster.Broker, patience, clock);
        return new RedisLine(cluster, redis, clock, await Task.Run(() => redis.Open(cancel), cancel));
    }

    /// <inheritdoc/>
    public Task<long?> SendAsync(ControlRequest request, CancellationToken cancel) => Task.Run(
        () =>
        {
            if (request.ReplyTo is not null)
            {
                _asked = request;
                _mouth.Command("SADD", _cluster.ReplyBindings, Binding(request));
            }
            return _cluster.ControlChannels.Sum(channel => _mouth.Command("PUBLISH", channel, request.Envelope(_cluster)).Number);
        },
        cancel);

    /// <inheritdoc/>
    public Task<ControlReply?> ReceiveAsync(TimeSpan wait, CancellationToken cancel) => Task.Run(
        () =>
        {
            DateTimeOffset until = _clock.GetUtcNow() + wait;
            RedisConnection ear = _ear ??= _redis.Open(cancel);
            using CancellationTokenRegistration closing = cancel.Register(ear.Dispose);
            try
            {
                while (until - _clock.GetUtcNow() is { TotalMilliseconds: >= 1 } rest)
                {
                    // It blocks for ever and our socket does not: old servers know whole seconds only. Once that happened this connection is of no more use.
                    ear.ReadTimeout = rest;
                    if (ear.Command("BRPOP", List(_asked!), "0").Items is [_, { Text: { } message }] && ControlReply.Read(message, _asked!.Ticket) is { } reply)
                    {
                        return reply;
                    }
                }
            }
            catch (IOException problem) when (problem.InnerException is SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock })
            {
                // Nobody else answered.
            }
            catch (Exception) when (cancel.IsCancellationRequested)
            {
                cancel.ThrowIfCancellationRequested();
            }
            return null;
        },
        cancel);

    /// <inheritdoc/>
    public Task<Presence> FindAsync(string worker, CancellationToken cancel) => Task.FromResult(Presence.Unknown);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _ear?.Dispose();
        if (_asked is { } request)
        {
            await Task.Run(() => Forget(request));
        }
        _mouth.Dispose();
    }

    // The set would grow with every question for ever, and a late reply make a list that nobody reads.
    void Forget(ControlRequest request)
    {
        try
        {
            _mouth.Command("SREM", _cluster.ReplyBindings, Binding(request));
            _mouth.Command("DEL", List(request));
        }
        catch (Exception problem) when (problem is IOException or RedisException or ObjectDisposedException)
        {
            // The broker went away in between; its list expires with it, or stays as those of Celery's own clients do.
        }
    }

    string Binding(ControlRequest request) => $"{request.ReplyTo}{_cluster.Separator}{_cluster.Separator}{Queue(request)}";

    string List(ControlRequest request) => _cluster.KeyPrefix + Queue(request);

    string Queue(ControlRequest request) => $"{request.ReplyTo}.{_cluster.ReplyExchange}";
}
