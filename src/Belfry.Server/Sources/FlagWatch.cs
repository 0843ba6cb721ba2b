using System.Text.Json.Nodes;
using Belfry.Celery.Control;

namespace Belfry.Server.Sources;

/// <summary>Knows which settings of Celery are off in a cluster, as its workers told when they were last asked.</summary>
/// <param name="control">Asks them.</param>
/// <param name="clock">The clock.</param>
public sealed class FlagWatch(RemoteControl control, TimeProvider clock)
{
    // A setting changes when its worker is started anew.
    static readonly TimeSpan BetweenQuestions = TimeSpan.FromMinutes(1);

    Instant _next = new(long.MinValue);

    /// <summary>What is off, each with the workers that say so; nothing before somebody answered.</summary>
    public IReadOnlyList<FlagFinding> Off { get => Volatile.Read(ref field); private set => Volatile.Write(ref field, value); } = [];

    /// <summary>Asks again, when it is time to.</summary>
    /// <param name="workers">Those that beat.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task LookAsync(IReadOnlyCollection<string> workers, CancellationToken cancel)
    {
        Instant now = Instant.Now(clock);
        if (now < _next || workers.Count == 0)
        {
            return;
        }
        _next = now + BetweenQuestions;
        IReadOnlyList<FlagFinding>? found = await AskAsync(control, workers, cancel);
        Off = found ?? Off;
    }

    /// <summary>Asks workers; null when none answers.</summary>
    public static async Task<IReadOnlyList<FlagFinding>?> AskAsync(RemoteControl control, IReadOnlyCollection<string> known, CancellationToken cancel)
    {
        ControlAnswer answer = await control.AskAsync("conf", new JsonObject { ["with_defaults"] = false }, [], RemoteControl.UsualTimeout, known, cancel);
        return answer.Replies.Count == 0 ? null :
        [
            .. answer.Replies.SelectMany(reply => CeleryFlags.Off(reply.Value).Select(flag => (reply.Key, Flag: flag)))
                .GroupBy(found => found.Flag, found => found.Key).Select(found => new FlagFinding(found.Key.Setting, found.Key.Cost, [.. found.Order(StringComparer.Ordinal)])),
        ];
    }
}

/// <summary>A setting of Celery that is off.</summary>
/// <param name="Setting">Its name.</param>
/// <param name="Cost">What cannot be known for it.</param>
/// <param name="Workers">Where.</param>
public sealed record FlagFinding(string Setting, string Cost, IReadOnlyList<string> Workers);
