namespace Belfry;

/// <summary>The past runs of a task, as conditions see them. A value: adding a run makes another.</summary>
/// <remarks>
/// It holds what it is given. A condition looks at the last start, the last end of each kind and what runs now, which <see cref="Since"/>
/// keeps for ever; only <c>has …</c> counts further back.
/// </remarks>
public sealed class TaskHistory
{
    readonly PastRun[] _runs;
    readonly Instant _latest;
    Standing? _standing, _again;

    TaskHistory(PastRun[] runs)
    {
        _runs = runs;
        foreach (PastRun run in runs)
        {
            _latest = Instant.Max(_latest, Instant.Max(run.Started ?? default, run.Ended ?? default));
        }
    }

    /// <summary>No run ever.</summary>
    public static TaskHistory None { get; } = new([]);

    /// <summary>By start, then by attempt.</summary>
    internal ReadOnlySpan<PastRun> Runs => _runs;

    /// <summary>The history of these rows of the log, in any order. Those that never began and have not ended are passed over.</summary>
    public static TaskHistory Of(IEnumerable<TaskRun> runs) => new(InOrder(runs.Select(PastRun.Of)));

    /// <summary>With one row more, or with a newer state of it.</summary>
    public TaskHistory With(TaskRun run) => With(PastRun.Of(run));

    /// <summary>Without runs that ended before an instant, save those that the next start may depend on: the last by start, and by each kind of end.</summary>
    public TaskHistory Since(Instant before)
    {
        var kept = new HashSet<(string, string)>();
        foreach (RunAction action in Enum.GetValues<RunAction>())
        {
            Instant? last = Last(action);
            kept.UnionWith(_runs.Where(run => run.At(action) is { } at && at == last).Select(run => run.Key));
        }
        foreach (Standing standing in new[] { Standing(CrashPolicy.Wait), Standing(CrashPolicy.RunAgain) })
        {
            kept.UnionWith(_runs.Where(run => run == standing.Last || (run.Started is { } start && start == standing.LastRun)).Select(run => run.Key));
        }
        PastRun[] runs = [.. _runs.Where(run => run.IsOpen || run.Ended >= before || kept.Contains(run.Key))];
        return runs.Length == _runs.Length ? this : new TaskHistory(runs);
    }

    /// <summary>It has that very state of that run.</summary>
    internal bool Knows(PastRun run) => Array.IndexOf(_runs, run) >= 0;

    /// <summary>It does not have that run yet, or not its end.</summary>
    internal bool IsOlder(PastRun run)
    {
        int known = Array.FindIndex(_runs, other => other.Key == run.Key && other.Attempt == run.Attempt);
        return known < 0 || (_runs[known].Ended is null && run.Ended is not null);
    }

    /// <summary>A later attempt of that run has begun.</summary>
    internal bool HasFollowed(PastRun run) => Array.Exists(_runs, other => other.Key == run.Key && other.Attempt > run.Attempt);

    /// <summary>Without a run that never was.</summary>
    internal TaskHistory Without(PastRun run) => new([.. _runs.Where(other => other.Key != run.Key || other.Attempt != run.Attempt)]);

    internal TaskHistory With(PastRun run)
    {
        int known = Array.FindIndex(_runs, other => other.Key == run.Key && other.Attempt == run.Attempt);
        IEnumerable<PastRun> others = known < 0 ? _runs : _runs.Where((_, index) => index != known);
        return new TaskHistory(InOrder(others.Append(run)));
    }

    /// <summary>As it was at an instant.</summary>
    internal TaskHistory AsOf(Instant now) => _latest <= now
        ? this
        : new TaskHistory(InOrder(_runs.Select(run => run.AsOf(now))));

    /// <summary>What rules about the next start see. Computed once for each policy.</summary>
    internal Standing Standing(CrashPolicy crash) => crash == CrashPolicy.Wait
        ? _standing ??= Belfry.Standing.Of(_runs, false)
        : _again ??= Belfry.Standing.Of(_runs, true);

    /// <summary>The last start or end that is called so.</summary>
    internal Instant? Last(RunAction action)
    {
        Instant? last = null;
        foreach (PastRun run in _runs)
        {
            last = run.At(action) is { } at && !(at <= last) ? at : last;
        }
        return last;
    }

    static PastRun[] InOrder(IEnumerable<PastRun> runs) => [.. runs.Where(run => run.Exists).OrderBy(run => run.From).ThenBy(run => run.Attempt)];
}
