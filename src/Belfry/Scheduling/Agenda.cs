namespace Belfry;

/// <summary>
/// What is to happen, and when: tasks with what is known of their runs, looked at when their instants come or something happens. It only says what is to be
/// done; whoever drives it does that, and tells how it went. Not safe for several threads.
/// </summary>
sealed class Agenda(BelfryOptions options, Func<double> chance, Func<string> newId)
{
    static readonly TimeSpan Recheck = TimeSpan.FromSeconds(1), Tick = TimeSpan.FromMicroseconds(1);
    readonly Histories _histories = new();
    readonly Looks _looks = new();
    readonly ProcessRoom _room = new(options);
    readonly List<Move> _moves = []; // emptied by Advance
    Instant _last, _lastStart; // no decision is made before what was decided already

    /// <summary>The earliest instant at which something may be due; null when nothing will be before something happens.</summary>
    public Instant? Next => _looks.AreDue || _moves.Count > 0 ? _last : _looks.Earliest;

    /// <summary>When the scheduler began.</summary>
    public Instant? Started { get; set; }

    /// <summary>Nothing is started by a condition while it is on hold.</summary>
    public bool IsOnHold { get; private set; }

    /// <summary>Others start tasks by the same log: their runs at work count as ours do.</summary>
    public bool IsShared { get; init; }

    /// <summary>What conditions know of the host.</summary>
    public Func<TaskDefinition, ConditionContext> Surroundings { get; init; } = _ => new ConditionContext { Now = default };

    /// <summary>What is known of past runs.</summary>
    public Histories Histories => _histories;

    /// <summary>The runs at work.</summary>
    public IEnumerable<Work> AtWork => _histories.Tasks.Where(task => task.IsAtWork).SelectMany(task => task.Now!.Running);

    /// <summary>A task comes.</summary>
    public ScheduledTask Add(TaskDefinition definition, Instant registered)
    {
        var task = new ScheduledTask(definition, registered);
        _histories.Add(task);
        _looks.Mark(task);
        return task;
    }

    /// <summary>What the log has of a task before the first turn; a retry that was promised then is promised still.</summary>
    public void Restore(string name, TaskHistory history, Instant now)
    {
        _histories.Put(name, history);
        PastRun? last = history.Standing(CrashPolicy.Wait).Last;
        if (_histories.Find(name) is { } task && last is { State: RunState.Retried, Called: false } run && run.Key.Source == options.Source)
        {
            task.Note().Promise = new Promise(run with { State = RunState.Failed }, RetryAt(task, now) ?? now);
        }
        MarkAll(name);
    }

    /// <summary>It has other conditions or options from now on.</summary>
    public void Change(ScheduledTask task, TaskDefinition definition)
    {
        _histories.Remove(task);
        task.IsDisabled = definition.Options.Disabled == task.Definition.Options.Disabled ? task.IsDisabled : definition.Options.Disabled;
        task.Definition = definition;
        _histories.Add(task);
        _looks.Mark(task);
    }

    /// <summary>A task goes; its runs at work go on.</summary>
    public void Remove(ScheduledTask task)
    {
        _histories.Remove(task);
        _looks.Remove(task);
        task.IsGone = true;
        Break(task, "the task was removed");
    }

    /// <summary>Nothing, or something again, is started by conditions.</summary>
    public void Hold(bool hold)
    {
        IsOnHold = hold;
        foreach (ScheduledTask task in _histories.Tasks)
        {
            _looks.Mark(task);
        }
    }

    /// <summary>Its condition starts nothing, or something again.</summary>
    public void Disable(ScheduledTask task, bool disabled)
    {
        task.IsDisabled = disabled;
        if (disabled)
        {
            Break(task, "the task was disabled");
        }
        _looks.Mark(task);
    }

    /// <summary>A run is to start as soon as it may beside others, whatever the condition says.</summary>
    public void Order(ScheduledTask task, RunOrder order)
    {
        task.Note().Ordered.Enqueue(order);
        _looks.Mark(task);
    }

    /// <summary>Something that somebody wrote into the log.</summary>
    public void Learn(TaskRun run)
    {
        if (run.Task is { } name)
        {
            Learn(name, PastRun.Of(run));
        }
    }

    /// <summary>What the log had of a task when it was read; what was heard of its runs meanwhile stays.</summary>
    public void Put(string name, TaskHistory history)
    {
        foreach (PastRun heard in _histories.Of(name).Runs)
        {
            history = history.IsOlder(heard) ? history.With(heard) : history;
        }
        _histories.Put(name, history);
        MarkAll(name);
    }

    /// <summary>A run's row went away.</summary>
    public void Forget(string name, PastRun gone)
    {
        _histories.Put(name, _histories.Of(name).Without(gone));
        MarkAll(name);
    }

    /// <summary>Looks at all that may be due, and says what is to be done.</summary>
    public IReadOnlyList<Move> Advance(Instant now)
    {
        _last = Instant.Max(now, _last);
        while (_looks.Take(_last) is { Count: > 0 } due)
        {
            due.ForEach(Look);
            while (_room.Take() is { } waiting)
            {
                Look(waiting);
            }
        }
        Move[] moves = [.. _moves];
        _moves.Clear();
        return moves;
    }

