using System.Collections.Concurrent;
using Belfry.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Access;

/// <summary>
/// Takes down what happens beside changes: who logged in, who was refused, which tokens were used. A request never waits for it, and a
/// flood of refusals becomes one row a minute for each who was refused.
/// </summary>
sealed partial class AuditTrail(AccessStore store, AccessSettings settings, RunLog log, TimeProvider clock, ILogger<AuditTrail> logger) : BackgroundService
{
    const int MostEntries = 10_000, MostRefused = 1000;
    static readonly TimeSpan Turn = TimeSpan.FromSeconds(1), Sum = TimeSpan.FromMinutes(1), Clear = TimeSpan.FromHours(1), Patience = TimeSpan.FromSeconds(10);

    readonly SemaphoreSlim _turn = new(1); // who writes what is there waits for what another has in hand
    readonly Lock _lock = new();
    readonly List<AuditEntry> _entries = [];                                                             // bounded; emptied each second
    readonly Dictionary<(string What, string About, string Address), (Instant First, int Times)> _refused = []; // bounded; emptied each minute
    readonly ConcurrentDictionary<string, Instant> _used = [];                                           // by the tokens' hashes; emptied each minute

    /// <summary>Something happened.</summary>
    public void Tell(Actor actor, string what, string about = "", string detail = "") => Add(new AuditEntry(Instant.Now(clock), actor, what, about, detail));

    /// <summary>Somebody was refused.</summary>
    /// <param name="what">What they tried.</param>
    /// <param name="about">Which user, if there is one of that name: people type passwords where the name belongs.</param>
    /// <param name="address">From where.</param>
    public void Refused(string what, string about, string address)
    {
        lock (_lock)
        {
            (string, string, string) key = _refused.Count < MostRefused || _refused.ContainsKey((what, about, address)) ? (what, about, address) : (what, "", "others");
            _refused[key] = _refused.TryGetValue(key, out (Instant First, int Times) known) ? (known.First, known.Times + 1) : (Instant.Now(clock), 1);
        }
    }

    /// <summary>A token was used.</summary>
    public void Used(string hash, Instant at) => _used[hash] = at;

    /// <summary>Writes what was taken down.</summary>
    /// <param name="all">Also what is otherwise summed up for a minute.</param>
    /// <param name="cancel">Stops it; what was taken down stays for the next time.</param>
    public async Task WriteAsync(bool all, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            (List<AuditEntry> entries, Dictionary<string, Instant> used) = Take(all);
            if (entries.Count > 0 || used.Count > 0)
            {
                await WriteAsync(entries, used, cancel);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _turn.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Turn, clock);
        long summed = clock.GetTimestamp(), cleared = 0;
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                bool sum = clock.GetElapsedTime(summed) >= Sum;
                summed = sum ? clock.GetTimestamp() : summed;
                await WriteAsync(sum, stoppingToken);
                if (cleared == 0 || clock.GetElapsedTime(cleared) >= Clear)
                {
                    cleared = clock.GetTimestamp();
                    await ForgetAsync(stoppingToken);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // the server stops; what is left is written below
        }
        await WriteAsync(all: true, CancellationToken.None);
    }

    async Task WriteAsync(List<AuditEntry> entries, Dictionary<string, Instant> used, CancellationToken cancel)
    {
        // Given up with its time, lest it is written all the same when the store comes back, and once more by the next turn.
        using var late = new CancellationTokenSource(Patience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, late.Token);
        try
        {
            await store.WriteAsync(entries, used, either.Token);
        }
        catch (Exception refused) when (refused is StoreException or OperationCanceledException or ObjectDisposedException)
        {
            LogNotWritten(entries.Count, late.IsCancellationRequested ? $"nothing was written within {Patience.TotalSeconds:0} s" : refused.Message);
            entries.ForEach(Add);
        }
    }

    async Task ForgetAsync(CancellationToken cancel)
    {
        try
        {
            if (await store.ForgetAuditAsync(Instant.Now(clock) - settings.AuditAge, cancel) is > 0 and var rows)
            {
                LogForgot(rows);
            }
        }
        catch (Exception refused) when (refused is StoreException or ObjectDisposedException)
        {
            LogNotWritten(0, refused.Message);
        }
    }

    (List<AuditEntry> Entries, Dictionary<string, Instant> Used) Take(bool all)
    {
        var used = new Dictionary<string, Instant>();
        lock (_lock)
        {
            List<AuditEntry> entries = [.. _entries];
            _entries.Clear();
            if (all)
            {
                entries.AddRange(_refused.Select(pair => new AuditEntry(
                    pair.Value.First, new Actor("", "", pair.Key.Address), pair.Key.What, pair.Key.About, pair.Value.Times == 1 ? "once" : $"{pair.Value.Times} times within a minute")));
                _refused.Clear();
                foreach (string hash in _used.Keys)
                {
                    if (_used.TryRemove(hash, out Instant at))
                    {
                        used[hash] = at;
                    }
                }
            }
            return (entries, used);
        }
    }

    void Add(AuditEntry entry)
    {
        lock (_lock)
        {
            if (_entries.Count < MostEntries)
            {
                _entries.Add(entry);
                return;
            }
        }
        log.Refuse(Visitors.Source, "rows of the audit that could not be written");
    }

    [LoggerMessage(521, LogLevel.Warning, "{Rows} rows of the audit wait, it cannot be written: {Problem}")]
    partial void LogNotWritten(int rows, string problem);

    [LoggerMessage(522, LogLevel.Information, "{Rows} rows of the audit were old and are gone")]
    partial void LogForgot(int rows);
}
