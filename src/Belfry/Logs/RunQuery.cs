namespace Belfry;

/// <summary>Which runs are wanted: <c>RunQuery.Where(RunFields.Task == "load", RunFields.Started &gt;= noon) with { Limit = 10 }</c>.</summary>
public sealed record RunQuery
{
    /// <summary>All of these must hold. Default: none, so every run matches.</summary>
    public IReadOnlyList<RunTerm> Terms { get; init; } = [];

    /// <summary>Oldest first, by <see cref="TaskRun.At"/>. Default: newest first.</summary>
    public bool OldestFirst { get; init; }

    /// <summary>So many at most. Default: all.</summary>
    public int? Limit { get; init; }

    /// <summary>Runs of which all of these hold.</summary>
    public static RunQuery Where(params RunTerm[] terms) => new() { Terms = terms };

    /// <summary>The run is one of them; order and limit aside.</summary>
    public bool Matches(TaskRun run)
    {
        foreach (RunTerm term in Terms)
        {
            if (!term.Holds(run))
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>The values of a field of which a run must have one; null where the query does not say.</summary>
    internal IReadOnlyList<object>? OneOf(string field) =>
        Terms.FirstOrDefault(term => term.Field == field && (term.Comparison is RunComparison.Equal or RunComparison.In))?.Values;
}

/// <summary>One thing that is asked of a run. Made by the operators of <see cref="RunField{T}"/>.</summary>
public sealed class RunTerm
{
    readonly Func<TaskRun, bool> _test;

    internal RunTerm(string field, RunComparison comparison, IReadOnlyList<object> values, Func<TaskRun, bool> test) =>
        (Field, Comparison, Values, _test) = (field, comparison, values, test);

    /// <summary>The field, by its name in <see cref="RunFields"/>.</summary>
    public string Field { get; }

    /// <summary>How it is compared.</summary>
    public RunComparison Comparison { get; }

    /// <summary>With what: two values for between, any number for in, else one.</summary>
    public IReadOnlyList<object> Values { get; }

    /// <summary>It holds of a run.</summary>
    public bool Holds(TaskRun run) => _test(run);
}

/// <summary>How a field of a run is compared.</summary>
public enum RunComparison
{
    /// <summary>The same.</summary>
    Equal = 0,

    /// <summary>Not the same; also where the run has no such value.</summary>
    NotEqual = 1,

    /// <summary>Less, earlier.</summary>
    Less = 2,

    /// <summary>Less or the same.</summary>
    AtMost = 3,

    /// <summary>Greater, later.</summary>
    Greater = 4,

    /// <summary>Greater or the same.</summary>
    AtLeast = 5,

    /// <summary>From one value to another, both included.</summary>
    Between = 6,

    /// <summary>One of several.</summary>
    In = 7,
}

/// <summary>The usual questions.</summary>
public static class RunLogQuestions
{
    /// <summary>The oldest run that matches; null when none does.</summary>
    public static Task<TaskRun?> FirstAsync(this IRunLogStore log, RunQuery query, CancellationToken cancel) =>
        OneAsync(log, query with { OldestFirst = true, Limit = 1 }, cancel);

    /// <summary>The newest run that matches; null when none does.</summary>
    public static Task<TaskRun?> LastAsync(this IRunLogStore log, RunQuery query, CancellationToken cancel) =>
        OneAsync(log, query with { OldestFirst = false, Limit = 1 }, cancel);

    /// <summary>The runs that match, in memory.</summary>
    public static async Task<IReadOnlyList<TaskRun>> ListAsync(this IRunLogStore log, RunQuery query, CancellationToken cancel)
    {
        var runs = new List<TaskRun>();
        await foreach (TaskRun run in log.ReadAsync(query, cancel).WithCancellation(cancel))
        {
            runs.Add(run);
        }
        return runs;
    }

    static async Task<TaskRun?> OneAsync(IRunLogStore log, RunQuery query, CancellationToken cancel)
    {
        await foreach (TaskRun run in log.ReadAsync(query, cancel).WithCancellation(cancel))
        {
            return run;
        }
        return null;
    }
}
