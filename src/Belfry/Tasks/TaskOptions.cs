namespace Belfry;

/// <summary>How a task is run. Those of a group or of <see cref="BelfryOptions.Defaults"/> are the starting point for each of its tasks.</summary>
public sealed record TaskOptions
{
    /// <summary>Where it runs; <see cref="Execution.Async"/> by default.</summary>
    public Execution Execution { get; set; } = Execution.Async;

    /// <summary>It has a thread of its own, because it computes or blocks for long. Off by default; only for <see cref="Execution.Async"/>.</summary>
    public bool LongRunning { get; set; }

    /// <summary>After how long a run is ended; 30 minutes by default, <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> for never.</summary>
    /// <remarks>It then stands as Cancelled with the reason <c>timeout</c>, whatever the body does later.</remarks>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>A run at work is ended when this holds; never by default.</summary>
    public Condition? End { get; set; }

    /// <summary>Of the tasks that are due at one instant, those with a higher priority start first; 0 by default.</summary>
    public int Priority { get; set; }

    /// <summary>What happens when it is due while a run of it is at work; <see cref="OverlapPolicy.Skip"/> by default.</summary>
    public OverlapPolicy Overlap { get; set; } = OverlapPolicy.Skip;

    /// <summary>How long after the beginning of its minute a <c>cron</c> may still start; a minute by default.</summary>
    public TimeSpan Misfire { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>A day, hour … that had begun before the process started, or the task was registered, may still be used. On by default.</summary>
    public bool CatchUp { get; set; } = true;

    /// <summary>What a run that was lost in a crash means for the next start; it is run again by default.</summary>
    public CrashPolicy Crash { get; set; } = CrashPolicy.RunAgain;

    /// <summary>A lost run may be retried by <c>retry</c>. Off by default.</summary>
    public bool RetryLost { get; set; }

    /// <summary>A start is put off by a random time up to this; none by default.</summary>
    public TimeSpan Jitter { get; set; }

    /// <summary>It runs once when the scheduler starts, in each process; if its condition is not <c>never</c>, only if that holds. Off by default.</summary>
    public bool OnStartup { get; set; }

    /// <summary>It runs once when the scheduler stops; if its condition is not <c>never</c>, only if that holds. Off by default.</summary>
    public bool OnShutdown { get; set; }

    /// <summary>It is meant to run for ever: no timeout, and it is ended when the scheduler stops. Off by default.</summary>
    public bool Permanent { get; set; }

    /// <summary>It is registered, but its condition starts nothing until it is enabled; calling it still works. Off by default.</summary>
    public bool Disabled { get; set; }

    /// <summary>The queue into which calls of it go; <c>default</c> by default.</summary>
    public string Queue { get; set; } = "default";

    /// <summary>The zone of its condition; that of <see cref="BelfryOptions.TimeZone"/> by default.</summary>
    public TimeZoneInfo? TimeZone { get; set; }

    /// <summary>What it does, for people; empty by default.</summary>
    public string Description { get; set; } = "";

    /// <summary>Values for parameters of its handler, by their names; none by default.</summary>
    public Dictionary<string, object?> Parameters { get; init; } = [];

    /// <summary>What can never work in them.</summary>
    internal IEnumerable<string> Problems()
    {
        if (Timeout <= TimeSpan.Zero && Timeout != System.Threading.Timeout.InfiniteTimeSpan)
        {
            yield return "its timeout must be above zero, or System.Threading.Timeout.InfiniteTimeSpan for never";
        }
        if (Misfire <= TimeSpan.Zero || Jitter < TimeSpan.Zero)
        {
            yield return "its misfire must be above zero, and its jitter not below";
        }
        if (Permanent && Execution == Execution.Inline)
        {
            yield return "it is permanent and inline: the scheduler would wait for it for ever";
        }
        if (string.IsNullOrWhiteSpace(Queue))
        {
            yield return "its queue has no name";
        }
    }

    /// <summary>Options of their own, equal to these.</summary>
    internal TaskOptions Copy() => this with { Parameters = new(Parameters) };
}

/// <summary>Where a run is executed.</summary>
public enum Execution
{
    /// <summary>On the thread pool, beside others.</summary>
    Async = 0,

    /// <summary>On the scheduler's own loop, which waits for it: for what takes no time.</summary>
    Inline = 1,

    /// <summary>In a process of its own: the program is started again for it. It can be killed, and a crash of it harms nobody.</summary>
    Process = 2,
}

/// <summary>What happens when a task is due while a run of it is at work.</summary>
public enum OverlapPolicy
{
    /// <summary>Nothing: it does not start.</summary>
    Skip = 0,

    /// <summary>It starts when the run at work has ended.</summary>
    Queue = 1,

    /// <summary>It starts beside it.</summary>
    Allow = 2,

    /// <summary>The run at work is ended, then it starts.</summary>
    Replace = 3,
}
