using Belfry.Storage.Writing;

namespace Belfry.Storage.Keeping;

/// <summary>Housekeeping of an engine; what writes does so on the log's writing thread, between two groups.</summary>
interface ILogKeeper
{
    /// <summary>Deletes what a policy lets go, in pieces that hold up the log for less than 100 ms each.</summary>
    Task<RetentionResult> RetainAsync(RetentionPolicy policy, Instant now, Chores writing, CancellationToken cancel);

    /// <summary>Deletes these ended runs, as far as they are still there, and lowers the figures by them. Late events of theirs are known as such for as long as the policy would have kept them.</summary>
    /// <returns>Those that were deleted, piece by piece, each after its commit.</returns>
    IAsyncEnumerable<IReadOnlyList<TaskRun>> DeleteAsync(IReadOnlyList<TaskRun> runs, RetentionPolicy policy, Instant now, Chores writing, CancellationToken cancel);
}
