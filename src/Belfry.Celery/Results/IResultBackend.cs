namespace Belfry.Celery.Results;

/// <summary>Where the workers of a cluster leave what became of runs.</summary>
public interface IResultBackend
{
    /// <summary>Reads the records of runs, by id. A run of which nothing is kept is left out: it waits, is unknown, or its result was not wanted.</summary>
    /// <exception cref="IOException">The backend cannot be reached.</exception>
    Task<IReadOnlyDictionary<string, ResultRecord>> ReadAsync(IReadOnlyCollection<string> ids, CancellationToken cancel);

    /// <summary>Waits until a run has ended, and gives its record; after <paramref name="timeout"/> what is known by then, null when that is nothing.</summary>
    /// <exception cref="IOException">The backend cannot be reached.</exception>
    Task<ResultRecord?> WaitAsync(string id, TimeSpan timeout, CancellationToken cancel);

    /// <summary>The ids of the runs of a group, in their order; none when the group was not saved, or the backend keeps none.</summary>
    /// <exception cref="IOException">The backend cannot be reached.</exception>
    Task<IReadOnlyList<string>> MembersAsync(string group, CancellationToken cancel);

    /// <summary>The queue that a call must name for its result to come here; null where results are kept for everybody.</summary>
    /// <exception cref="IOException">The backend cannot be reached.</exception>
    Task<string?> ReplyToAsync(CancellationToken cancel);
}