    /// <summary>A run at work is to end.</summary>
    public void Stop(Work work, string reason)
    {
        if (work.StopReason is null)
        {
            work.StopReason = reason;
            _moves.Add(new StopRun(work));
        }
    }

    /// <summary>A run ended; tells as what, and when, it is to be logged.</summary>
    public (EventKind Kind, Instant At) Ended(Work work, EventKind kind, bool timedOut, Instant now)
    {
        _last = Instant.Max(Instant.Max(now, _last), _lastStart + Tick); // later than all starts so far, because conditions ask which of two was later
        Instant at = _last;
        PastRun ended = work.Run with { Ended = at, State = kind.StateAfter(), TimedOut = timedOut };
        work.Task.Note().LastOrder = work.Order.Args is null && work.Order.Kwargs is null ? null : work.Order;
        Learn(work.Task.Definition.Name, ended);
        if (kind == EventKind.Failed && IsLedByCondition(work.Task) && work.Order.Queue is null && RetryAt(work.Task, at) is { } due)
        {
            PastRun retried = ended with { State = RunState.Retried };
            Learn(work.Task.Definition.Name, retried);
            work.Task.Note().Promise = new Promise(ended, due);
            return (EventKind.Retried, at);
        }
        return (kind, at);
    }

    /// <summary>A run has let go: what waited for it may start.</summary>
    public void Released(Work work)
    {
        work.Task.Note().Running.Remove(work);
        _moves.RemoveAll(move => move is StopRun stop && stop.Work == work); // it was told to end, and ended, since the last turn
        _room.Leave(work);
        work.Dispose();
        work.Task.Rest();
        _looks.Mark(work.Task);
    }

    /// <summary>A start that was decided did not come about: somebody else was first, or it could not be written.</summary>
    public void Refused(Work work, TaskHistory known)
    {
        Released(work);
        Forget(work.Task.Definition.Name, work.Run);
        Put(work.Task.Definition.Name, known);
    }

    /// <summary>Whether a task for the beginning or the end runs then: its condition is never, or holds.</summary>
    public bool MayBegin(ScheduledTask task, Instant now)
    {
        try
        {
            return task.Definition.Start == Conditions.Never || task.Definition.Start.Holds(ContextOf(task, now));
        }
        catch (Exception broken)
        {
            Broken(task, broken);
            return false;
        }
    }

    /// <summary>What the condition of a task may know at an instant.</summary>
    public ConditionContext ContextOf(ScheduledTask task, Instant now) => Surroundings(task.Definition) with
    {
        Now = now,
        Own = task.Now?.Promise is { } promise ? task.History.With(promise.Failed) : task.History, // as it was when the retry was promised
        Tasks = _histories.Of,
        Zone = task.Definition.Options.TimeZone ?? options.TimeZone,
        SchedulerStarted = Started,
        Registered = task.Registered,
        Misfire = task.Definition.Options.Misfire,
        CatchUp = task.Definition.Options.CatchUp,
        Crash = task.Definition.Options.Crash,
        RetryLost = task.Definition.Options.RetryLost,
        AfterFinishAnyEnd = options.AfterFinishAnyEnd,
    };

    void Look(ScheduledTask task)
    {
        if (task.IsGone)
        {
            return;
        }
        bool isBroken = false;
        Instant? start = Asked(task, LookAtStart, ref isBroken), runs = Asked(task, LookAtRuns, ref isBroken);
        _looks.Set(task, Instant.Earlier(Instant.Earlier(start, runs), PromisedAt(task)));
        task.IsBroken = isBroken;
        task.Rest();
    }

    /// <summary>A condition that cannot be asked is asked again in a while.</summary>
    Instant? Asked(ScheduledTask task, Func<ScheduledTask, Instant?> look, ref bool isBroken)
    {
        try
        {
            return look(task);
        }
        catch (Exception broken)
        {
            isBroken = true;
            Broken(task, broken);
            return _last + (task.Definition.Start.AskAgain ?? Recheck);
        }
    }

    /// <summary>When it shows whether the retry that was promised starts.</summary>
    Instant? PromisedAt(ScheduledTask task) => task.Now?.Promise is { } promise && promise.Due > _last ? promise.Due : null;

    /// <summary>Ends what is to end; tells when to look again.</summary>
    Instant? LookAtRuns(ScheduledTask task)
    {
        if (task.Definition.End is not { } end || !task.IsAtWork)
        {
            return null;
        }
        ConditionContext context = ContextOf(task, _last);
        if (!end.Holds(context))
        {
            return end.NextChange(context);
        }
        task.Now!.Running.ForEach(work => Stop(work, "end condition"));
        return null;
    }

