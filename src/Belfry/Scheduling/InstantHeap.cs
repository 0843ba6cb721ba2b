namespace Belfry;

/// <summary>Tasks by the instant at which each is to be looked at again; each stands in it once, or not at all.</summary>
/// <remarks>A heap in which every task knows its place: 100,000 tasks cost their references, and one that changes its mind leaves nothing behind.</remarks>
sealed class InstantHeap
{
    readonly List<ScheduledTask> _tasks = [];

    /// <summary>The earliest instant; null when nobody waits for one.</summary>
    public Instant? Earliest => _tasks.Count == 0 ? null : _tasks[0].Wake;

    /// <summary>Has a task looked at at an instant, whatever was said before; null for never.</summary>
    public void Set(ScheduledTask task, Instant? at)
    {
        if (at is not { } wake)
        {
            Remove(task);
            return;
        }
        task.Wake = wake;
        if (task.Place < 0)
        {
            task.Place = _tasks.Count;
            _tasks.Add(task);
        }
        Up(task.Place);
        Down(task.Place);
    }

    /// <summary>Takes one whose instant has come.</summary>
    public bool TryTake(Instant now, out ScheduledTask task)
    {
        task = null!;
        if (_tasks.Count == 0 || _tasks[0].Wake > now)
        {
            return false;
        }
        task = _tasks[0];
        Remove(task);
        return true;
    }

    /// <summary>Takes a task out.</summary>
    public void Remove(ScheduledTask task)
    {
        int place = task.Place;
        if (place < 0)
        {
            return;
        }
        ScheduledTask last = _tasks[^1];
        _tasks.RemoveAt(_tasks.Count - 1);
        task.Place = -1;
        if (!ReferenceEquals(last, task))
        {
            Put(last, place);
            Up(place);
            Down(last.Place);
        }
    }

    void Up(int place)
    {
        ScheduledTask task = _tasks[place];
        while (place > 0 && _tasks[(place - 1) / 2].Wake > task.Wake)
        {
            Put(_tasks[(place - 1) / 2], place);
            place = (place - 1) / 2;
        }
        Put(task, place);
    }

    void Down(int place)
    {
        ScheduledTask task = _tasks[place];
        while ((2 * place) + 1 is var child && child < _tasks.Count)
        {
            child += child + 1 < _tasks.Count && _tasks[child + 1].Wake < _tasks[child].Wake ? 1 : 0;
            if (_tasks[child].Wake >= task.Wake)
            {
                break;
            }
            Put(_tasks[child], place);
            place = child;
        }
        Put(task, place);
    }

    void Put(ScheduledTask task, int place)
    {
        _tasks[place] = task;
        task.Place = place;
    }
}
