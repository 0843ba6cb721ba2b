using Belfry.Storage;

namespace Belfry.Server.Access;

/// <summary>
/// Accounts and tokens as the store has them, at hand for every request: once a second it is asked whether they changed, so a command
/// beside the server works at once.
/// </summary>
sealed class AccountBook(AccessStore store, TimeProvider clock) : IDisposable
{
    static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    readonly SemaphoreSlim _turn = new(1); // one asks, the others go on with what is known
    volatile AccessList? _known;
    long _asked;

    /// <summary>All accounts and tokens.</summary>
    /// <exception cref="StoreException">The store cannot be read, and never could.</exception>
    public async ValueTask<AccessList> ReadAsync(CancellationToken cancel)
    {
        AccessList? known = _known;
        if (known is not null && (IsFresh || !await _turn.WaitAsync(TimeSpan.Zero, cancel)))
        {
            return known;
        }
        if (known is null)
        {
            await _turn.WaitAsync(cancel);
        }
        try
        {
            return _known is { } now && IsFresh ? now : await AskAsync(cancel);
        }
        catch (StoreException) when (known is not null)
        {
            // What is known stays true until the store can be read again; what is asked of it will say so.
            Interlocked.Exchange(ref _asked, clock.GetTimestamp());
            return known;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Something was changed here: the next request must see it.</summary>
    public void Forget() => Interlocked.Exchange(ref _asked, 0);

    public void Dispose() => _turn.Dispose();

    bool IsFresh => Interlocked.Read(ref _asked) is not 0 and var asked && clock.GetElapsedTime(asked) < Fresh;

    async Task<AccessList> AskAsync(CancellationToken cancel)
    {
        long asked = clock.GetTimestamp();
        AccessList list = _known is { } known && await store.NumberAsync(cancel) == known.Number ? known : await store.ListAsync(cancel);
        _known = list;
        Interlocked.Exchange(ref _asked, asked);
        return list;
    }
}
