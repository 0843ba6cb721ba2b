using Belfry.Celery.Control;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Sources;

/// <summary>Asks workers to send the events of their tasks: all of them when listening begins, each one that comes later; each several times, because nobody keeps the question for it.</summary>
/// <remarks>
/// A worker beats a second and more before it listens to remote control (Celery's step <c>mingle</c> lies between): a question in that time is lost.
/// It forgets the answer when it restarts. Those that were started with <c>-E</c> are asked too: nobody can see from here who was.
/// </remarks>
sealed partial class EventsAsker(SourceSettings settings, RemoteControl control, TimeProvider clock, ILogger logger)
{
    const string Everybody = "";

    // Of more than these all are asked: the list is part of the message.
    const int MostAskedByName = 100;

    // Many workers come at once after a deployment; they are asked together.
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);

    // After a worker came. The last is for one whose machine was so busy that it took long to start.
    static readonly TimeSpan[] Times = [TimeSpan.Zero, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(30)];

    readonly List<(string Worker, Instant Due)> _questions = []; // bounded by MostAskedByName
    bool _wasListening;
    Instant _next = new(long.MinValue);
    string? _said; // why they could not be asked last: said once

    /// <summary>Notes who came, and asks those whose time it is unless that was done a moment ago.</summary>
    public async Task AskAsync(IReadOnlyCollection<string> newcomers, bool listening, CancellationToken cancel)
    {
        Instant now = Instant.Now(clock);
        Note(listening && !_wasListening ? [Everybody, .. newcomers] : newcomers, now);
        _wasListening = listening;
        string[] due = [.. _questions.Where(question => question.Due <= now).Select(question => question.Worker).Distinct()];
        if (settings.EnableEvents && listening && now >= _next && due.Length > 0)
        {
            _next = now + Pause;
            await AskAsync(due, now, cancel);
        }
    }

    void Note(IReadOnlyCollection<string> newcomers, Instant now)
    {
        _questions.RemoveAll(question => newcomers.Contains(question.Worker));
        _questions.AddRange(newcomers.SelectMany(worker => Times.Select(time => (worker, now + time))));
        if (_questions.Count > MostAskedByName * Times.Length)
        {
            _questions.Clear();
            _questions.AddRange(Times.Select(time => (Everybody, now + time)));
        }
    }

    async Task AskAsync(string[] workers, Instant now, CancellationToken cancel)
    {
        try
        {
            await control.EnableEventsAsync(workers.Contains(Everybody) ? [] : workers, cancel);
            _questions.RemoveAll(question => question.Due <= now);
            _said = null;
        }
        catch (Exception) when (cancel.IsCancellationRequested)
        {
            // Asked to stop.
        }
        catch (Exception problem)
        {
            // Whatever it is: thrown, it would end the loop that judges workers, and nobody would see.
            if (_said != problem.Message)
            {
                LogNotAsked(settings.Name, problem.Message);
            }
            _said = problem.Message;
        }
    }

    [LoggerMessage(2111, LogLevel.Warning, "The workers of {Source} could not be asked for events: {Problem}. Trying again every few seconds; this is said once.")]
    partial void LogNotAsked(string source, string problem);
}
