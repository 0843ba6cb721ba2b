namespace Belfry;

/// <summary>When two facts are the same, which counts first, and what one fact told twice says.</summary>
static class Facts
{
    public static bool Same(TaskEvent a, TaskEvent b) =>
        a.Kind == b.Kind && a.At == b.At && a.Attempt == b.Attempt && string.Equals(a.Worker, b.Worker, StringComparison.Ordinal);

    /// <summary>By instant, then in the order of a life, then by attempt, then by worker.</summary>
    public static int Compare(TaskEvent a, TaskEvent b)
    {
        int order = a.Shown.CompareTo(b.Shown);
        order = order != 0 ? order : a.Kind.CompareTo(b.Kind);
        order = order != 0 ? order : (a.Attempt ?? 0).CompareTo(b.Attempt ?? 0);
        order = order != 0 ? order : string.CompareOrdinal(a.Worker, b.Worker);
        return order != 0 ? order : a.At.CompareTo(b.At);
    }

    /// <summary>Of a field in which the two differ the ordinally greater text stands; <paramref name="known"/> itself when nothing changes.</summary>
    public static TaskEvent Merge(TaskEvent known, TaskEvent again)
    {
        if (known == again)
        {
            return known;
        }
        TaskEvent merged = known with
        {
            Shown = Instant.Min(known.Shown, again.Shown),
            Reconciled = known.Reconciled && again.Reconciled,
            Until = known.Reconciled && again.Reconciled ? Greater(known.Until, again.Until) : null,
            Task = Greater(known.Task, again.Task),
            Queue = Greater(known.Queue, again.Queue),
            Args = Greater(known.Args, again.Args),
            Kwargs = Greater(known.Kwargs, again.Kwargs),
            Result = Greater(known.Result, again.Result),
            Exception = Greater(known.Exception, again.Exception),
            Traceback = Greater(known.Traceback, again.Traceback),
            Reason = Greater(known.Reason, again.Reason),
            Runtime = Greater(known.Runtime, again.Runtime),
            Percent = Greater(known.Percent, again.Percent),
            Text = Greater(known.Text, again.Text),
            Eta = Greater(known.Eta, again.Eta),
            Expires = Greater(known.Expires, again.Expires),
            Priority = Greater(known.Priority, again.Priority),
            Parent = Greater(known.Parent, again.Parent),
            Root = Greater(known.Root, again.Root),
            App = Greater(known.App, again.App),
            Context = Greater(known.Context, again.Context),
            Extra = Greater(known.Extra, again.Extra),
        };
        return merged == known ? known : merged;
    }

    static string? Greater(string? a, string? b) => string.CompareOrdinal(a, b) >= 0 ? a : b;

    static T? Greater<T>(T? a, T? b)
        where T : struct, IComparable<T> => Nullable.Compare(a, b) >= 0 ? a : b;

    static RunContext? Greater(RunContext? a, RunContext? b) => string.CompareOrdinal(a?.ToString(), b?.ToString()) >= 0 ? a : b;
}
