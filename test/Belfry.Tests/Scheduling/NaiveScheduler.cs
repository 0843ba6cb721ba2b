namespace Belfry.Tests.Scheduling;

/// <summary>
/// What a scheduler should do, as plainly as can be: at every step of time it asks every task's condition. It knows no heap, no next change and no events, and
/// decides about retries by asking at their instant. Only for comparison.
/// </summary>
sealed class NaiveScheduler(World world)
{
    static readonly TimeSpan Kept = TimeSpan.FromDays(8); // no condition looks further back
    readonly Dictionary<string, State> _tasks = world.Tasks.ToDictionary(task => task.Name, task => new State(task));
    Instant? _started;

    public List<Told> Play()
    {
        var outages = new Queue<(Instant At, TimeSpan Length, bool Crash)>(world.Outages);
        Instant? up = null;
        _started = world.Begin;
        for (Instant now = world.Begin; now < world.End; now += World.Step)
        {
            if (up is { } back && now >= back)
            {
                (up, _started) = (null, now);
                Begin(now);
            }
            if (up is not null)
            {
                continue;
            }
            End(now);
            if (outages.TryPeek(out var outage) && now >= outage.At)
            {
                outages.Dequeue();
                up = now + outage.Length;
                GoDown(now, outage.Crash);
                continue;
            }
            StartAll(now);
        }
        if (up is null)
        {
            End(world.End);
        }
        return [.. _tasks.Values.SelectMany(task => task.Past.Concat(task.Runs).Select(run => new Told(task.Definition.Name, task.First[run.Key.Id], run.Attempt, run.Started!.Value, run.Ended, run.State)))];
    }

    void StartAll(Instant now)
    {
        foreach (State task in _tasks.Values)
        {
            bool holds = task.Definition.Start.Holds(Context(task, now));
            if (task.Promised is { } promise && promise.Due <= now && task.Running is null && (!holds || task.Definition.Start.StartsAnew(Context(task, now))))
            {
                Put(task, promise.Failed, now);
                task.Promised = null;
                holds = task.Definition.Start.Holds(Context(task, now));
            }
            if (task.Running is not null)
            {
                task.Spent &= holds;
                task.Queued |= holds && !task.Spent && task.Definition.Options.Overlap == OverlapPolicy.Queue;
            }
            else if (holds || task.Queued)
            {
                Start(task, holds, now);
            }
        }
    }

    void Start(State task, bool holds, Instant now)
    {
        PastRun? last = task.Runs.Count == 0 ? null : task.Runs.MaxBy(run => (run.Started, run.Attempt));
        bool again = holds && last is not null && !task.Definition.Start.StartsAnew(Context(task, now));
        (string id, int attempt) = again ? (last!.Value.Key.Id, last.Value.Attempt + 1) : (Guid.NewGuid().ToString("n"), 1);
        task.First.TryAdd(id, now);
        if (!again && task.Promised is { } promise)
        {
            Put(task, promise.Failed, now);
        }
        var run = new PastRun(("local", id), attempt, now, null, RunState.Running, false);
        (task.Running, task.Queued, task.Promised) = (run, false, null);
        Put(task, run, now);
        task.Spent = task.Definition.Start.Holds(Context(task, now));
    }

    void End(Instant now)
    {
        foreach (State task in _tasks.Values.Where(task => task.Running is not null).ToList())
        {
            PastRun run = task.Running!.Value;
            (TimeSpan length, EventKind kind, bool timedOut) = world.Run(task.Definition.Name, run.Started!.Value, run.Attempt);
            if (run.Started + length <= now)
            {
                RunState state = kind switch
                {
                    EventKind.Succeeded => RunState.Completed, EventKind.Failed => RunState.Failed, EventKind.Skipped => RunState.Skipped, _ => RunState.Cancelled,
                };
                EndOne(task, run with { Ended = now, State = state, TimedOut = timedOut }, now);
            }
        }
    }

    void EndOne(State task, PastRun ended, Instant now)
    {
        task.Running = null;
        Put(task, ended, now);
        if (ended.State == RunState.Failed && RetryAt(task, now) is { } due)
        {
            task.Promised = (ended, due);
            Put(task, ended with { State = RunState.Retried }, now);
        }
    }

    Instant? RetryAt(State task, Instant end)
    {
        foreach (int minutes in new[] { 0, 30, 60 })
        {
            Instant at = end + TimeSpan.FromMinutes(minutes);
            bool mayBe = task.Definition.Start.ToString().Contains(minutes == 0 ? "retry" : minutes == 60 ? "after 1 hour" : "after 30 min", StringComparison.Ordinal);
            if (mayBe && task.Definition.Start.Holds(Context(task, at)) && !task.Definition.Start.StartsAnew(Context(task, at)))
            {
                return at;
            }
        }
        return null;
    }

    void GoDown(Instant now, bool crash)
    {
        foreach (State task in _tasks.Values)
        {
            if (!crash && task.Running is { } run)
            {
                Put(task, run with { Ended = now, State = RunState.Cancelled }, now);
                task.Running = null;
            }
            (task.Queued, task.Spent) = (false, false);
        }
    }

    void Begin(Instant now)
    {
        foreach (State task in _tasks.Values.Where(task => task.Running is not null))
        {
            Put(task, task.Running!.Value with { Ended = task.Running.Value.Started, State = RunState.Lost }, now);
            task.Running = null;
        }
        foreach (State task in _tasks.Values.Where(task => task.Promised is { } promise && promise.Due < now))
        {
            task.Promised = (task.Promised!.Value.Failed, now);
        }
    }

    ConditionContext Context(State task, Instant now) => new()
    {
        Now = now, Own = task.Promised is { } promise ? task.History.With(promise.Failed) : task.History, Tasks = name => _tasks[name].History, Zone = task.Definition.Options.TimeZone!, SchedulerStarted = _started, Registered = world.Begin,
        Misfire = task.Definition.Options.Misfire, CatchUp = task.Definition.Options.CatchUp, Crash = task.Definition.Options.Crash,
        RetryLost = task.Definition.Options.RetryLost,
    };

    static void Put(State task, PastRun run, Instant now)
    {
        task.Runs.RemoveAll(other => other.Key == run.Key && other.Attempt == run.Attempt);
        task.Runs.Add(run);
        task.History = task.History.With(run);
        if (task.History.Runs.Length < 100)
        {
            return;
        }
        task.History = task.History.Since(now - Kept);
        foreach (PastRun old in task.Runs.Where(other => other.Ended < now - Kept).ToList())
        {
            task.Runs.Remove(old);
            task.Past.Add(old);
        }
    }

    sealed class State(TaskDefinition definition)
    {
        public TaskDefinition Definition { get; } = definition;

        public TaskHistory History { get; set; } = TaskHistory.None;

        public List<PastRun> Runs { get; } = [];

        public List<PastRun> Past { get; } = []; // too old to matter

        public Dictionary<string, Instant> First { get; } = [];

        public PastRun? Running { get; set; }

        public (PastRun Failed, Instant Due)? Promised { get; set; }

        public bool Queued { get; set; }

        public bool Spent { get; set; }
    }
}
