namespace Belfry;

/// <summary>A call that waits, or is at work.</summary>
/// <remarks>Kept small: a queue may have a million.</remarks>
public sealed class WaitingCall
{
    /// <summary>Its queue.</summary>
    public required string Queue { get; init; }

    /// <summary>Its task.</summary>
    public required string Task { get; init; }

    /// <summary>Its number in the order of arrival.</summary>
    public required long Number { get; init; }

    /// <summary>The higher goes first.</summary>
    public int Priority { get; init; }

    /// <summary>From when on it may start.</summary>
    public Instant Due { get; init; }

    /// <summary>The attempt that is next, or at work.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>How many processes have died of it, as far as that is known here.</summary>
    public int Deaths { get; init; }

    /// <summary>The call itself; null while it is not in memory.</summary>
    public QueuedCall? Call { get; set; }

    /// <summary>A worker has it.</summary>
    public bool IsClaimed { get; set; }

    /// <summary>It waits no longer; the next who comes across it forgets it.</summary>
    public bool IsGone { get; set; }
}

/// <summary>All calls that wait, in the order in which they start: what an engine of <see cref="IWorkQueue"/> in one process decides by.</summary>
/// <remarks>Not safe for several threads.</remarks>
public sealed class WaitingCalls
{
    readonly Dictionary<string, OfQueue> _queues = []; // as many as there are names of queues
    readonly PriorityQueue<WaitingCall, Instant> _later = new(); // not due yet; Wake empties it
    readonly List<WaitingCall> _strangers = []; // of tasks that the last who asked did not know; Welcome empties it
    (WorkRoom? Room, int Lessons) _last;

    /// <summary>When the next one becomes due; null when all are.</summary>
    public Instant? NextDue => _later.TryPeek(out _, out Instant due) ? due : null;

    /// <summary>Adds a call.</summary>
    public void Add(WaitingCall call, Instant now)
    {
        if (call.Due > now)
        {
            _later.Enqueue(call, call.Due);
        }
        else
        {
            Of(call.Queue).Add(call);
        }
    }

    /// <summary>Takes the next call that may start; null when there is none, or no room for it. It has entered the room.</summary>
    public WaitingCall? Take(WorkRoom room, Instant now)
    {
        Welcome(room, now);
        Wake(now);
        while (room.Free > 0 && Best(room) is { } queue)
        {
            WaitingCall call = queue.Take();
            if (!room.Knows(call.Task))
            {
                _strangers.Add(call);
            }
            else if (room.TryEnter(call.Queue))
            {
                return call;
            }
        }
        return null;
    }

    /// <summary>Looks again at calls of tasks that were not known, when another asks, or one who has learned some.</summary>
    void Welcome(WorkRoom room, Instant now)
    {
        if (_last == (room, room.Lessons))
        {
            return;
        }
        _last = (room, room.Lessons);
        WaitingCall[] strangers = [.. _strangers];
        _strangers.Clear();
        foreach (WaitingCall call in strangers)
        {
            if (!call.IsGone)
            {
                Add(call, now);
            }
        }
    }

    void Wake(Instant now)
    {
        while (_later.TryPeek(out WaitingCall? call, out Instant due) && due <= now)
        {
            _later.Dequeue();
            if (!call.IsGone)
            {
                Of(call.Queue).Add(call);
            }
        }
    }

    /// <summary>The queue with room whose first call goes before those of the others.</summary>
    OfQueue? Best(WorkRoom room)
    {
        OfQueue? best = null;
        foreach (OfQueue queue in _queues.Values)
        {
            if (queue.TryPeek(out Rank rank) && room.FreeIn(queue.Name) > 0 && (best is null || (best.TryPeek(out Rank first) && ByRank.Order.Compare(rank, first) < 0)))
            {
                best = queue;
            }
        }
        return best;
    }

    OfQueue Of(string name)
    {
        if (!_queues.TryGetValue(name, out OfQueue? queue))
        {
            _queues.Add(name, queue = new OfQueue(name));
        }
        return queue;
    }

    /// <summary>What decides which goes first.</summary>
    readonly record struct Rank(int Priority, Instant Due, long Number);

    /// <summary>The higher priority, the earlier due, the earlier come.</summary>
    sealed class ByRank : IComparer<Rank>
    {
        public static readonly ByRank Order = new();

        public int Compare(Rank x, Rank y)
        {
            int order = y.Priority.CompareTo(x.Priority);
            order = order != 0 ? order : x.Due.CompareTo(y.Due);
            return order != 0 ? order : x.Number.CompareTo(y.Number);
        }
    }

    /// <summary>The calls of one queue that are due.</summary>
    sealed class OfQueue(string name)
    {
        readonly PriorityQueue<WaitingCall, Rank> _calls = new(ByRank.Order);

        public string Name => name;

        public void Add(WaitingCall call) => _calls.Enqueue(call, new Rank(call.Priority, call.Due, call.Number));

        public WaitingCall Take() => _calls.Dequeue();

        /// <summary>The rank of the first that still waits.</summary>
        public bool TryPeek(out Rank rank)
        {
            while (_calls.TryPeek(out WaitingCall? call, out rank))
            {
                if (!call.IsGone)
                {
                    return true;
                }
                _calls.Dequeue();
            }
            return false;
        }
    }
}
