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

    /// <summary>What stands for the option of a worker that is not in its settings.</summary>
    internal static readonly FlagOff Mute = new("-E", "takes tasks and sends no events of them: its runs are unknown, or known from other evidence only");

    readonly MuteWorkers _mute = new();
    IReadOnlyList<FlagFinding> _told = [];
    Instant _next = new(long.MinValue);

    /// <summary>What is off: as the stream shows it, and as workers say, each with those concerned; of what they say nothing before one answered.</summary>
    public IReadOnlyList<FlagFinding> Off => _mute.Names is { Count: > 0 } mute ? [new FlagFinding(Mute.Setting, Mute.Cost, mute), .. Volatile.Read(ref _told)] : Volatile.Read(ref _told);

    /// <summary>Hears what the stream brought, in the order of its arrival.</summary>
    /// <param name="events">It.</param>
    /// <param name="broken">Something may be missing before it.</param>
    internal void Hear(IReadOnlyList<TaskEvent> events, bool broken) => _mute.Hear(events, broken);

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
        Volatile.Write(ref _told, found ?? _told);
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
