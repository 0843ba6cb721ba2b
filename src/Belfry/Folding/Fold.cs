namespace Belfry;

/// <summary>
/// The pure function from the events of one (source, id) to its rows, one per attempt. Order of arrival and duplicates do not matter;
/// clock skew matters only between deliveries to different hosts.
/// </summary>
public static class Fold
{
    /// <summary>Only the newest attempts of an id can change; an event for an older one is not folded.</summary>
    public const int AttemptsKept = 16;

    /// <summary>Of one attempt so many facts of a kind count: the latest, of <c>submitted</c> and <c>succeeded</c> the earliest.</summary>
    public const int FactsKept = 16;

    /// <summary>The rows of one id, by attempt.</summary>
    /// <param name="events">Events of one source and id, in any order; those about workers are passed over.</param>
    public static IReadOnlyList<TaskRun> Rows(IEnumerable<TaskEvent> events)
    {
        Life? life = null;
        foreach (TaskEvent item in events)
        {
            if (!item.Kind.IsAboutWorker())
            {
                (life ??= new Life(item.Source, item.Id)).Add(item);
            }
        }
        return life is null ? [] : [.. life.Fold().Select(row => row.Run)];
    }
}

/// <summary>A row and the facts that it stands for.</summary>
/// <param name="Run">The row.</param>
/// <param name="Facts">Its facts, in the order in which they count; progress and context are with the newest attempt.</param>
public readonly record struct FoldedRun(TaskRun Run, IReadOnlyList<TaskEvent> Facts);
