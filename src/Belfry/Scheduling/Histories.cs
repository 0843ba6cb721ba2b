namespace Belfry;

/// <summary>What is known of past runs, by task: of those that are registered here, and of others that their conditions ask about.</summary>
sealed class Histories
{
    static readonly TimeSpan LongestPeriod = TimeSpan.FromDays(32); // of "has … this month"
    readonly Dictionary<string, ScheduledTask> _tasks = [];
    readonly Dictionary<string, TaskHistory> _others = []; // only tasks that are asked about
    readonly Dictionary<string, List<ScheduledTask>> _askers = [];
    readonly HashSet<string> _forGood = []; // asked about by no task; as many as the condition of the shutdown names
    readonly Dictionary<string, TimeSpan> _lookBack = []; // only tasks whose runs are counted

    /// <summary>The tasks registered here.</summary>
    public IReadOnlyCollection<ScheduledTask> Tasks => _tasks.Values;

    /// <summary>A task registered here; null when there is none of that name.</summary>
    public ScheduledTask? Find(string name) => _tasks.GetValueOrDefault(name);

    /// <summary>A task of any name that a condition asks about.</summary>
    public TaskHistory Of(string name) => _tasks.TryGetValue(name, out ScheduledTask? task) ? task.History : _others.GetValueOrDefault(name, TaskHistory.None);

    /// <summary>What a task's conditions ask about, as it is now: for somebody who asks elsewhere and later.</summary>
    public Func<string, TaskHistory> Copy(TaskDefinition task)
    {
        Dictionary<string, TaskHistory> copy = LeavesOf(task).Select(leaf => leaf.Asked).OfType<string>().Distinct().ToDictionary(name => name, Of);
        return name => copy.GetValueOrDefault(name, TaskHistory.None);
    }

    /// <summary>Whether anybody wants to know of runs of that name.</summary>
    public bool Concerns(string? name) => name is not null && (_tasks.ContainsKey(name) || _askers.ContainsKey(name));

    /// <summary>Whose conditions ask about a task.</summary>
    public IReadOnlyList<ScheduledTask> AskersOf(string name) => _askers.TryGetValue(name, out List<ScheduledTask>? askers) ? askers : [];

    /// <summary>The names whose past is needed, each with how far back.</summary>
    public Dictionary<string, Instant> Wanted(IEnumerable<string> names, Instant now) => names.Distinct().ToDictionary(name => name, name => Since(name, now));

    /// <summary>All names whose past is needed.</summary>
    public IEnumerable<string> Names => _tasks.Keys.Concat(_askers.Keys);

    /// <summary>The names that conditions ask about.</summary>
    public IEnumerable<string> Asked => _askers.Keys;

    /// <summary>What must be known before a task that comes can be looked at.</summary>
    public static Dictionary<string, Instant> WantedBy(TaskDefinition task, Instant now)
    {
        var alone = new Histories();
        alone.Add(new ScheduledTask(task, now));
        return alone.Wanted(alone.Names, now);
    }

    /// <summary>Somebody else asks about a task, for good.</summary>
    public void Ask(string name)
    {
        _forGood.Add(name);
        _askers.TryAdd(name, []);
    }

    /// <summary>A task comes, or comes back with other conditions.</summary>
    public void Add(ScheduledTask task)
    {
        _tasks[task.Definition.Name] = task;
        foreach (Condition leaf in LeavesOf(task.Definition))
        {
            if (leaf.Asked is { } asked)
            {
                if (!_askers.TryGetValue(asked, out List<ScheduledTask>? askers))
                {
                    _askers[asked] = askers = [];
                }
                if (!askers.Contains(task))
                {
                    askers.Add(task);
                }
            }
            if (leaf is HasCondition has)
            {
                string counted = has.Asked ?? task.Definition.Name;
                TimeSpan back = has.Past ?? (has.Within is null ? TimeSpan.MaxValue : LongestPeriod);
                _lookBack[counted] = _lookBack.TryGetValue(counted, out TimeSpan known) && known > back ? known : back;
            }
        }
    }

    /// <summary>A task goes, or goes before it comes back with other conditions; what others ask about it stays known.</summary>
    public void Remove(ScheduledTask task)
    {
        _tasks.Remove(task.Definition.Name);
        Put(task.Definition.Name, task.History);
        foreach (string asked in LeavesOf(task.Definition).Select(leaf => leaf.Asked).OfType<string>().Distinct())
        {
            _askers[asked].Remove(task);
            if (_askers[asked].Count == 0 && !_forGood.Contains(asked))
            {
                _askers.Remove(asked);
                _others.Remove(asked);
            }
        }
    }

    /// <summary>What the log has of a task.</summary>
    public void Put(string name, TaskHistory history)
    {
        if (_tasks.TryGetValue(name, out ScheduledTask? task))
        {
            task.History = history;
        }
        else if (_askers.ContainsKey(name))
        {
            _others[name] = history;
        }
    }

    /// <summary>A run of a task, as it is now. False when that is known, or concerns nobody.</summary>
    public bool Learn(string name, PastRun run, Instant now)
    {
        if (!Concerns(name))
        {
            return false;
        }
        TaskHistory before = Of(name);
        if (before.Knows(run))
        {
            return false;
        }
        TaskHistory after = before.With(run);
        ScheduledTask? task = Find(name);
        if (after.Runs.Length >= (task?.TrimAt ?? 8))
        {
            after = after.Since(Since(name, now));
            if (task is not null)
            {
                task.TrimAt = Math.Max(8, 2 * after.Runs.Length);
            }
        }
        Put(name, after);
        return true;
    }

    Instant Since(string name, Instant now) => !_lookBack.TryGetValue(name, out TimeSpan back) ? now : back == TimeSpan.MaxValue ? default : now - back;

    static IEnumerable<Condition> LeavesOf(TaskDefinition task) => task.End is null ? task.Start.Leaves : task.Start.Leaves.Concat(task.End.Leaves);
}
