namespace Belfry;

/// <summary>Waits for ends of runs: one watch on the log for all who wait.</summary>
sealed class CallWaits(IRunLogStore log) : IDisposable
{
    readonly Lock _lock = new();
    readonly Dictionary<string, List<TaskCompletionSource<TaskRun?>>> _waiting = []; // by id; those who wait take themselves out
    IDisposable? _watch;

    /// <summary>The run's last attempt, once it has ended.</summary>
    public async Task<TaskRun> EndAsync(string id, CancellationToken cancel)
    {
        bool isKnown = false;
        while (true)
        {
            var told = new TaskCompletionSource<TaskRun?>(TaskCreationOptions.RunContinuationsAsynchronously);
            Add(id, told); // first, so that nothing is missed between the look and the wait
            try
            {
                if (await LookAsync(id, cancel) is { } run)
                {
                    isKnown = true;
                    if (IsOver(run))
                    {
                        return run;
                    }
                }
                else if (!isKnown)
                {
                    throw new ArgumentException($"the log knows no run {id}", nameof(id));
                }
                if (await told.Task.WaitAsync(cancel) is { } ended)
                {
                    return ended;
                }
            }
            finally
            {
                Remove(id, told);
            }
        }
    }

    public void Dispose() => _watch?.Dispose();

    async Task<TaskRun?> LookAsync(string id, CancellationToken cancel) =>
        (await log.ListAsync(RunQuery.Where(RunFields.Id == id), cancel)).MaxBy(run => run.Attempt);

    /// <summary>Nothing more is expected: no other attempt follows.</summary>
    static bool IsOver(TaskRun run) => run.State.IsFinal() && run.State != RunState.Retried && !(run.State == RunState.Lost && run.Reason == CallEvents.WorkerGone);

    void Add(string id, TaskCompletionSource<TaskRun?> told)
    {
        lock (_lock)
        {
            _watch ??= log.Watch(Tell);
            if (!_waiting.TryGetValue(id, out List<TaskCompletionSource<TaskRun?>>? all))
            {
                _waiting.Add(id, all = []);
            }
            all.Add(told);
        }
    }

    void Remove(string id, TaskCompletionSource<TaskRun?> told)
    {
        lock (_lock)
        {
            if (_waiting.TryGetValue(id, out List<TaskCompletionSource<TaskRun?>>? all) && all.Remove(told) && all.Count == 0)
            {
                _waiting.Remove(id);
            }
        }
    }

    /// <summary>A run changed; where changes were missed, all who wait look again.</summary>
    void Tell(LogChange change)
    {
        if (change.Run is { } run && (!IsOver(run) || _waiting.Count == 0))
        {
            return;
        }
        lock (_lock)
        {
            if (change.Run is { } ended)
            {
                if (_waiting.TryGetValue(ended.Id, out List<TaskCompletionSource<TaskRun?>>? all))
                {
                    // One that ended well is the last. Another may be followed by the next attempt, which the log has by the time it is asked.
                    all.ForEach(told => told.TrySetResult(ended.State == RunState.Completed ? ended : null));
                }
            }
            else if (change.IsGap)
            {
                foreach (List<TaskCompletionSource<TaskRun?>> all in _waiting.Values)
                {
                    all.ForEach(told => told.TrySetResult(null));
                }
            }
        }
    }
}
