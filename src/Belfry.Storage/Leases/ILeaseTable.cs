namespace Belfry.Storage.Leases;

/// <summary>Where leases stand, on an engine that several servers may share.</summary>
interface ILeaseTable
{
    /// <summary>Takes or renews a lease of this process; null when it has it now, else who does.</summary>
    /// <exception cref="StoreException">The store cannot be reached.</exception>
    Task<string?> TryTakeAsync(string name, TimeSpan term, CancellationToken cancel);

    /// <summary>Gives it back.</summary>
    /// <exception cref="StoreException">The store cannot be reached.</exception>
    Task ReleaseAsync(string name, CancellationToken cancel);
}
