namespace Belfry;

/// <summary>
/// How many workers something is kept of, by their names: these are input from outside, and new with every container. Beyond so many the tenth that was heard
/// longest ago is forgotten: to look for one each time would be work.
/// </summary>
public static class WorkerNames
{
    /// <summary>Of so many something is kept.</summary>
    public const int Most = 20_000;

    /// <summary>The tenth that was heard longest ago; one at least.</summary>
    /// <param name="workers">What is kept, by name.</param>
    /// <param name="heard">When one was heard last, by whatever counts.</param>
    public static IReadOnlyList<KeyValuePair<TName, T>> Oldest<TName, T, TWhen>(IReadOnlyDictionary<TName, T> workers, Func<T, TWhen> heard) =>
        [.. workers.OrderBy(worker => heard(worker.Value)).Take((workers.Count / 10) + 1)];

    /// <summary>Makes room for one more, when there is none.</summary>
    /// <param name="workers">What is kept, by name.</param>
    /// <param name="heard">When one was heard last, by whatever counts.</param>
    public static void MakeRoom<TName, T, TWhen>(Dictionary<TName, T> workers, Func<T, TWhen> heard)
        where TName : notnull
    {
        foreach ((TName worker, _) in workers.Count < Most ? [] : Oldest(workers, heard))
        {
            workers.Remove(worker);
        }
    }
}
