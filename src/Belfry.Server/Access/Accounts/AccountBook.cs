using Belfry.Storage;

namespace Belfry.Server.Access;

/// <summary>
/// Accounts and tokens as the store has them, at hand for every request: once a second it is asked whether they changed, so a command
/// beside the server works at once.
/// </summary>
sealed class AccountBook(AccessStore store, TimeProvider clock) : IDisposable
{
    static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    readonly SemaphoreSlim _turn = new(1);
    volatile AccessList? _known;
    long _asked;
    int _changes, _seen; // made here, and how many of them what is known has

    /// <summary>All accounts and tokens.</summary>
    /// <exception cref="StoreException">The store cannot be read, and never could.</exception>
    public async ValueTask<AccessList> ReadAsync(CancellationToken cancel)
    {
        AccessList? known = _known;
        bool hasAll = known is not null && HasAll;
        // One asks, the others go on with what is known; but a change that was made here nobody passes over.
        if (hasAll && (IsFresh || !await _turn.WaitAsync(TimeSpan.Zero, cancel)))
        {
            return known!;
        }
        if (!hasAll)
        {
            await _turn.WaitAsync(cancel);
        }
        int changes = Volatile.Read(ref _changes);
        try
        {
            return _known is { } now && HasAll && IsFresh ? now : await AskAsync(changes, cancel);
        }
        catch (StoreException) when (known is not null)
        {
            // What is known stays true until the store can be read again; what is asked of it will say so.
            return Keep(known, clock.GetTimestamp(), changes);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Something was changed here: the next request must see it.</summary>
    public void Forget() => Interlocked.Increment(ref _changes);

    public void Dispose() => _turn.Dispose();

    bool HasAll => Volatile.Read(ref _seen) == Volatile.Read(ref _changes);

    bool IsFresh => clock.GetElapsedTime(Interlocked.Read(ref _asked)) < Fresh;

    async Task<AccessList> AskAsync(int changes, CancellationToken cancel)
    {
        long asked = clock.GetTimestamp();
        return Keep(_known is { } known && await store.NumberAsync(cancel) == known.Number ? known : await store.ListAsync(cancel), asked, changes);
    }

    AccessList Keep(AccessList list, long asked, int changes)
    {
        _known = list;
        Interlocked.Exchange(ref _asked, asked);
        Volatile.Write(ref _seen, changes);
        return list;
    }
}
