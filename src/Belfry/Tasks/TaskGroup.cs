using System.Reflection;

namespace Belfry;

/// <summary>Tasks that have something in common: a prefix of their names, a condition, options.</summary>
public class TaskGroup
{
    readonly List<TaskDraft> _drafts;
    readonly TaskGroup? _outer;
    readonly string _prefix;
    readonly Condition? _start;

    private protected TaskGroup(TaskOptions defaults) => (_drafts, _prefix, Defaults) = ([], "", () => defaults);

    TaskGroup(TaskGroup outer, string prefix, Condition? start) => (_outer, _drafts, _prefix, _start, Defaults) = (outer, outer._drafts, outer._prefix + prefix, start, outer.Defaults);

    /// <summary>Registers a task.</summary>
    /// <param name="name">Its name; the prefix of the group comes before it.</param>
    /// <param name="start">When it may start; the group's own condition must hold, too.</param>
    /// <param name="handler">What it does: any method or lambda. Its parameters are filled in when a run begins.</param>
    /// <param name="options">How it is run; those of the group where this says nothing.</param>
    public void AddTask(string name, Condition start, Delegate handler, Action<TaskOptions>? options = null) =>
        Add(name, _ => start, options, (full, condition, all) => TaskDefinition.Of(full, condition, handler, all));

    /// <summary>Registers a task whose condition is a text: <c>daily between 10:00 and 12:00</c>.</summary>
    /// <inheritdoc cref="AddTask(string, Condition, Delegate, Action{TaskOptions}?)"/>
    public void AddTask(string name, string start, Delegate handler, Action<TaskOptions>? options = null) =>
        Add(name, whens => Condition.Parse(start, whens), options, (full, condition, all) => TaskDefinition.Of(full, condition, handler, all));

    /// <summary>Registers a method: a static one, or one of a service, which is asked for in each run.</summary>
    /// <inheritdoc cref="AddTask(string, Condition, Delegate, Action{TaskOptions}?)"/>
    public void AddTask(string name, Condition start, MethodInfo handler, Action<TaskOptions>? options = null) =>
        Add(name, _ => start, options, (full, condition, all) => TaskDefinition.Of(full, condition, handler, all));

    /// <summary>Registers all methods of an assembly that are marked <see cref="BelfryTaskAttribute"/>.</summary>
    public void AddTasksFromAssembly(Assembly assembly)
    {
        const BindingFlags any = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        foreach (MethodInfo method in assembly.GetTypes().SelectMany(type => type.GetMethods(any)))
        {
            if (method.GetCustomAttribute<BelfryTaskAttribute>() is { } task)
            {
                Add(TaskNames.Of(method), whens => task.Schedule is { } text ? Condition.Parse(text, whens) : Conditions.Never, options => Apply(task, options),
                    (full, condition, all) => TaskDefinition.Of(full, condition, method, all));
            }
        }
    }

    /// <summary>Registers tasks that have something in common.</summary>
    /// <param name="prefix">Begins all their names. Conditions name tasks in full.</param>
    /// <param name="tasks">Registers them.</param>
    /// <param name="start">Must hold for each of them to start; nothing by default.</param>
    /// <param name="options">Options that they begin with; those of this group by default.</param>
    public void AddGroup(string prefix, Action<TaskGroup> tasks, Condition? start = null, Action<TaskOptions>? options = null)
    {
        var group = new TaskGroup(this, prefix, start);
        group.Defaults = () =>
        {
            TaskOptions own = Defaults().Copy();
            options?.Invoke(own);
            return own;
        };
        tasks(group);
    }

    /// <summary>What was added so far here and in groups; made into definitions once everything is known.</summary>
    private protected IReadOnlyList<TaskDraft> Take()
    {
        TaskDraft[] taken = [.. _drafts];
        _drafts.Clear();
        return taken;
    }

    Func<TaskOptions> Defaults { get; set; }

    void Add(string name, Func<IEnumerable<WhenCondition>, Condition> start, Action<TaskOptions>? options, Func<string, Condition, TaskOptions, TaskDefinition> made)
    {
        string full = _prefix + name;
        _drafts.Add(new TaskDraft(full, whens =>
        {
            TaskOptions all = Defaults().Copy();
            options?.Invoke(all);
            return made(full, Joined(start(whens)), all);
        }));
    }

    Condition Joined(Condition start)
    {
        for (TaskGroup? group = this; group is not null; group = group._outer)
        {
            start = group._start is { } common && start != Conditions.Never ? common & start : start;
        }
        return start;
    }

    static void Apply(BelfryTaskAttribute task, TaskOptions options)
    {
        (options.Disabled, options.OnStartup, options.OnShutdown, options.Permanent) = (task.Disabled, task.OnStartup, task.OnShutdown, task.Permanent);
        (options.Queue, options.Description) = (task.Queue ?? options.Queue, task.Description ?? options.Description);
        options.Timeout = task.Timeout is { } limit ? OptionTexts.Timeout(limit) : options.Timeout;
        options.End = task.End is { } end ? Condition.Parse(end) : options.End;
        if (task.Execution is { } execution)
        {
            OptionTexts.Execution(execution, options);
        }
    }
}

/// <summary>A task that is being registered.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Made">Makes it of the functions that conditions may call, once they are all known.</param>
sealed record TaskDraft(string Name, Func<IEnumerable<WhenCondition>, TaskDefinition> Made);
