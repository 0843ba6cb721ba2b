using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry;

/// <summary>Executes what was called, as long as the host runs: claims calls as there is room for them, runs them, tells their ends.</summary>
/// <remarks>
/// It stops claiming when the host stops, and waits for what is at work as long as the host lets it. What has not ended by then is told to end; it runs again,
/// as the next attempt, when the next process claims.
/// </remarks>
sealed partial class QueueWorker : BackgroundService
{
    /// <summary>A run that takes longer is shown as running; one that does not is written once, at its end.</summary>
    static readonly TimeSpan Shown = TimeSpan.FromMilliseconds(250);

    const int RoundsOfALook = 4; // each second

    static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Why a run was told to end that has not done what it was called for.</summary>
    const string ProcessEnds = "process ends";

    readonly IWorkQueue _queue;
    readonly TaskRegistry _tasks;
    readonly TaskRunner _runner;
    readonly IRunLogStore _log;
    readonly RunningCalls _running;
    readonly CallRetries _retries;
    readonly ITaskBook? _book;
    readonly TimeProvider _clock;
    readonly ILogger _logger;
    readonly WorkRoom _room;
    readonly BelfryOptions _options;
    readonly Channel<bool> _began = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    readonly Channel<TaskEvent> _reports = Channel.CreateBounded<TaskEvent>(new BoundedChannelOptions(10_000) { FullMode = BoundedChannelFullMode.DropOldest });
    readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly Action<TaskEvent> _report;
    readonly CancellationTokenSource _drained = new();
    Task _lastEnd = Task.CompletedTask, _reporting = Task.CompletedTask, _showing = Task.CompletedTask;
    volatile bool _stopping;

    public QueueWorker(
        IWorkQueue queue, TaskRegistry tasks, TaskRunner runner, IRunLogStore log, RunningCalls running, CallRetries retries, BelfryOptions options, TimeProvider clock, ILoggerFactory loggers,
        ITaskBook? book)
    {
        (_queue, _tasks, _runner, _log, _running, _retries, _options, _clock, _book) = (queue, tasks, runner, log, running, retries, options, clock, book);
        _logger = loggers.CreateLogger("Belfry.Queue");
        _room = new WorkRoom(options.ProcessName, options.CallsAtOnce, options.QueueLimits, task => tasks.Find(task) is not null);
        _report = told => _reports.Writer.TryWrite(told);
        _tasks.Changed += _ => _room.Learn();
    }

    /// <inheritdoc/>
    public override Task StopAsync(CancellationToken cancellationToken) => Apart.RunAsync(async () =>
    {
        await base.StopAsync(CancellationToken.None); // claims no more
        _stopping = true;
        if (_options.Shutdown == ShutdownPolicy.End)
        {
            _running.StopAll(ProcessEnds);
        }
        await using (cancellationToken.Register(() => _running.StopAll(ProcessEnds)))
        {
            await (_running.Count == 0 ? Task.CompletedTask : _empty.Task);
        }
        await _drained.CancelAsync();
        await _showing;
        _reports.Writer.TryComplete();
        await _reporting;
        await _lastEnd; // ends are written in order: those before it are, too
    });

    /// <inheritdoc/>
    public override void Dispose()
    {
        _drained.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        _reporting = Task.Run(WriteReportsAsync, CancellationToken.None);
        _showing = Task.Run(() => ShowAsync(_drained.Token), CancellationToken.None);
        return Task.Run(() => ClaimAsync(stoppingToken), CancellationToken.None);
    }

