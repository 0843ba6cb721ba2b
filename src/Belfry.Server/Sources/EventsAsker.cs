using Belfry.Celery.Control;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Sources;

/// <summary>Asks workers to send the events of their tasks: all of them when listening begins, each one that comes later.</summary>
/// <remarks>A worker forgets it when it restarts. Those that were started with <c>-E</c> are asked too: nobody can see from here who was.</remarks>
sealed partial class EventsAsker(SourceSettings settings, RemoteControl control, TimeProvider clock, ILogger logger)
{
    // Many workers come at once after a deployment; they are asked together.
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);

    // Of more than these all are asked: the list is part of the message.
    const int MostAskedByName = 100;

    readonly HashSet<string> _waiting = new(StringComparer.Ordinal);
    bool _wasListening, _askAll;
    Instant _next = new(long.MinValue);

    /// <summary>Notes who came, and asks those who wait unless that was done a moment ago.</summary>
    public async Task AskAsync(IReadOnlyCollection<string> newcomers, bool listening, CancellationToken cancel)
    {
        _askAll |= listening && !_wasListening;
        _wasListening = listening;
        Note(newcomers);
        Instant now = Instant.Now(clock);
        if (!settings.EnableEvents || !listening || now < _next || (!_askAll && _waiting.Count == 0))
        {
            return;
        }
        _next = now + Pause;
        await AskAsync(cancel);
    }

    void Note(IReadOnlyCollection<string> newcomers)
    {
        _waiting.UnionWith(newcomers);
        if (_waiting.Count > MostAskedByName)
        {
            _askAll = true;
            _waiting.Clear();
        }
    }

    async Task AskAsync(CancellationToken cancel)
    {
        try
        {
            await control.EnableEventsAsync(_askAll ? [] : [.. _waiting], cancel);
            _askAll = false;
            _waiting.Clear();
        }
        catch (Exception) when (cancel.IsCancellationRequested)
        {
            // Asked to stop.
        }
        catch (Exception problem)
        {
            // Whatever it is: thrown, it would end the loop that judges workers, and nobody would see.
            LogNotAsked(settings.Name, problem.Message);
        }
    }

    [LoggerMessage(2111, LogLevel.Warning, "The workers of {Source} could not be asked for events: {Problem}. Trying again.")]
    partial void LogNotAsked(string source, string problem);
}
