namespace Belfry;

/// <summary>A run at work.</summary>
sealed class Work(ScheduledTask task, RunOrder order, Instant started, Instant? lastStart) : IDisposable
{
    readonly Lock _lock = new();
    TaskEvent? _progress, _context; // what it reported and nobody has taken yet: the latest stands for all

    /// <summary>Its task.</summary>
    public ScheduledTask Task { get; } = task;

    /// <summary>As its task was registered when it started.</summary>
    public TaskDefinition Definition { get; } = task.Definition;

    /// <summary>What was ordered.</summary>
    public RunOrder Order { get; } = order;

    /// <summary>When it started.</summary>
    public Instant Started { get; } = started;

    /// <summary>The last start upon which it was decided.</summary>
    public Instant? LastStart { get; } = lastStart;

    /// <summary>No condition decided it: it need not be claimed.</summary>
    public bool IsByHand { get; init; }

    /// <summary>Why it was told to stop; null while it was not.</summary>
    public string? StopReason { get; set; }

    /// <summary>Cancelled when it is told to stop.</summary>
    public CancellationTokenSource Stop { get; } = new();

    /// <summary>It takes up room for a process.</summary>
    public bool IsProcess => Definition.Options.Execution == Execution.Process;

    /// <summary>Its run in the log.</summary>
    public PastRun Run => new((Order.Source, Order.Id), Order.Attempt, Started, null, RunState.Running, false);

    /// <summary>It reports something; true when somebody should come and take it.</summary>
    public bool Report(TaskEvent item)
    {
        lock (_lock)
        {
            bool first = _progress is null && _context is null;
            if (item.Kind == EventKind.Progress)
            {
                _progress = item with { Percent = item.Percent ?? _progress?.Percent, Text = item.Text ?? _progress?.Text };
            }
            else
            {
                _context = item;
            }
            return first;
        }
    }

    /// <summary>What it reported since this was last asked.</summary>
    public IEnumerable<TaskEvent> TakeReports()
    {
        lock (_lock)
        {
            TaskEvent?[] taken = [_progress, _context];
            (_progress, _context) = (null, null);
            return taken.OfType<TaskEvent>();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Stop.Dispose();
}
