namespace Belfry;

/// <summary>How many runs have a process of their own, and which tasks wait until there is room for another.</summary>
sealed class ProcessRoom(BelfryOptions options)
{
    readonly PriorityQueue<ScheduledTask, (int Priority, long Turn)> _waiting = new(); // each once; emptied as processes end
    ScheduledTask? _next; // whose turn it is
    long _turns;
    int _processes;

    /// <summary>A run begins.</summary>
    public void Enter(Work work) => _processes += work.IsProcess ? 1 : 0;

    /// <summary>A run has let go.</summary>
    public void Leave(Work work) => _processes -= work.IsProcess ? 1 : 0;

    /// <summary>A run of a task may begin; without room, or where others wait for it already, the task waits for its turn.</summary>
    public bool Has(ScheduledTask task)
    {
        bool isItsTurn = ReferenceEquals(task, _next) || _waiting.Count == 0;
        bool has = task.Definition.Options.Execution != Execution.Process || (isItsTurn && _processes < options.MaxProcesses);
        if (!has && !task.Note().WaitsForRoom)
        {
            task.Note().WaitsForRoom = true;
            _waiting.Enqueue(task, (-task.Definition.Options.Priority, _turns++));
        }
        return has;
    }

    /// <summary>Takes the task whose turn it is, until the next is taken; null when nobody waits, or there is no room.</summary>
    public ScheduledTask? Take()
    {
        _next = _processes < options.MaxProcesses && _waiting.TryDequeue(out ScheduledTask? waiting, out _) ? waiting : null;
        if (_next is not null)
        {
            _next.Now!.WaitsForRoom = false;
        }
        return _next;
    }
}
