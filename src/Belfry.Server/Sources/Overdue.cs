namespace Belfry.Server.Sources;

/// <summary>From when on an open run is overdue. The section <c>Overdue</c> of the settings.</summary>
public sealed class OverdueSettings
{
    /// <summary>A run that is queued or running and of which nothing was heard for so long is stuck; 30 min by default.</summary>
    public TimeSpan StuckAfter { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>A run that runs for so long is long; 6 h by default.</summary>
    public TimeSpan LongAfter { get; set; } = TimeSpan.FromHours(6);

    /// <summary>What is wrong with the values, each with its key.</summary>
    public IEnumerable<(string Key, string Problem)> Problems() =>
        from limit in new[] { (Key: nameof(StuckAfter), At: StuckAfter), (Key: nameof(LongAfter), At: LongAfter) }
        where limit.At <= TimeSpan.Zero
        select ($"Overdue:{limit.Key}", "must be longer than nothing, e.g. 30m");
}

/// <summary>Which open runs are overdue: pure decisions. A run may be both.</summary>
public static class Overdue
{
    /// <summary>Nothing was heard of it for long.</summary>
    public const string Stuck = "stuck";

    /// <summary>It runs for long, no matter on which day it began.</summary>
    public const string Long = "long";

    /// <summary>What is overdue with a run; nothing mostly.</summary>
    public static IEnumerable<string> Of(TaskRun run, OverdueSettings limits, Instant now)
    {
        // A run that waits for its time is not stuck.
        if (run.State is RunState.Queued or RunState.Running && now - Instant.Max(run.Updated, run.Eta ?? run.Updated) >= limits.StuckAfter)
        {
            yield return Stuck;
        }
        if (run is { State: RunState.Running, Started: { } started } && now - started >= limits.LongAfter)
        {
            yield return Long;
        }
    }

    /// <summary>The search for runs that are overdue so; null for a word that is none.</summary>
    public static string? Search(string kind, OverdueSettings limits, Instant now) => kind switch
    {
        Stuck => $"state:queued,running updated<={now - limits.StuckAfter} -eta>{now - limits.StuckAfter}",
        Long => $"state:running started<={now - limits.LongAfter}",
        _ => null,
    };
}
