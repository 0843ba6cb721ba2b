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

    /// <summary>What is kept of a group or chord; Celery saves the members of a group only where the application asks for it.</summary>
    /// <exception cref="IOException">The backend cannot be reached.</exception>
    Task<GroupRecord> GroupAsync(string group, CancellationToken cancel);

    /// <summary>The queue that a call must name for its result to come here; null where results are kept for everybody.</summary>
    /// <exception cref="IOException">The backend cannot be reached.</exception>
    Task<string?> ReplyToAsync(CancellationToken cancel);
}

/// <summary>What a result backend keeps of a group.</summary>
/// <param name="Members">The ids of its runs, in their order; none when the group was not saved.</param>
/// <param name="Size">How many they are; null when nobody knows.</param>
public sealed record GroupRecord(IReadOnlyList<string> Members, int? Size)
{
    /// <summary>Nothing is kept.</summary>
    public static GroupRecord None { get; } = new([], null);

    /// <summary>All of its runs are told.</summary>
    internal static GroupRecord Of(IReadOnlyList<string> members) => members.Count == 0 ? None : new GroupRecord(members, members.Count);
}