    async Task ClaimAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                IReadOnlyList<ClaimedCall> calls = await _queue.ClaimAsync(_room, stop);
                if (stop.IsCancellationRequested)
                {
                    await GiveBackAsync(calls);
                    return;
                }
                await BeginAsync(calls);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (Exception refused)
            {
                LogCannotClaim(refused, refused.Message);
                await Task.Delay(Pause, _clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    Task BeginAsync(IReadOnlyList<ClaimedCall> calls)
    {
        List<ClaimedCall>? unknown = null;
        for (int i = 0; i < calls.Count; i++)
        {
            if (_tasks.Find(calls[i].Call.Task) is { } task)
            {
                var call = new RunningCall(calls[i], Instant.Now(_clock));
                _running.Add(call);
                _ = RunAsync(task, call); // StopAsync waits for it, and it disposes of the call
            }
            else
            {
                (unknown ??= []).Add(calls[i]); // removed a moment ago
            }
        }
        _began.Writer.TryWrite(true);
        return unknown is null ? Task.CompletedTask : GiveBackAsync(unknown);
    }

    async Task RunAsync(TaskDefinition task, RunningCall running)
    {
        QueuedCall call = running.Claimed.Call;
        var order = new RunOrder
        {
            Source = CallEvents.Source, Id = call.Id, Attempt = running.Claimed.Attempt, Args = call.Args, Kwargs = call.Kwargs, Parent = call.Parent, Root = call.Root, Queue = call.Queue,
        };
        RunOutcome outcome = await _runner.RunAsync(task, order, _report, running.Token);
        if (outcome.Released.IsCompleted)
        {
            _room.Leave(call.Queue);
        }
        if (running.Reason != ProcessEnds || outcome.Kind != EventKind.Cancelled)
        {
            _lastEnd = EndAsync(running, EndOf(task, running, outcome));
        }
        _running.Remove(running);
        running.Dispose();
        if (_stopping && _running.Count == 0)
        {
            _empty.TrySetResult();
        }
        if (!outcome.Released.IsCompleted)
        {
            await outcome.Released; // a body that does not let go holds its place, but not up the end of the process
            _room.Leave(call.Queue);
            await GiveBackAsync([]); // what waited for the place is looked at
        }
    }

    /// <summary>Tells the end of a run; nobody waits for that but the end of the process.</summary>
    async Task EndAsync(RunningCall running, CallEnd end)
    {
        try
        {
            await _queue.EndAsync(running.Claimed, end);
        }
        catch (Exception refused)
        {
            LogNotEnded(refused, running.Claimed.Call.Id, running.Claimed.Call.Task, refused.Message);
        }
    }

    CallEnd EndOf(TaskDefinition task, RunningCall running, RunOutcome outcome)
    {
        Instant now = Instant.Now(_clock);
        Instant? retry = RetryAt(task, running, outcome, now);
        return new CallEnd(retry is not null && outcome.Kind == EventKind.Failed ? EventKind.Retried : outcome.Kind, running.Started, now)
        {
            Result = outcome.Result, Exception = outcome.Exception, Traceback = outcome.Traceback, RetryAt = retry,
            Reason = outcome.Kind == EventKind.Cancelled ? running.Reason ?? outcome.Reason : outcome.Reason,
        };
    }

    Instant? RetryAt(TaskDefinition task, RunningCall running, RunOutcome outcome, Instant now)
    {
        try
        {
            return _retries.After(task, running.Claimed, outcome, running.Started, now);
        }
        catch (Exception broken)
        {
            LogNotRetried(broken, running.Claimed.Call.Id, task.Name, broken.Message);
            return null;
        }
    }

    async Task GiveBackAsync(IReadOnlyList<ClaimedCall> calls)
    {
        foreach (ClaimedCall call in calls)
        {
            _room.Leave(call.Call.Queue);
        }
        await _queue.ReleaseAsync(calls);
    }

    /// <summary>Tells the log of runs that take a while, and ends those that somebody revoked in another process. It sleeps as long as nothing runs.</summary>
    async Task ShowAsync(CancellationToken stop)
    {
        try
        {
            while (await _began.Reader.WaitToReadAsync(stop) && _began.Reader.TryRead(out _))
            {
                for (int round = 1; _running.Count > 0; round++)
                {
                    await Task.Delay(Shown, _clock, stop);
                    await ShowSlowAsync(Instant.Now(_clock) - Shown, stop);
                    if (round % RoundsOfALook == 0)
                    {
                        await StopRevokedAsync(stop);
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // it stops
        }
    }

    async Task StopRevokedAsync(CancellationToken stop)
    {
        try
        {
            foreach ((string run, string reason) in _book is null ? new Dictionary<string, string>() : await _book.StopsAsync(stop))
            {
                _running.Stop(run, reason);
            }
        }
        catch (Exception unread) when (unread is not OperationCanceledException)
        {
            LogNotLooked(unread, unread.Message);
        }
    }

    async Task ShowSlowAsync(Instant before, CancellationToken stop)
    {
        foreach (RunningCall call in _running.All)
        {
            if (!call.IsShown && call.Started <= before)
            {
                call.IsShown = true;
                try
                {
                    await _queue.BeginAsync(call.Claimed, call.Started, stop);
                }
                catch (Exception refused) when (refused is not OperationCanceledException)
                {
                    LogNotShown(refused, call.Claimed.Call.Id, refused.Message);
                }
            }
        }
    }

    /// <summary>Progress and context, as bodies report them.</summary>
    async Task WriteReportsAsync()
    {
        while (await _reports.Reader.WaitToReadAsync())
        {
            var events = new List<TaskEvent>();
            while (_reports.Reader.TryRead(out TaskEvent? told))
            {
                events.Add(told);
            }
            try
            {
                await _log.AppendAsync(events, CancellationToken.None);
            }
            catch (Exception refused)
            {
                LogReportsLost(refused, events.Count, refused.Message);
            }
        }
    }

    [LoggerMessage(541, LogLevel.Error, "Calls cannot be claimed: {Problem}")]
    partial void LogCannotClaim(Exception exception, string problem);

    [LoggerMessage(542, LogLevel.Error, "The end of run {RunId} of '{Task}' cannot be logged; it is run again when this process has ended: {Problem}")]
    partial void LogNotEnded(Exception exception, string runId, string task, string problem);

    [LoggerMessage(543, LogLevel.Warning, "That run {RunId} is at work cannot be logged: {Problem}")]
    partial void LogNotShown(Exception exception, string runId, string problem);

    [LoggerMessage(545, LogLevel.Warning, "Which runs others revoked cannot be read: {Problem}")]
    partial void LogNotLooked(Exception exception, string problem);

    [LoggerMessage(546, LogLevel.Error, "Whether run {RunId} of '{Task}' is to be retried cannot be asked, so it is not: {Problem}")]
    partial void LogNotRetried(Exception exception, string runId, string task, string problem);

    [LoggerMessage(544, LogLevel.Warning, "{Reports} reports of progress are lost: {Problem}")]
    partial void LogReportsLost(Exception exception, int reports, string problem);
}
