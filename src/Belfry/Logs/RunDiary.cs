using Microsoft.Extensions.Logging;

namespace Belfry;

/// <summary>
/// Writes what runs do into the log: tries again where it cannot, and keeps what could not be written until it can. Meanwhile the log is out of sync, and says so.
/// </summary>
sealed partial class RunDiary(IRunLogStore log, BelfryOptions options, TimeProvider clock, ILogger logger) : IAsyncDisposable
{
    const int MostKept = 200_000; // events, about 100 MB; what comes later is dropped, and counted
    const int LargestPiece = 10_000;
    static readonly TimeSpan MendPause = TimeSpan.FromSeconds(2);

    readonly Lock _lock = new();
    readonly List<TaskEvent> _unwritten = []; // bounded by MostKept; emptied by MendAsync
    readonly CancellationTokenSource _stopping = new();
    Task _mending = Task.CompletedTask;
    long _dropped;
    int _piece = LargestPiece; // of what waits so much is written at once; few after the log refused some
    bool _isMending; // changes together with Problem: a task that has just seen that nothing is left sees nothing new any more

    /// <summary>Why the log is out of sync; null when it is not.</summary>
    public string? Problem { get; private set; }

    /// <summary>Events that wait until the log can be written.</summary>
    public int Unwritten
    {
        get
        {
            lock (_lock)
            {
                return _unwritten.Count;
            }
        }
    }

    /// <summary>Writes events, sooner or later. Does not throw while errors of the log are silenced.</summary>
    /// <exception cref="RunLogException">It cannot, and errors are not silenced.</exception>
    public async Task AppendAsync(IReadOnlyList<TaskEvent> events, CancellationToken cancel)
    {
        if (!TryKeep(events) && await TryAsync(() => log.AppendAsync(events, cancel), cancel) is { } problem)
        {
            OutOfSync(problem, events);
        }
    }

    /// <summary>
    /// Starts runs. Where the log cannot be written: a process that has it alone starts them all the same and tells it later; where others start runs, too, nobody
    /// does, because nobody could know who is first.
    /// </summary>
    /// <exception cref="RunLogException">It cannot, and errors are not silenced.</exception>
    public async Task<IReadOnlyList<bool>> ClaimAsync(IReadOnlyList<RunClaim> claims, CancellationToken cancel)
    {
        IReadOnlyList<TaskEvent> starts = [.. claims.Select(claim => claim.Started)];
        if (log.IsShared || !TryKeep(starts))
        {
            IReadOnlyList<bool>? granted = null;
            if (await TryAsync(async () => granted = await log.ClaimAsync(claims, cancel), cancel) is not { } problem)
            {
                InSync();
                return granted!;
            }
            OutOfSync(problem, log.IsShared ? [] : starts);
        }
        return [.. claims.Select(_ => !log.IsShared)];
    }

