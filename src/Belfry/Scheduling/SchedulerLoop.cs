using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Belfry;

/// <summary>
/// One life of the scheduler, from a start to a stop: does what the agenda says, and tells it what happens. All that it knows is touched by one loop, to which
/// everybody else posts what he has to say; between two things that happen it sleeps.
/// </summary>
sealed partial class SchedulerLoop : IAsyncDisposable
{
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    readonly SchedulerParts _parts;
    readonly ILogger _logger;
    readonly Agenda _agenda;
    readonly RunDiary _diary;
    readonly Channel<Action> _mail = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true }); // for each run at work a few, and what the ears let through
    readonly Alarm _alarm;
    readonly RunStarter _starter;
    readonly ShutDownCondition _shutDown;
    readonly Booking _booking;
    readonly Roster _roster;
    readonly List<TaskEvent> _events = []; // what happened in this turn; emptied by its end
    readonly List<Task> _writing = []; // emptied as they complete
    readonly bool[] _held = new bool[3]; // by whom: a Holder
    readonly HashSet<string> _first = []; // runs for which the first turn waits; emptied by their ends
    volatile Phase _phase;
    Exception? _failure;
    int _atWork;

    public SchedulerLoop(SchedulerParts parts)
    {
        (_parts, _logger) = (parts, parts.Logger);
        _diary = new RunDiary(parts.Log, parts.Options, parts.Clock, parts.Logger);
        _agenda = new Agenda(parts.Options, Random.Shared.NextDouble, parts.NewId) { Surroundings = parts.Surroundings.Of, IsShared = parts.Log.IsShared };
        _alarm = new Alarm(parts.Clock, () => Post(static () => { }));
        _starter = new RunStarter(parts, _diary, this);
        _shutDown = new ShutDownCondition(parts, this);
        _booking = new Booking(parts, this);
        _roster = new Roster(parts, _agenda);
    }

    /// <summary>Who holds all conditions up.</summary>
    enum Holder
    {
        People,
        Book,
        Phase,
    }

    enum Phase
    {
        Beginning,
        Working,
        Stopping,
    }

    /// <summary>The book of tasks.</summary>
    public Booking Booking => _booking;

    /// <summary>The tasks that it looks after.</summary>
    public Roster Roster => _roster;

    /// <summary>Why the log is out of sync; null when it is not.</summary>
    public string? LogProblem => _diary.Problem;

    /// <summary>It has begun, and has not begun to stop.</summary>
    public bool IsWorking => _phase == Phase.Working;

    Instant Now => Instant.Now(_parts.Clock);

    /// <summary>Works until it is shut down.</summary>
    /// <exception cref="Exception">Something failed that the options do not silence.</exception>
    public async Task RunAsync()
    {
        using var ears = new SchedulerEars(_parts, this); // first listen, then read: what happens in between is heard
        await using var deaths = DeathWatch.Begin(_parts, _diary, Unheard);
        try
        {
            await BeginAsync(ears);
            _writing.Add(_booking.FollowAsync());
            while (_phase != Phase.Stopping || _atWork > 0)
            {
                await TurnSafelyAsync();
            }
            if (_failure is not null)
            {
                throw _failure;
            }
            LogStopped(_agenda.Histories.Tasks.Count);
        }
        finally
        {
            _mail.Writer.TryComplete();
            AnswerTheRest();
        }
    }

    /// <summary>Has something done by the loop; false when it is over.</summary>
    public bool Post(Action what) => _mail.Writer.TryWrite(what);

    /// <summary>Asks the agenda, or changes it.</summary>
    /// <exception cref="InvalidOperationException">The scheduler is not at work.</exception>
    public Task<T> AskAsync<T>(Func<Agenda, T> ask)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Answer()
        {
            try
            {
                answer.SetResult(ask(_agenda));
            }
            catch (Exception refused)
            {
                answer.SetException(refused);
            }
        }
        return Post(Answer) ? answer.Task : Task.FromException<T>(NotAtWork());
    }

    /// <summary>What whoever asks nobody is told.</summary>
    public static InvalidOperationException NotAtWork() => new("the scheduler is not at work");

    /// <summary>Whoever asked while it came to its end is answered still; nothing is started or stopped any more.</summary>
    void AnswerTheRest()
    {
        while (_mail.Reader.TryRead(out Action? asked))
        {
            asked();
        }
    }

    /// <summary>Nothing, or something again, is started by conditions.</summary>
    public void Hold(bool hold) => SetHold(Holder.People, hold);

    /// <summary>What people have switched, in whatever process.</summary>
    public void Switch(TaskSwitches switches)
    {
        SetHold(Holder.Book, switches.IsOnHold);
        _roster.Switch(switches.Disabled);
    }

    /// <summary>Begins to stop: tasks for the end run, runs at work are waited for; with force, or when it is said again, they are ended.</summary>
    public void ShutDown(bool force) => Post(() =>
    {
        bool again = _phase == Phase.Stopping;
        if (!again)
        {
            LogStopping(_atWork);
            _phase = Phase.Stopping;
            SetHold(Holder.Phase, true);
            StopAll("shutdown", work => work.Task.Definition.Options.Permanent);
            OrderAll(force ? [] : _agenda.Histories.Tasks.Where(task => task.Definition.Options.OnShutdown));
        }
        if (force || again || _parts.Options.Shutdown == ShutdownPolicy.End)
        {
            StopAll("shutdown", _ => true);
        }
    });

    /// <summary>Stops runs at work.</summary>
    public void StopAll(string reason, Func<Work, bool> which)
    {
        foreach (Work work in _agenda.AtWork.Where(which).ToList())
        {
            _agenda.Stop(work, reason);
        }
    }

    /// <summary>Stops those runs at work, each for its reason.</summary>
    public void StopAll(IReadOnlyDictionary<string, string> reasons)
    {
        foreach (Work work in _agenda.AtWork.Where(work => reasons.ContainsKey(work.Order.Id)).ToList())
        {
            _agenda.Stop(work, reasons[work.Order.Id]);
        }
    }

    /// <summary>A run that was decided runs.</summary>
    public void Ended(Work work, RunOutcome outcome)
    {
        _atWork--;
        (EventKind kind, Instant at) = _agenda.Ended(work, outcome.Kind, outcome is { Kind: EventKind.Cancelled, Reason: "timeout" }, Now);
        _events.AddRange(work.TakeReports());
        _events.Add(RunEvents.Ended(work.Definition, work.Order, outcome with { Reason = work.StopReason ?? outcome.Reason }, _parts.Options.ProcessName, at) with { Kind = kind });
        if (outcome is { BeforeBody: true, Kind: EventKind.Failed } && !_parts.Options.SilencePrerunErrors)
        {
            _failure ??= new InvalidOperationException($"a run of task '{work.Task.Definition.Name}' could not be prepared: {outcome.Exception}");
        }
        if (outcome.Released.IsCompleted)
        {
            _agenda.Released(work);
        }
        else
        {
            _ = outcome.Released.ContinueWith(_ => Post(() => _agenda.Released(work)), TaskScheduler.Default);
        }
        _first.Remove(work.Order.Id);
    }

    /// <summary>A run that was decided does not run: somebody else was first, or nobody can tell.</summary>
    public void Refused(Work work, TaskHistory known)
    {
        _atWork--;
        _agenda.Refused(work, known);
        if (work.IsByHand && _phase != Phase.Stopping)
        {
            _agenda.Order(work.Task, work.Order); // nobody else was first: the log cannot be written
            return;
        }
        _first.Remove(work.Order.Id);
    }

    /// <summary>Something cannot go on.</summary>
    public void Fail(Exception failure) => Post(() => _failure ??= failure);

    /// <summary>What a run reports.</summary>
    public void Told(IEnumerable<TaskEvent> reports) => _events.AddRange(reports);

    /// <summary>A run that somebody else wrote into the log.</summary>
    public void Learn(TaskRun run) => _agenda.Learn(run);

    /// <summary>A run whose row went away.</summary>
    public void Forget(TaskRun gone) => _agenda.Forget(gone.Task ?? "", PastRun.Of(gone));

    /// <summary>What the log has of a task.</summary>
    public void Put(string task, TaskHistory history) => _agenda.Put(task, history);

    /// <summary>The condition of the shutdown could not be asked.</summary>
    public void Unasked(Exception problem) => LogUnasked(problem);

    /// <summary>What others wrote could not be read.</summary>
    public void Unheard(Exception problem) => LogUnheard(problem, problem.Message);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _alarm.Dispose();
        _booking.Dispose();
        await Task.WhenAll(_writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _diary.DisposeAsync();
    }

    async Task BeginAsync(SchedulerEars ears)
    {
        Instant now = Now;
        _agenda.Started = now;
        SetHold(Holder.Phase, true);
        foreach (TaskDefinition task in _parts.Tasks.All)
        {
            _agenda.Add(task, now);
        }
        _shutDown.Begin(_agenda);
        ears.Ask(_agenda.Histories.Asked);
        while (!await TryRestoreAsync())
        {
            await Task.Delay(Pause, _parts.Clock, _parts.Stopping);
        }
        LogStarted(_agenda.Histories.Tasks.Count);
        OrderAll(_agenda.Histories.Tasks.Where(task => task.Definition.Options.OnStartup));
    }

    /// <summary>Without its past nobody knows what is due: better late than twice.</summary>
    async Task<bool> TryRestoreAsync()
    {
        try
        {
            foreach (BookedTask known in (await _booking.RegisterAsync(_parts.Tasks.All, Now)).Values)
            {
                _roster.Take(known);
            }
            foreach (TaskRun run in await Restore.FromAsync(
                _agenda, _parts.Log, events => _diary.AppendAsync(events, _parts.Stopping), run => !_parts.IsReported(run.Id) && LiveProcesses.IsDead(run, _parts.Options, _parts.Log), Now, _parts.Stopping))
            {
                LogLost(run.Task, run.Id, run.Worker);
            }
            return true;
        }
        catch (Exception problem) when (problem is not OperationCanceledException && _parts.Options.SilenceLoggingErrors)
        {
            LogNotRestored(problem, problem.Message);
            return false;
        }
    }

    /// <summary>Whatever is wrong with the scheduler itself, runs at work are ended first, and logged.</summary>
    async Task TurnSafelyAsync()
    {
        try
        {
            await TurnAsync();
        }
        catch (Exception unforeseen) when (_failure is null)
        {
            _failure = unforeseen;
        }
    }

    async Task TurnAsync()
    {
        while (_mail.Reader.TryRead(out Action? happened))
        {
            happened();
        }
        foreach (Move move in _agenda.Advance(Now))
        {
            await DoAsync(move);
        }
        _starter.Go();
        Write();
        Check();
        Instant now = Now;
        Instant? next = Instant.Earlier(_agenda.Next, _phase == Phase.Working ? _shutDown.Ask(_agenda, now, () => ShutDown(force: false)) : null);
        if (next is null || next > now)
        {
            _alarm.Set(next, now);
            if (_phase != Phase.Stopping || _atWork > 0)
            {
                await _mail.Reader.WaitToReadAsync();
            }
        }
    }

    async ValueTask DoAsync(Move move)
    {
        switch (move)
        {
            case StartRun { Work: var work }:
                _atWork++;
                await _starter.StartAsync(work);
                break;
            case StopRun { Work: var work }:
                await work.Stop.CancelAsync();
                break;
            case BreakPromise broken:
                LogBroken(broken.Task.Definition.Name, broken.Failed.Key.Id, broken.Why);
                _events.Add(broken.Event(_parts.Options.ProcessName));
                break;
            case ConditionBroken broken:
                LogConditionOnce(broken);
                _failure ??= _parts.Options.SilenceConditionErrors
                    ? null
                    : new InvalidOperationException($"a condition of task '{broken.Task.Definition.Name}' cannot be asked: {broken.Problem.Message}", broken.Problem);
                break;
        }
    }

    /// <summary>It is asked again and again; the diary is told once until it answers.</summary>
    void LogConditionOnce(ConditionBroken broken)
    {
        if (broken.IsNew)
        {
            LogCondition(broken.Problem, broken.Task.Definition.Name);
        }
    }

    void Write()
    {
        _writing.RemoveAll(write => write.IsCompleted);
        if (_events.Count > 0)
        {
            _writing.Add(WriteAsync([.. _events]));
            _events.Clear();
        }
    }

    async Task WriteAsync(TaskEvent[] events)
    {
        try
        {
            await _diary.AppendAsync(events, CancellationToken.None);
        }
        catch (Exception failure)
        {
            Fail(failure);
        }
    }

    /// <summary>What cannot go on ends the runs at work, and then itself.</summary>
    void Check()
    {
        if (_failure is not null && _phase != Phase.Stopping)
        {
            LogFailed(_failure, _failure.Message);
            ShutDown(force: true);
        }
        if (_phase == Phase.Beginning && _first.Count == 0)
        {
            _phase = Phase.Working;
            SetHold(Holder.Phase, false);
            Post(static () => { });
        }
    }

    /// <summary>Orders a run of each whose condition is never, or holds.</summary>
    void OrderAll(IEnumerable<ScheduledTask> tasks)
    {
        foreach (ScheduledTask task in tasks.Where(task => !task.IsDisabled).OrderByDescending(task => task.Definition.Options.Priority).ToList())
        {
            if (_agenda.MayBegin(task, Now))
            {
                var order = new RunOrder { Source = _parts.Options.Source, Id = _parts.NewId() };
                _ = _phase == Phase.Beginning && !task.Definition.Options.Permanent && _first.Add(order.Id);
                _agenda.Order(task, order);
            }
        }
    }

    void SetHold(Holder who, bool hold)
    {
        _held[(int)who] = hold;
        if (_agenda.IsOnHold != _held.Contains(true))
        {
            _agenda.Hold(_held.Contains(true));
        }
    }

    [LoggerMessage(501, LogLevel.Information, "The scheduler started with {Tasks} tasks")]
    partial void LogStarted(int tasks);

    [LoggerMessage(502, LogLevel.Information, "The scheduler is stopping, {Runs} runs are at work")]
    partial void LogStopping(int runs);

    [LoggerMessage(503, LogLevel.Information, "The scheduler stopped; it had {Tasks} tasks")]
    partial void LogStopped(int tasks);

    [LoggerMessage(504, LogLevel.Critical, "The scheduler cannot go on: {Problem}")]
    partial void LogFailed(Exception exception, string problem);

    [LoggerMessage(505, LogLevel.Error, "The log of runs cannot be read, so nothing is started yet: {Problem}")]
    partial void LogNotRestored(Exception exception, string problem);

    [LoggerMessage(506, LogLevel.Warning, "A run of task '{Task}' was lost when its process died: {RunId} of {Worker}")]
    partial void LogLost(string? task, string runId, string? worker);

    [LoggerMessage(507, LogLevel.Error, "A condition of task '{Task}' cannot be asked and counts as false; it is asked again")]
    partial void LogCondition(Exception exception, string task);

    [LoggerMessage(510, LogLevel.Error, "The condition of the shutdown cannot be asked and counts as false; it is asked again")]
    partial void LogUnasked(Exception exception);

    [LoggerMessage(508, LogLevel.Warning, "Task '{Task}', run {RunId}, is not retried though it should have been: {Why}")]
    partial void LogBroken(string task, string runId, string why);

    [LoggerMessage(509, LogLevel.Warning, "What others wrote into the log of runs cannot be read: {Problem}")]
    partial void LogUnheard(Exception exception, string problem);
}
