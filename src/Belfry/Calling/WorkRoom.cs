namespace Belfry;

/// <summary>What a worker can take: so many calls in all, of some queues no more than their limit, and only of tasks that it knows.</summary>
/// <param name="worker">The worker's name, as the log shows it.</param>
/// <param name="size">Calls at a time.</param>
/// <param name="limits">Of these queues so many at a time; null for no limits.</param>
/// <param name="knows">The tasks that it can execute; null for all.</param>
/// <remarks>Safe for several threads: the queue lets calls in, the worker lets them out.</remarks>
public sealed class WorkRoom(string worker, int size, IReadOnlyDictionary<string, int>? limits = null, Func<string, bool>? knows = null)
{
    readonly Lock _lock = new();
    readonly Dictionary<string, int> _inQueue = []; // calls at work of the queues with a limit; as many as those
    IReadOnlyDictionary<string, int> _elsewhere = new Dictionary<string, int>();
    int _free = size, _lessons;

    /// <summary>The worker's name.</summary>
    public string Worker => worker;

    /// <summary>How many more calls it takes now, whatever their queues.</summary>
    public int Free => Volatile.Read(ref _free);

    /// <summary>How often it has learned tasks.</summary>
    public int Lessons => Volatile.Read(ref _lessons);

    /// <summary>It knows other tasks from now on: calls that nobody could execute are looked at again.</summary>
    public void Learn() => Interlocked.Increment(ref _lessons);

    /// <summary>The queues with a limit.</summary>
    public IEnumerable<string> Limited => limits?.Keys ?? [];

    /// <summary>So many calls of these queues are at work in other processes on the same store: they count for the limit, until somebody counts anew.</summary>
    public void CountElsewhere(IReadOnlyDictionary<string, int> calls)
    {
        lock (_lock)
        {
            _elsewhere = calls;
        }
    }

    /// <summary>It can execute this task.</summary>
    public bool Knows(string task) => knows is null || knows(task);

    /// <summary>How many more calls of a queue it takes now.</summary>
    public int FreeIn(string queue)
    {
        if (limits is null || !limits.TryGetValue(queue, out int limit))
        {
            return Free;
        }
        lock (_lock)
        {
            return Math.Min(_free, limit - AtWork(queue));
        }
    }

    /// <summary>Lets a call in; false when there is no room for one of its queue.</summary>
    public bool TryEnter(string queue)
    {
        lock (_lock)
        {
            if (_free == 0 || (Limit(queue) is { } limit && AtWork(queue) >= limit))
            {
                return false;
            }
            Count(queue, 1);
            return true;
        }
    }

    /// <summary>Lets a call out.</summary>
    public void Leave(string queue)
    {
        lock (_lock)
        {
            Count(queue, -1);
        }
    }

    void Count(string queue, int calls)
    {
        _free -= calls;
        if (Limit(queue) is not null)
        {
            _inQueue[queue] = _inQueue.GetValueOrDefault(queue) + calls;
        }
    }

    int AtWork(string queue) => _inQueue.GetValueOrDefault(queue) + _elsewhere.GetValueOrDefault(queue);

    int? Limit(string queue) => limits is not null && limits.TryGetValue(queue, out int limit) ? limit : null;
}
