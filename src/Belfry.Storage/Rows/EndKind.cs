namespace Belfry.Storage.Rows;

/// <summary>The kinds of ends of which the last is kept for each task: the final states, and apart from them the time limit. The numbers are stored.</summary>
static class EndKind
{
    /// <summary>A run that Belfry's own limit ended counts apart from those that somebody cancelled: it is a failure.</summary>
    public const int TimedOut = 16;

    /// <summary>The number under which a run's end is kept.</summary>
    public static int Of(TaskRun run) => run.State == RunState.Cancelled && run.Reason == "timeout" ? TimedOut : (int)run.State;

    /// <summary>The state of such runs.</summary>
    public static RunState StateOf(int kind) => kind == TimedOut ? RunState.Cancelled : (RunState)kind;

    /// <summary>The kinds that a question for states means: of cancelled runs only those that were timed out.</summary>
    public static HashSet<int> Wanted(IEnumerable<RunState> states) => [.. states.Select(state => state == RunState.Cancelled ? TimedOut : (int)state)];
}