    /// <summary>Starts what is to start; tells when to look again.</summary>
    Instant? LookAtStart(ScheduledTask task)
    {
        while (task.Now is { Ordered.Count: > 0 } busy && (!task.IsAtWork || task.Definition.Options.Overlap == OverlapPolicy.Allow))
        {
            if (!_room.Has(task))
            {
                return null;
            }
            Start(task, busy.Ordered.Dequeue(), byHand: true);
        }
        if (!IsLedByCondition(task))
        {
            Break(task, "its condition starts it no more");
            return null;
        }
        if (IsOnHold)
        {
            return null;
        }
        ConditionContext context = ContextOf(task, _last);
        bool atWork = task.IsAtWork || IsAtWorkElsewhere(task);
        Decision decision = Decision.Of(task.Definition, context, task.Now?.Standby ?? default, atWork, chance());
        (string Id, int Attempt)? resumed = atWork ? null : Decision.Resumed(task.Definition, context, options.Source);
        if (task.Now?.Promise is { } promise && promise.Due <= _last && resumed is null)
        {
            Break(task, "a start would no longer be a retry");
        }
        if (decision.Verdict == Verdict.Start && !_room.Has(task))
        {
            return decision.Again;
        }
        if (decision.Standby != (task.Now?.Standby ?? default))
        {
            task.Note().Standby = decision.Standby;
        }
        if (decision.Verdict == Verdict.Replace)
        {
            task.Now!.Running.ForEach(work => Stop(work, "replaced"));
        }
        return decision.Verdict == Verdict.Start ? StartByCondition(task, resumed) : decision.Again;
    }

    /// <summary>Its condition may start it.</summary>
    static bool IsLedByCondition(ScheduledTask task) => task is { IsGone: false, IsDisabled: false, Definition.Options: { OnStartup: false, OnShutdown: false } };

    /// <summary>Another process is at work on it, or a call of it runs. Where nobody would notice the death of that process, that counts for nothing.</summary>
    bool IsAtWorkElsewhere(ScheduledTask task)
    {
        if (task.History.Standing(CrashPolicy.Wait).IsRunning)
        {
            foreach (PastRun run in task.History.Runs)
            {
                if (run.IsOpen && run.Key.Source == options.Source && (IsShared || run.Called))
                {
                    return true;
                }
            }
        }
        return false;
    }

    Instant? StartByCondition(ScheduledTask task, (string Id, int Attempt)? resumed)
    {
        if (resumed is null)
        {
            Break(task, "another run started first");
        }
        else if (task.Now is { } busy)
        {
            busy.Promise = null; // it is kept
        }
        RunOrder order = resumed is { } again && task.Now?.LastOrder is { } last && last.Id == again.Id ? last : new RunOrder { Source = options.Source, Id = resumed?.Id ?? newId() };
        Start(task, order with { Attempt = resumed?.Attempt ?? 1 }, byHand: false);
        if (task.Definition.Options.Overlap == OverlapPolicy.Skip)
        {
            return null;
        }
        ConditionContext context = ContextOf(task, _last);
        task.Note().Standby = new Standby(default, IsSpent: task.Definition.Start.Holds(context), null);
        return task.Definition.Start.NextChange(context);
    }

    void Start(ScheduledTask task, RunOrder order, bool byHand)
    {
        Instant? last = task.History.Standing(CrashPolicy.Wait).LastStart;
        Instant at = last >= _last ? last.Value + Tick : _last;
        _last = _lastStart = at;
        var work = new Work(task, order, at, last) { IsByHand = byHand };
        task.Note().Running.Add(work);
        _room.Enter(work);
        _moves.Add(new StartRun(work));
        _histories.Learn(task.Definition.Name, work.Run, _last);
        MarkAskers(task.Definition.Name);
    }

    /// <summary>A promised retry will not start: its attempt has failed. Unless another process has kept the promise.</summary>
    void Break(ScheduledTask task, string why)
    {
        if (task.Now?.Promise is not { } promise)
        {
            return;
        }
        task.Now!.Promise = null;
        if (task.History.HasFollowed(promise.Failed))
        {
            return;
        }
        _moves.Add(new BreakPromise(task, promise.Failed, why));
        _histories.Learn(task.Definition.Name, promise.Failed, _last);
        MarkAskers(task.Definition.Name);
    }

    Instant? RetryAt(ScheduledTask task, Instant at)
    {
        try
        {
            return task.Definition.Start.RetryAt(ContextOf(task, at));
        }
        catch (Exception broken)
        {
            Broken(task, broken);
            return null;
        }
    }

    void Broken(ScheduledTask task, Exception problem)
    {
        _moves.Add(new ConditionBroken(task, problem, !task.IsBroken));
        task.IsBroken = true;
    }

    void Learn(string name, PastRun run)
    {
        if (_histories.Learn(name, run, _last))
        {
            MarkAll(name);
        }
    }

    void MarkAll(string name)
    {
        if (_histories.Find(name) is { } task)
        {
            _looks.Mark(task);
        }
        MarkAskers(name);
    }

    void MarkAskers(string name)
    {
        foreach (ScheduledTask asker in _histories.AskersOf(name))
        {
            _looks.Mark(asker);
        }
    }
}
