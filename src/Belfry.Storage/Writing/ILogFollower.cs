namespace Belfry.Storage.Writing;

/// <summary>An engine whose store other processes may write as well.</summary>
interface ILogFollower
{
    /// <summary>What others changed since this was last asked, in order; a gap where that cannot be told. Asked by the log's writing thread.</summary>
    /// <exception cref="StoreException">The store cannot be read; what was missed is told later.</exception>
    IReadOnlyList<RunChange> Others();
}
