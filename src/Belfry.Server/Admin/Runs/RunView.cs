using Belfry.Server.Sources;
using Belfry.Server.Sources.Queues;
using Belfry.Storage;

namespace Belfry.Server.Admin;

/// <summary>All that the page of a run shows.</summary>
/// <param name="Frame">Where the page stands.</param>
/// <param name="Attempts">All attempts, oldest first.</param>
/// <param name="Run">The attempt shown.</param>
/// <param name="Relatives">Runs that called it, that it called, and that were called together with it.</param>
public sealed record RunView(PageFrame Frame, IReadOnlyList<TaskRun> Attempts, TaskRun Run, RunFamily Relatives)
{
    /// <summary>The children shown, and members of its group; a run can call thousands.</summary>
    public const int MostChildren = 50;

    /// <summary>How many messages waited in its queue when it came, as measured nearest to that; null when nobody knows.</summary>
    public long? QueueLength { get; init; }

    /// <summary>The last attempt.</summary>
    public TaskRun Newest => Attempts[^1];

    /// <summary>Seconds from the beginning of the first attempt to the end of the last, or to now.</summary>
    public double Total
    {
        get
        {
            Instant begin = Attempts.Select(run => Instant.Min(run.First, run.Submitted ?? run.First)).MinBy(at => at.Micros);
            Instant end = Newest.Finished ?? (Newest.State.IsFinal() ? Newest.Updated : Instant.Max(Frame.Clock.Now, Newest.Updated));
            return Math.Max(0, (end - begin).TotalSeconds);
        }
    }

    /// <summary>Seconds that the attempt has run: as measured, or so far.</summary>
    public double? Ran => Run.Runtime ?? (Run is { State: RunState.Running, Started: { } start } ? Math.Max(0, (Frame.Clock.Now - start).TotalSeconds) : null);

    /// <summary>Reads a run; null when the log does not know it, several sources when it is not clear which.</summary>
    internal static async Task<(RunView? View, IReadOnlyList<TaskRun> Choices)> ReadAsync(
        RunQueries queries, Families families, PageFrame frame, string id, string? source, int? attempt, CancellationToken cancel)
    {
        IReadOnlyList<TaskRun> found = await queries.FindAsync(id, source, cancel);
        TaskRun[] newest = [.. found.GroupBy(run => run.Source, StringComparer.Ordinal).Select(runs => runs.MaxBy(run => run.Attempt)!)];
        if (newest.Length != 1)
        {
            return (null, newest);
        }
        TaskRun[] attempts = [.. found.OrderBy(run => run.Attempt)];
        TaskRun run = attempts.FirstOrDefault(run => run.Attempt == attempt) ?? attempts[^1];
        RunFamily relatives = await families.OfAsync(attempts[^1], MostChildren, cancel);
        return (new RunView(frame, attempts, run, relatives) { QueueLength = await QueueLengths.AtAsync(queries, run, cancel) }, []);
    }
}
