using Belfry.Storage.Leases;

namespace Belfry.Storage;

/// <summary>The right to do what only one of several servers on a store may do: to read a source, to lead.</summary>
/// <remarks>
/// It is held for a few seconds and renewed each second, so another server takes over within seconds when this one dies, and at once when it
/// stops. While the store cannot be reached nobody else can take it, so whoever holds it goes on; that two hold it for a moment, after a long
/// pause of a machine, does no harm where events are stored: what was stored already says nothing new.
/// </remarks>
public sealed class Lease
{
    /// <summary>How long it is held when it is not renewed.</summary>
    public static readonly TimeSpan Term = TimeSpan.FromSeconds(6);

    static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);
    static readonly TimeSpan TimeToRelease = TimeSpan.FromSeconds(1);

    readonly ILeaseTable? _table;
    readonly TimeProvider _clock;

    internal Lease(string name, ILeaseTable? table, TimeProvider clock) => (Name, _table, _clock) = (name, table, clock);

    /// <summary>What it is about.</summary>
    public string Name { get; }

    /// <summary>Who else holds it, as last seen; null when nobody does or this process.</summary>
    public string? Other { get; private set; }

    /// <summary>Does work whenever this process holds the lease, until it is stopped; the work is cancelled when another holds it.</summary>
    /// <param name="work">The work; it ends when it is cancelled.</param>
    /// <param name="standsBy">Told each time that another is found to hold it.</param>
    /// <param name="stop">Stops it.</param>
    public async Task WhileHeldAsync(Func<CancellationToken, Task> work, Action<string> standsBy, CancellationToken stop)
    {
        if (_table is null)
        {
            await work(stop);
            return;
        }
        while (await TakenAsync(standsBy, stop))
        {
            using var tenure = CancellationTokenSource.CreateLinkedTokenSource(stop);
            Task renewing = RenewAsync(tenure);
            try
            {
                await work(tenure.Token);
            }
            finally
            {
                await tenure.CancelAsync();
                await renewing;
                await ReleaseAsync();
            }
        }
    }

    /// <summary>Waits until it is ours; false when stopped first.</summary>
    async Task<bool> TakenAsync(Action<string> standsBy, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            (bool known, string? other) = await TryAsync(stop);
            if (known && other is null)
            {
                Other = null;
                return !stop.IsCancellationRequested;
            }
            if (known && other != Other)
            {
                Other = other;
                standsBy(other!);
            }
            await Task.Delay(Pace, _clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        return false;
    }

    async Task RenewAsync(CancellationTokenSource tenure)
    {
        while (!tenure.IsCancellationRequested)
        {
            await Task.Delay(Pace, _clock, tenure.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!tenure.IsCancellationRequested && await TryAsync(tenure.Token) is (true, { }))
            {
                await tenure.CancelAsync();
            }
        }
    }

    /// <summary>Takes or renews it; tells who else has it, and whether the store said so at all.</summary>
    async Task<(bool Known, string? Other)> TryAsync(CancellationToken cancel)
    {
        try
        {
            return (true, await _table!.TryTakeAsync(Name, Term, cancel));
        }
        catch (Exception)
        {
            return (false, null); // whatever it is: who stopped asking would hold on to what another has meanwhile
        }
    }

    async Task ReleaseAsync()
    {
        using var patience = new CancellationTokenSource(TimeToRelease, _clock);
        try
        {
            await _table!.ReleaseAsync(Name, patience.Token);
        }
        catch (Exception unreachable) when (unreachable is StoreException or OperationCanceledException or ObjectDisposedException)
        {
            // then it ends by itself
        }
    }
}
