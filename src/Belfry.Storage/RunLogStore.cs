using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Belfry.Storage;

/// <summary>A run log on SQLite or PostgreSQL as tasks use it.</summary>
/// <remarks>Upon SQLite one process may start tasks by a log at a time.</remarks>
public sealed class RunLogStore : IRunLogStore
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5); // a commit takes so long only where the disk does not
    readonly RunLog _log;
    readonly bool _owns;
    readonly bool _isShared;
    readonly Lock _lock = new();
    readonly Dictionary<string, (Instant At, string Run)> _lastStarts = []; // of tasks that were claimed here: as many as there are tasks

    /// <summary>Tasks of this process and a server in it share one log.</summary>
    /// <param name="log">The log; whoever opened it closes it.</param>
    public RunLogStore(RunLog log)
        : this(log, owns: false)
    {
    }

    RunLogStore(RunLog log, bool owns)
    {
        (_log, _owns, _isShared) = (log, owns, log.IsOnServer);
        log.Feed.Published += Remember;
    }

    /// <summary>Opens a log, creating it where needed; it closes with this.</summary>
    /// <exception cref="StoreException">It cannot be opened; the message says what to do.</exception>
    public static async Task<RunLogStore> OpenAsync(StoreUrl url, RunLogOptions options, TimeProvider clock, ILoggerFactory loggers, CancellationToken cancel) =>
        new(await RunLog.OpenAsync(url, options, clock, loggers, cancel), owns: true);

    /// <inheritdoc/>
    public bool IsShared => _isShared;

    /// <summary>Adds events; while the store cannot be written it throws soon, though the log goes on trying.</summary>
    /// <exception cref="StoreException">The store cannot be written at present.</exception>
    public async Task AppendAsync(IReadOnlyList<TaskEvent> events, CancellationToken cancel)
    {
        Task written = _log.AppendAsync(events, cancel);
        while (!written.IsCompletedSuccessfully)
        {
            try
            {
                await written.WaitAsync(Patience, cancel);
            }
            catch (TimeoutException) when (IsWritten)
            {
                // much stands before it
            }
            catch (TimeoutException)
            {
                throw NotWritten();
            }
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<bool>> ClaimAsync(IReadOnlyList<RunClaim> claims, CancellationToken cancel)
    {
        if (_isShared)
        {
            return await ClaimAmongOthersAsync(claims, cancel);
        }
        bool[] granted = [.. claims.Select(Claim)];
        await AppendAsync([.. claims.Where((_, index) => granted[index]).Select(claim => claim.Started)], cancel);
        return granted;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<TaskRun> ReadAsync(RunQuery query, [EnumeratorCancellation] CancellationToken cancel)
    {
        int left = query.Limit ?? int.MaxValue;
        IAsyncEnumerable<TaskRun> found = QueryPlan.Id(query) is { } id ? ById(id, cancel) : _log.Queries.StreamAsync(QueryPlan.Filter(query), cancel);
        if (query.OldestFirst)
        {
            found = Reversed(found, query, cancel); // pages of the log go back in time only
        }
        await foreach (TaskRun run in found.WithCancellation(cancel))
        {
            if (query.Matches(run) && left-- > 0)
            {
                yield return run;
            }
            if (left <= 0)
            {
                yield break;
            }
        }
    }

    /// <inheritdoc/>
    public async Task<long> CountAsync(RunQuery query, CancellationToken cancel)
    {
        long count = 0;
        await foreach (TaskRun run in ReadAsync(query with { Limit = null, OldestFirst = false }, cancel))
        {
            count++;
        }
        return count;
    }

    /// <inheritdoc/>
    public async Task<TaskRun?> LastAsync(string task, RunAction action, CancellationToken cancel) =>
        (await _log.Queries.LastRunsAsync([task], cancel)).Where(run => run.When(action) is not null).MaxBy(run => run.When(action));

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, TaskHistory>> HistoriesAsync(IReadOnlyDictionary<string, Instant> since, CancellationToken cancel) =>
        TaskHistories.ReadAsync(_log.Queries, since, Instant.Now(_log.Clock), cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<TaskRun>> DeadAsync(string source, CancellationToken cancel) => _log.DeadRunsAsync(source, cancel);

    /// <inheritdoc/>
    public IDisposable Watch(Action<LogChange> told)
    {
        void Tell(IReadOnlyList<RunChange> changes)
        {
            foreach (RunChange change in changes)
            {
                told(new LogChange(change.Gap ? null : change.Run, change.Gap ? null : change.Gone));
            }
        }
        _log.Feed.Published += Tell;
        return new Watching(() => _log.Feed.Published -= Tell);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _log.Feed.Published -= Remember;
        return _owns ? _log.DisposeAsync() : ValueTask.CompletedTask;
    }

    /// <summary>The log writes, however much waits: its thread comes round, and no write failed.</summary>
    bool IsWritten => _log.Problem is null && Instant.Now(_log.Clock) - _log.LastTurn < Patience;

    async Task<IReadOnlyList<bool>> ClaimAmongOthersAsync(IReadOnlyList<RunClaim> claims, CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                return await _log.StartAsync(claims, Patience, cancel);
            }
            catch (TimeoutException) when (IsWritten)
            {
                // much stands before them
            }
            catch (TimeoutException)
            {
                throw NotWritten();
            }
        }
    }

    StoreException NotWritten() => new(_log.Problem ?? $"not written within {Patience.TotalSeconds:0} s");

    bool Claim(RunClaim claim)
    {
        lock (_lock)
        {
            string task = claim.Started.Task ?? "";
            // One that is claimed again, because nobody heard that it was written, is the same start.
            bool granted = claim.IsByHand || !_lastStarts.TryGetValue(task, out (Instant At, string Run) known) || known.At == claim.LastStart || known == (claim.Started.At, claim.Started.Id);
            if (granted)
            {
                _lastStarts[task] = (claim.Started.At, claim.Started.Id);
            }
            return granted;
        }
    }

    /// <summary>What others start counts as well, once it is known here.</summary>
    void Remember(IReadOnlyList<RunChange> changes)
    {
        lock (_lock)
        {
            foreach (TaskRun run in changes.Select(change => change.Run).OfType<TaskRun>())
            {
                if (run.Started is { } started && run.Task is { } task && _lastStarts.TryGetValue(task, out (Instant At, string) known) && started > known.At)
                {
                    _lastStarts[task] = (started, run.Id);
                }
            }
        }
    }

    async IAsyncEnumerable<TaskRun> ById(string id, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (TaskRun run in (await _log.Queries.FindAsync(id, null, cancel)).OrderByDescending(run => run.At))
        {
            yield return run;
        }
    }

    static async IAsyncEnumerable<TaskRun> Reversed(IAsyncEnumerable<TaskRun> newestFirst, RunQuery query, [EnumeratorCancellation] CancellationToken cancel)
    {
        var runs = new List<TaskRun>();
        await foreach (TaskRun run in newestFirst.WithCancellation(cancel))
        {
            if (query.Matches(run))
            {
                runs.Add(run);
            }
        }
        for (int i = runs.Count - 1; i >= 0; i--)
        {
            yield return runs[i];
        }
    }

    sealed class Watching(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
