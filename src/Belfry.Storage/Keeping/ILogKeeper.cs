using Belfry.Storage.Writing;

namespace Belfry.Storage.Keeping;

/// <summary>Housekeeping of an engine; what writes does so on the log's writing thread, between two groups.</summary>
interface ILogKeeper
{
    /// <summary>Deletes what a policy lets go, in pieces that hold up the log for less than 100 ms each.</summary>
    Task<RetentionResult> RetainAsync(RetentionPolicy policy, Instant now, Chores writing, CancellationToken cancel);
}
