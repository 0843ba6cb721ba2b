namespace Belfry;

/// <summary>The tasks of this process, by name and in the order in which they were registered.</summary>
/// <remarks>Tasks may come and go while the scheduler is at work; safe for threads.</remarks>
public sealed class TaskRegistry(BelfryOptions options)
{
    readonly Lock _lock = new();
    readonly Dictionary<string, TaskDefinition> _byName = [];
    readonly HashSet<string> _elsewhere = [];
    readonly Dictionary<string, WhenCondition> _functions = [];
    TaskDefinition[]? _all;

    /// <summary>Told after each change, on the thread that made it.</summary>
    public event Action<TaskChange>? Changed;

    /// <summary>All tasks, in the order in which they were registered: a picture that later changes leave alone.</summary>
    public IReadOnlyList<TaskDefinition> All
    {
        get
        {
            lock (_lock)
            {
                return _all ??= [.. _byName.Values];
            }
        }
    }

    /// <summary>A task by its name; null when there is none.</summary>
    public TaskDefinition? Find(string name)
    {
        lock (_lock)
        {
            return _byName.GetValueOrDefault(name);
        }
    }

    /// <summary>Registers a task. Gives it as it is registered, under another name if it was renamed; the first where the second was ignored.</summary>
    /// <exception cref="RegistrationException">Its name cannot be kept, or is taken, or its options cannot work.</exception>
    public TaskDefinition Add(TaskDefinition task)
    {
        Check(task);
        TaskDefinition? before;
        lock (_lock)
        {
            if (_byName.TryGetValue(task.Name, out before))
            {
                if (options.DuplicateNames == DuplicateNames.Ignore)
                {
                    return before;
                }
                task = options.DuplicateNames switch
                {
                    DuplicateNames.Rename => task with { Name = FreeName(task.Name) },
                    DuplicateNames.Replace => task,
                    _ => throw new RegistrationException([$"task '{task.Name}' is registered already"]),
                };
                before = _byName.GetValueOrDefault(task.Name);
            }
            _byName[task.Name] = task;
            _all = null;
        }
        Changed?.Invoke(new TaskChange(before, task));
        return task;
    }

    /// <summary>Puts a task in the place of the one of its name, or adds it: runs that are at work go on as they were.</summary>
    /// <exception cref="RegistrationException">Its name cannot be kept, or its options cannot work.</exception>
    public void Replace(TaskDefinition task)
    {
        Check(task);
        TaskDefinition? before;
        lock (_lock)
        {
            before = _byName.GetValueOrDefault(task.Name);
            _byName[task.Name] = task;
            _all = null;
        }
        Changed?.Invoke(new TaskChange(before, task));
    }

    /// <summary>Takes a task away; a run of it that is at work goes on. False when there is none of that name.</summary>
    public bool Remove(string name)
    {
        TaskDefinition? gone;
        lock (_lock)
        {
            _byName.Remove(name, out gone);
            _all = null;
        }
        if (gone is not null)
        {
            Changed?.Invoke(new TaskChange(gone, null));
        }
        return gone is not null;
    }

    /// <summary>Names that conditions may use though no task here has them: their runs come into the log from elsewhere.</summary>
    public void Expect(IEnumerable<string> names)
    {
        lock (_lock)
        {
            _elsewhere.UnionWith(names);
        }
    }

    /// <summary>The functions that conditions may call by their names.</summary>
    public IReadOnlyList<WhenCondition> Functions
    {
        get
        {
            lock (_lock)
            {
                return [.. _functions.Values];
            }
        }
    }

    /// <summary>A function that conditions may call, by its name; null when there is none.</summary>
    internal WhenCondition? FindFunction(string name)
    {
        lock (_lock)
        {
            return _functions.GetValueOrDefault(name);
        }
    }

    /// <summary>Adds functions that conditions may call.</summary>
    /// <exception cref="RegistrationException">A name is taken.</exception>
    public void AddFunctions(IEnumerable<WhenCondition> functions)
    {
        lock (_lock)
        {
            string[] taken = [.. functions.Where(function => !_functions.TryAdd(function.Name, function)).Select(function => $"the function '{function.Name}' is registered already")];
            if (taken.Length > 0)
            {
                throw new RegistrationException(taken);
            }
        }
    }

    /// <summary>What can never work: names of tasks and functions that nobody has, and circles in which everybody waits.</summary>
    public IReadOnlyList<DependencyProblem> Problems() => Problems([]);

    /// <summary>The same, where tasks of these names are missing because something else is wrong with them.</summary>
    internal IReadOnlyList<DependencyProblem> Problems(IReadOnlyCollection<string> refused)
    {
        lock (_lock)
        {
            string[] elsewhere = [.. _elsewhere, .. refused];
            return
            [
                .. TaskDependencies.Problems(_byName.ToDictionary(task => task.Key, task => task.Value.Start), elsewhere, _functions.Values),
                .. Unknown("its end condition names", task => task.End?.Leaves.Select(leaf => leaf.Asked).OfType<string>() ?? [], elsewhere),
                .. Unknown("it takes up what is returned by", task => task.Needs, elsewhere),
                .. from task in _byName.Values
                   from when in task.End?.Leaves.OfType<WhenCondition>() ?? []
                   where when.Test is null && !_functions.ContainsKey(when.Name)
                   select new DependencyProblem(task.Name, $"its end condition calls the function '{when.Name}', which is not registered{NearNames.Hint(when.Name, _functions.Keys)}"),
            ];
        }
    }

    IEnumerable<DependencyProblem> Unknown(string how, Func<TaskDefinition, IEnumerable<string>> names, string[] elsewhere) =>
        from task in _byName.Values
        from name in names(task).Distinct()
        where !_byName.ContainsKey(name) && !elsewhere.Contains(name)
        select new DependencyProblem(task.Name, $"{how} the task '{name}', which is not registered{NearNames.Hint(name, _byName.Keys)}");

    string FreeName(string name)
    {
        for (int number = 1; ; number++)
        {
            string free = $"{name} - {number}";
            if (!_byName.ContainsKey(free))
            {
                return free;
            }
        }
    }

    static void Check(TaskDefinition task)
    {
        string[] problems = [.. NameProblem(task.Name) is { } problem ? [problem] : Array.Empty<string>(), .. task.Options.Problems().Select(what => $"task '{task.Name}': {what}")];
        if (problems.Length > 0)
        {
            throw new RegistrationException(problems);
        }
    }

    static string? NameProblem(string name) =>
        string.IsNullOrWhiteSpace(name) ? "a task needs a name"
        : name.Length > TaskEvent.LongestName ? $"task '{Excerpt.Of(name, 40)}': its name has {name.Length} characters; the log keeps {TaskEvent.LongestName}"
        : name.Any(char.IsControl) ? $"task '{new string([.. name.Select(c => char.IsControl(c) ? '?' : c)])}': its name has characters that nobody can see"
        : null;
}

/// <summary>A task came, changed or went.</summary>
/// <param name="Before">As it was; null for one that is new.</param>
/// <param name="After">As it is; null for one that is gone.</param>
public sealed record TaskChange(TaskDefinition? Before, TaskDefinition? After);

/// <summary>Tasks cannot be registered as they are: all that is wrong, not only the first.</summary>
public sealed class RegistrationException(IReadOnlyList<string> problems) : Exception(string.Join("; ", problems))
{
    /// <summary>What is wrong, each a sentence that names the task.</summary>
    public IReadOnlyList<string> Problems => problems;
}