    /// <summary>Writes what it can of what waits.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _mending;
        if (Unwritten > 0 && await WriteUnwrittenAsync(CancellationToken.None) is { } problem)
        {
            LogLeft(Unwritten, problem.Message);
        }
        _stopping.Dispose();
    }

    async Task<Exception?> TryAsync(Func<Task> write, CancellationToken cancel)
    {
        for (int tries = 0; ; tries++)
        {
            try
            {
                await write();
                return null;
            }
            catch (Exception problem) when (!cancel.IsCancellationRequested)
            {
                if (tries >= options.LogRetries)
                {
                    return problem;
                }
                await Task.Delay(options.LogRetryDelay, clock, cancel);
            }
        }
    }

    void OutOfSync(Exception problem, IReadOnlyList<TaskEvent> events)
    {
        if (!options.SilenceLoggingErrors)
        {
            throw new RunLogException($"the log of runs cannot be written: {problem.Message}", problem);
        }
        lock (_lock)
        {
            if (Problem is null)
            {
                LogOutOfSync(problem, log.IsShared ? "no task is started" : "tasks go on", problem.Message);
            }
            Problem = problem.Message;
            TryKeep(events);
        }
    }

    /// <summary>What could not be started was not kept: when starts can be written again, and nothing waits, all is well.</summary>
    void InSync()
    {
        lock (_lock)
        {
            if (Problem is not null && !_isMending)
            {
                LogMended(_dropped);
                (Problem, _dropped) = (null, 0);
            }
        }
    }

    /// <summary>While the log is out of sync nobody waits for it: false when it is not.</summary>
    bool TryKeep(IReadOnlyList<TaskEvent> events)
    {
        lock (_lock)
        {
            if (Problem is null)
            {
                return false;
            }
            int room = Math.Min(events.Count, MostKept - _unwritten.Count);
            _unwritten.AddRange(events.Take(room));
            _dropped += events.Count - room;
            if (_unwritten.Count > 0 && !_isMending)
            {
                (_isMending, _mending) = (true, Task.Run(MendAsync));
            }
            return true;
        }
    }

    async Task MendAsync()
    {
        while (!_stopping.IsCancellationRequested && await WriteUnwrittenAsync(_stopping.Token) is { } problem)
        {
            Problem = problem.Message;
            await Task.Delay(MendPause, clock, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>One try; null when nothing is left.</summary>
    async Task<Exception?> WriteUnwrittenAsync(CancellationToken cancel)
    {
        while (true)
        {
            TaskEvent[] events;
            lock (_lock)
            {
                events = [.. _unwritten.Take(_piece)];
                if (events.Length == 0)
                {
                    if (Problem is not null)
                    {
                        LogMended(_dropped);
                    }
                    (Problem, _dropped, _isMending) = (null, 0, false);
                    return null;
                }
            }
            if (await RefusedAsync(events, cancel) is not { } problem)
            {
                Written(events.Length);
                _piece = Math.Min(_piece * 2, LargestPiece);
                continue;
            }
            _piece = 1;
            if (events.Length > 1 || !await IsForItsOwnSakeAsync(cancel))
            {
                return problem;
            }
            LogDropped(problem, events[0].Id, events[0].Task, problem.Message);
        }
    }

    async Task<Exception?> RefusedAsync(TaskEvent[] events, CancellationToken cancel)
    {
        try
        {
            await log.AppendAsync(events, cancel);
            return null;
        }
        catch (Exception problem)
        {
            return problem;
        }
    }

    /// <summary>A log that takes the second event, but not the first, is well: the first goes, so that it does not keep all that comes after it.</summary>
    async Task<bool> IsForItsOwnSakeAsync(CancellationToken cancel)
    {
        TaskEvent[] second;
        lock (_lock)
        {
            second = [.. _unwritten.Skip(1).Take(1)];
        }
        if (second.Length == 0 || await RefusedAsync(second, cancel) is not null)
        {
            return false;
        }
        Written(2);
        lock (_lock)
        {
            _dropped++;
        }
        return true;
    }

    void Written(int events)
    {
        lock (_lock)
        {
            _unwritten.RemoveRange(0, events);
        }
    }

    [LoggerMessage(601, LogLevel.Error, "The log of runs cannot be written and is out of sync; {Meanwhile}: {Problem}")]
    partial void LogOutOfSync(Exception exception, string meanwhile, string problem);

    [LoggerMessage(602, LogLevel.Information, "The log of runs is in sync again; {Dropped} events were dropped meanwhile")]
    partial void LogMended(long dropped);

    [LoggerMessage(604, LogLevel.Error, "The log of runs refuses an event of run {RunId} of '{Task}', and others not, so it is dropped: {Problem}")]
    partial void LogDropped(Exception exception, string runId, string? task, string problem);

    [LoggerMessage(603, LogLevel.Error, "{Events} events of runs could not be written and are gone: {Problem}")]
    partial void LogLeft(int events, string problem);
}

/// <summary>The log of runs cannot be written.</summary>
public sealed class RunLogException(string message, Exception inner) : Exception(message, inner);
