using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Belfry;

/// <summary>Sends what lies in the spool to the server, in order, until the server has it: an event leaves only when the server says that it is on its disk.</summary>
sealed partial class EventSender : IAsyncDisposable
{
    static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1), LastTry = TimeSpan.FromSeconds(2);

    readonly Spool _spool;
    readonly HttpClient _server;
    readonly ServerLogOptions _options;
    readonly TimeProvider _clock;
    readonly ILogger _logger;
    readonly SemaphoreSlim _any = new(0);
    readonly CancellationTokenSource _stopping = new();
    readonly Task _sending;
    int _most;

    public EventSender(Spool spool, HttpClient server, ServerLogOptions options, TimeProvider clock, ILogger logger)
    {
        (_spool, _server, _options, _clock, _logger, _most) = (spool, server, options, clock, logger, options.EventsAtOnce);
        _sending = Task.Run(SendAsync); // whoever made it may wait on its own thread for the end
    }

    /// <summary>Why the server does not take events; null when it does.</summary>
    public string? Problem { get; private set; }

    /// <summary>Events that the server refused for good.</summary>
    public long Refused { get; private set; }

    /// <summary>There is something to send.</summary>
    public void Wake()
    {
        if (_any.CurrentCount == 0)
        {
            _any.Release();
        }
    }

    /// <summary>Sends what is left, for two seconds at most.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _sending;
        using var last = new CancellationTokenSource(LastTry, _clock);
        while (await TrySendAsync(last.Token) == Sending.Sent)
        {
        }
        if (_spool.Waiting > 0)
        {
            LogLeft(_spool.Waiting, _spool.Folder, Problem);
        }
        _server.Dispose();
        _any.Dispose();
        _stopping.Dispose();
    }

    async Task SendAsync()
    {
        TimeSpan pause = FirstPause;
        try
        {
            while (true)
            {
                switch (await TrySendAsync(_stopping.Token))
                {
                    case Sending.Sent:
                        pause = FirstPause;
                        break;
                    case Sending.Nothing:
                        await _any.WaitAsync(_stopping.Token);
                        await Task.Delay(_options.Wait, _clock, _stopping.Token);
                        break;
                    default:
                        await Task.Delay(pause, _clock, _stopping.Token);
                        pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, _options.LongestPause.Ticks));
                        break;
                }
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // the rest is sent at the end, or by the next process
        }
    }

    async Task<Sending> TrySendAsync(CancellationToken cancel)
    {
        try
        {
            (byte[] lines, int count, SpoolPlace end) = _spool.Next(_most);
            if (count == 0)
            {
                return Sending.Nothing;
            }
            await PostAsync(lines, count, end, cancel);
            if (Problem is not null)
            {
                LogTaken();
            }
            Problem = null;
            return Sending.Sent;
        }
        catch (Exception away)
        {
            // Whatever it is, also what nobody foresaw of a server or of what stands before it: the events are on disk, and are sent once that is over.
            if (cancel == _stopping.Token)
            {
                cancel.ThrowIfCancellationRequested();
            }
            if (Problem is null)
            {
                LogAway(away.Message);
            }
            Problem = away.Message;
            return Sending.Failed;
        }
    }

    async Task PostAsync(byte[] lines, int count, SpoolPlace end, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/v1/events") { Content = new ByteArrayContent(lines) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        using HttpResponseMessage answer = await _server.SendAsync(request, cancel).WaitAsync(_options.Timeout, _clock, cancel);
        switch (answer.StatusCode)
        {
            case HttpStatusCode.Accepted:
                _most = _options.EventsAtOnce;
                break;
            case HttpStatusCode.BadRequest when await RefusalAsync(answer, cancel) is ({ } refused, { } detail):
                Refused += refused;
                LogRefused(refused, detail);
                break;
            case HttpStatusCode.RequestEntityTooLarge when count > 1:
                _most = count / 2;
                return;
            case HttpStatusCode.RequestEntityTooLarge:
                Refused++;
                LogRefused(1, "it is larger than the server takes");
                break;
            default:
                string place = answer.Headers.Location is { } moved ? $", which leads to {moved}" : ""; // nobody follows: on the way events and token would be lost
                throw new HttpRequestException($"{_server.BaseAddress} answered {(int)answer.StatusCode} {answer.ReasonPhrase}{place}", null, answer.StatusCode);
        }
        _spool.Settle(end);
    }

    /// <summary>How many events a server of ours refused while it kept the others; null when somebody else answered.</summary>
    static async Task<(long Refused, string Detail)?> RefusalAsync(HttpResponseMessage answer, CancellationToken cancel)
    {
        try
        {
            using JsonDocument problem = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancel), cancellationToken: cancel);
            return problem.RootElement is { ValueKind: JsonValueKind.Object } ours && ours.TryGetProperty("refused", out JsonElement refused) && refused.ValueKind == JsonValueKind.Number
                && refused.TryGetInt64(out long events) && ours.TryGetProperty("detail", out JsonElement detail) ? (events, detail.ToString()) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    enum Sending
    {
        Sent,
        Nothing,
        Failed,
    }

    [LoggerMessage(621, LogLevel.Error, "The Belfry server does not take events; they are kept on disk, and it is tried again: {Problem}")]
    partial void LogAway(string problem);

    [LoggerMessage(622, LogLevel.Information, "The Belfry server takes events again")]
    partial void LogTaken();

    [LoggerMessage(623, LogLevel.Error, "The Belfry server refused {Events} events for good: {Problem}")]
    partial void LogRefused(long events, string problem);

    [LoggerMessage(624, LogLevel.Warning, "{Bytes} bytes of events are left in {Folder}; the next process that reports from there sends them: {Problem}")]
    partial void LogLeft(long bytes, string folder, string? problem);
}
