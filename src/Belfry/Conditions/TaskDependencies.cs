namespace Belfry;

/// <summary>Something in the conditions of tasks that can never work.</summary>
/// <param name="Task">Whose condition it is.</param>
/// <param name="What">What is wrong with it.</param>
public sealed record DependencyProblem(string Task, string What)
{
    /// <summary>As a sentence.</summary>
    public override string ToString() => $"task '{Task}': {What}";
}

/// <summary>How tasks wait for each other, judged when they are registered. Pure.</summary>
public static class TaskDependencies
{
    static readonly ConditionContext Nothing = new() { Now = default };

    /// <summary>Names that nobody has, and tasks that wait for each other so that none can ever start.</summary>
    /// <param name="tasks">All tasks with their conditions.</param>
    /// <param name="elsewhere">Names of tasks that run somewhere else and come into the log from there.</param>
    /// <param name="whens">Functions of the user's that are registered.</param>
    /// <remarks>
    /// A circle is sound if one of its tasks can start otherwise: load, <c>daily | after task 'repair'</c>, beside repair, <c>after task 'load' failed</c>.
    /// </remarks>
    public static IReadOnlyList<DependencyProblem> Problems(
        IReadOnlyDictionary<string, Condition> tasks, IEnumerable<string>? elsewhere = null, IEnumerable<WhenCondition>? whens = null)
    {
        var known = new HashSet<string>(tasks.Keys.Concat(elsewhere ?? []));
        var functions = (whens ?? []).Select(when => when.Name).ToHashSet();
        var problems = new List<DependencyProblem>();
        foreach ((string task, Condition condition) in tasks)
        {
            problems.AddRange(AskedBy(condition).Where(name => !known.Contains(name))
                .Select(name => new DependencyProblem(task, $"its condition names the task '{name}', which is not registered{NearNames.Hint(name, known)}")));
            problems.AddRange(condition.Leaves.OfType<WhenCondition>().Where(when => when.Test is null && !functions.Contains(when.Name))
                .Select(when => new DependencyProblem(task, $"its condition calls the function '{when.Name}', which is not registered{NearNames.Hint(when.Name, functions)}")));
        }
        return problems.Count > 0 ? problems : [.. NeverStarting(tasks)];
    }

    /// <summary>Grows the set of tasks that may start, beginning with those that ask about no other, until it grows no more.</summary>
    static IEnumerable<DependencyProblem> NeverStarting(IReadOnlyDictionary<string, Condition> tasks)
    {
        var stuck = tasks.Where(task => AskedBy(task.Value).Any(tasks.ContainsKey)).ToDictionary(task => task.Key, task => task.Value);
        int before;
        do
        {
            before = stuck.Count;
            foreach (string task in stuck.Keys.Where(task => MayStart(stuck[task], stuck)).ToList())
            {
                stuck.Remove(task);
            }
        }
        while (stuck.Count < before);
        return stuck.Keys.Select(task => new DependencyProblem(task, $"it can never start: it waits for {Chain(task, stuck)}"));
    }

    /// <summary>It may hold once, if tasks that are stuck never run and everything else is as one would wish.</summary>
    static bool MayStart(Condition condition, Dictionary<string, Condition> stuck) => condition
        .Replace((leaf, positive) => leaf is Constant || (leaf.Asked is { } task && stuck.ContainsKey(task)) ? leaf : new Constant(positive), true)
        .Holds(Nothing);

    /// <summary>From one to the next that is stuck, until one comes again.</summary>
    static string Chain(string task, Dictionary<string, Condition> stuck)
    {
        var chain = new List<string>();
        for (string at = task; chain.Count == 0 || (at != task && !chain[..^1].Contains(at)); chain.Add(at))
        {
            at = AskedBy(stuck[at]).First(stuck.ContainsKey);
        }
        return string.Join(", which waits for ", chain.Select(name => $"'{name}'"));
    }

    static IEnumerable<string> AskedBy(Condition condition) => condition.Leaves.Select(leaf => leaf.Asked).OfType<string>().Distinct();
}
