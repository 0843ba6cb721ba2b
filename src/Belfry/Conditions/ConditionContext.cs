namespace Belfry;

/// <summary>What a condition is asked about, and all that it may know.</summary>
public sealed record ConditionContext
{
    /// <summary>The instant asked about. Runs later than it do not exist.</summary>
    public required Instant Now { get; init; }

    /// <summary>The zone of days, weeks, clock times and cron. Default: UTC.</summary>
    public TimeZoneInfo Zone { get; init; } = TimeZoneInfo.Utc;

    /// <summary>The past runs of the task whose condition it is. Default: none.</summary>
    public TaskHistory Own { get; init; } = TaskHistory.None;

    /// <summary>The past runs of a task by its name, the own one included. Default: none of any.</summary>
    public Func<string, TaskHistory> Tasks { get; init; } = _ => TaskHistory.None;

    /// <summary>When the scheduler started; null when there is none at work.</summary>
    public Instant? SchedulerStarted { get; init; }

    /// <summary>When the task was first registered; null where unknown.</summary>
    public Instant? Registered { get; init; }

    /// <summary>How long after the beginning of its minute a <c>cron</c> may still start; never beyond its next match. Default: one minute.</summary>
    public TimeSpan Misfire { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// A day, hour … that had begun before the scheduler started, or before the task was first registered, may still be used. Default: yes.
    /// </summary>
    public bool CatchUp { get; init; } = true;

    /// <summary>What a run that was lost means for the next start. Default: it is run again, once.</summary>
    public CrashPolicy Crash { get; init; } = CrashPolicy.RunAgain;

    /// <summary>A lost run may be retried by <c>retry</c>. Default: no.</summary>
    public bool RetryLost { get; init; }

    /// <summary>A termination and a lost run release what waits for <c>after task … finished</c>, too. Default: yes.</summary>
    public bool AfterFinishAnyEnd { get; init; } = true;

    /// <summary>Asks a <c>When</c>. Default: calls its function, if that is known and needs no arguments.</summary>
    public Func<WhenCondition, bool> Ask { get; init; } = when => when.Test is Func<bool> test
        ? test()
        : throw new InvalidOperationException($"the function '{when.Name}' is not known here, or needs arguments that nobody fills in");

    /// <summary>The name of the environment, as the host has it (<c>Production</c> …), for <c>env</c>.</summary>
    public string? Environment { get; init; }

    /// <summary>The value of a parameter, for <c>param</c>; null where there is none. Default: none.</summary>
    public Func<string, string?> Parameter { get; init; } = _ => null;

    /// <summary>The own runs that exist at <see cref="Now"/>.</summary>
    internal TaskHistory Mine => Own.AsOf(Now);

    /// <summary>The own runs as rules about the next start see them: without lost ones that are to be run again.</summary>
    internal Standing Standing => Mine.Standing(Crash);

    internal ZoneOffsets Offsets => ZoneOffsets.Of(Zone);

    /// <summary>The runs of a task that exist at <see cref="Now"/>; those of the own one for null.</summary>
    internal TaskHistory RunsOf(string? task) => task is null ? Mine : Tasks(task).AsOf(Now);

    /// <summary>An instant for people: <c>2025-06-03 09:15:00 +02:00</c> by the clock of the zone.</summary>
    internal string Show(Instant at) => Clock.Show(at.Micros, Offsets.At(at).Offset);
}

/// <summary>What a lost run means for the next start of its task.</summary>
public enum CrashPolicy
{
    /// <summary>It is as if it had never started, once per run: the task starts again.</summary>
    RunAgain = 0,

    /// <summary>It counts as any other: the task waits for its next turn.</summary>
    Wait = 1,
}
