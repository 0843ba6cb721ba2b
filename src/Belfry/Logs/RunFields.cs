namespace Belfry;

/// <summary>What of a run can be asked for.</summary>
public static class RunFields
{
    /// <summary>The task's name.</summary>
    public static RunField<string> Task { get; } = Text(nameof(Task), run => run.Task);

    /// <summary>Where its events come from.</summary>
    public static RunField<string> Source { get; } = Text(nameof(Source), run => run.Source);

    /// <summary>Its id.</summary>
    public static RunField<string> Id { get; } = Text(nameof(Id), run => run.Id);

    /// <summary>The attempt, from 1.</summary>
    public static RunField<int> Attempt { get; } = Value(nameof(Attempt), run => (int?)run.Attempt);

    /// <summary>The state; states compare by no order but <c>==</c>, <c>!=</c> and <c>In</c>.</summary>
    public static RunField<RunState> State { get; } = Value(nameof(State), run => (RunState?)run.State);

    /// <summary>Its instant: its start, else its first event.</summary>
    public static RunField<Instant> At { get; } = Value(nameof(At), run => (Instant?)run.At);

    /// <summary>When it began.</summary>
    public static RunField<Instant> Started { get; } = Value(nameof(Started), run => run.Started);

    /// <summary>When it ended.</summary>
    public static RunField<Instant> Finished { get; } = Value(nameof(Finished), run => run.Finished);

    /// <summary>Its runtime in seconds.</summary>
    public static RunField<double> Runtime { get; } = Value(nameof(Runtime), run => run.Runtime);

    /// <summary>The process or worker that ran it.</summary>
    public static RunField<string> Worker { get; } = Text(nameof(Worker), run => run.Worker);

    /// <summary>The queue it came from.</summary>
    public static RunField<string> Queue { get; } = Text(nameof(Queue), run => run.Queue);

    /// <summary>The class of its exception.</summary>
    public static RunField<string> Exception { get; } = Text(nameof(Exception), run => run.ExceptionClass);

    /// <summary>Why it was cancelled, skipped or lost.</summary>
    public static RunField<string> Reason { get; } = Text(nameof(Reason), run => run.Reason);

    /// <summary>The run that called it.</summary>
    public static RunField<string> Parent { get; } = Text(nameof(Parent), run => run.Parent);

    static RunField<string> Text(string name, Func<TaskRun, string?> of) =>
        new(name, run => of(run) is { } value ? (true, value) : default, StringComparer.Ordinal);

    static RunField<T> Value<T>(string name, Func<TaskRun, T?> of)
        where T : struct => new(name, run => of(run) is { } value ? (true, value) : default, Comparer<T>.Default);
}

/// <summary>A field of a run; compared with a value it becomes a term of a query.</summary>
/// <typeparam name="T">Its type.</typeparam>
public sealed class RunField<T>
    where T : notnull
{
    readonly Func<TaskRun, (bool Has, T Value)> _of;
    readonly IComparer<T> _order;

    internal RunField(string name, Func<TaskRun, (bool Has, T Value)> of, IComparer<T> order) => (Name, _of, _order) = (name, of, order);

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>It is that.</summary>
    public static RunTerm operator ==(RunField<T> field, T value) => field.Term(RunComparison.Equal, value);

    /// <summary>It is not that, or the run has none.</summary>
    public static RunTerm operator !=(RunField<T> field, T value) => field.Term(RunComparison.NotEqual, value);

    /// <summary>It is less, earlier.</summary>
    public static RunTerm operator <(RunField<T> field, T value) => field.Term(RunComparison.Less, value);

    /// <summary>It is greater, later.</summary>
    public static RunTerm operator >(RunField<T> field, T value) => field.Term(RunComparison.Greater, value);

    /// <summary>It is not greater.</summary>
    public static RunTerm operator <=(RunField<T> field, T value) => field.Term(RunComparison.AtMost, value);

    /// <summary>It is not less.</summary>
    public static RunTerm operator >=(RunField<T> field, T value) => field.Term(RunComparison.AtLeast, value);

    /// <summary>It lies between two values, both included.</summary>
    public RunTerm Between(T from, T to) => Term(RunComparison.Between, from, to);

    /// <summary>It is one of these.</summary>
    public RunTerm In(params T[] values) => Term(RunComparison.In, values);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => ReferenceEquals(this, obj);

    /// <inheritdoc/>
    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);

    RunTerm Term(RunComparison comparison, params T[] values)
    {
        Func<T, bool> test = comparison switch
        {
            RunComparison.Equal or RunComparison.In => value => Array.Exists(values, wanted => _order.Compare(value, wanted) == 0),
            RunComparison.NotEqual => value => _order.Compare(value, values[0]) != 0,
            RunComparison.Less => value => _order.Compare(value, values[0]) < 0,
            RunComparison.AtMost => value => _order.Compare(value, values[0]) <= 0,
            RunComparison.Greater => value => _order.Compare(value, values[0]) > 0,
            RunComparison.AtLeast => value => _order.Compare(value, values[0]) >= 0,
            _ => value => _order.Compare(value, values[0]) >= 0 && _order.Compare(value, values[1]) <= 0,
        };
        bool without = comparison == RunComparison.NotEqual;
        return new RunTerm(Name, comparison, [.. values.Cast<object>()], run => _of(run) is (true, var value) ? test(value) : without);
    }
}
