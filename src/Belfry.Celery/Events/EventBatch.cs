using RabbitMQ.Client;

namespace Belfry.Celery.Events;

/// <summary>What the stream gave at one go: events, what had to be refused, and what was missed before them.</summary>
/// <param name="expected">About how many events it will have.</param>
public sealed class EventBatch(int expected = 0)
{
    // Names of unknown things are unbounded input: beyond this many they are counted together.
    const int RefusalsToldApart = 200;

    readonly Dictionary<string, long> _refused = [];
    readonly List<TaskEvent> _events = new(expected);

    /// <summary>The events, in the order of their arrival.</summary>
    public IReadOnlyList<TaskEvent> Events => _events;

    /// <summary>What was refused, unknown or cut, with how often.</summary>
    public IReadOnlyDictionary<string, long> Refused => _refused;

    /// <summary>What was missed before the first of the events; null when nothing was.</summary>
    public StreamGap? Gap { get; internal set; }

    /// <summary>Why the broker has not kept what was sent before the stream began; null when it has. On the first batch of a stream.</summary>
    public string? MissedBefore { get; internal set; }

    /// <summary>The stream stands without a break since this instant; set on the first batch after each (re)connection or gap.</summary>
    public Instant? UnbrokenSince { get; internal set; }

    /// <summary>Everything that had arrived until then has been read.</summary>
    public Instant ReadUntil { get; internal set; }

    /// <summary>When the first of its messages came.</summary>
    internal Instant? Begun { get; set; }

    /// <summary>Where its messages are acknowledged; null where they need not be.</summary>
    internal IChannel? Channel { get; set; }

    /// <summary>The last of them there.</summary>
    internal ulong LastTag { get; set; }

    internal void Add(TaskEvent happened) => _events.Add(happened);

    internal void Refuse(string what, long times = 1)
    {
        if (_refused.Count >= RefusalsToldApart && !_refused.ContainsKey(what))
        {
            what = "other things";
        }
        _refused[what] = _refused.GetValueOrDefault(what) + times;
    }
}

/// <summary>A stretch in which events were lost, or may have been.</summary>
/// <param name="From">Begin: 5 s before the last event, as sent, that was read before it.</param>
/// <param name="To">When the stream stood again.</param>
/// <param name="Reason">Why, in a few words.</param>
public sealed record StreamGap(Instant From, Instant To, string Reason);
