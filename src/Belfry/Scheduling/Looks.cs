namespace Belfry;

/// <summary>Which tasks are to be looked at: those of which something happened with the next turn, others when their instants come.</summary>
sealed class Looks
{
    readonly InstantHeap _heap = new();
    readonly List<ScheduledTask> _dirty = []; // each once; emptied by Take

    /// <summary>Something happened since the last turn.</summary>
    public bool AreDue => _dirty.Count > 0;

    /// <summary>The earliest instant of the others; null when none has one.</summary>
    public Instant? Earliest => _heap.Earliest;

    /// <summary>Something happened that a task's conditions may ask about.</summary>
    public void Mark(ScheduledTask task)
    {
        if (!task.IsDirty)
        {
            task.IsDirty = true;
            _dirty.Add(task);
        }
    }

    /// <summary>When a task is to be looked at again; null when not before something happens.</summary>
    public void Set(ScheduledTask task, Instant? at) => _heap.Set(task, at);

    /// <summary>A task went.</summary>
    public void Remove(ScheduledTask task) => _heap.Remove(task);

    /// <summary>Takes all that are to be looked at now, by priority.</summary>
    public List<ScheduledTask> Take(Instant now)
    {
        var due = new List<ScheduledTask>(_dirty);
        _dirty.Clear();
        while (_heap.TryTake(now, out ScheduledTask task))
        {
            if (!task.IsDirty)
            {
                due.Add(task);
            }
        }
        due.ForEach(task => task.IsDirty = false);
        return due.Exists(task => task.Definition.Options.Priority != 0) ? [.. due.OrderByDescending(task => task.Definition.Options.Priority)] : due;
    }
}
